# SPDX-License-Identifier: Apache-2.0
"""RAdam's rectification term, where the textbook's form cancels."""

from decimal import Decimal, localcontext

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from flaxnn.optim._radam import _rectification


def exact(beta2: float, step: int) -> float:
    """The textbook's form, in fifty digits."""
    with localcontext() as context:
        context.prec = 50
        beta = Decimal(beta2)
        power = beta**step
        longest = 2 / (1 - beta) - 1
        length = longest - 2 * step * power / (1 - power)
        if length <= 5:
            return 0.0
        square = (length - 4) * (length - 2) * longest
        return float((square / ((longest - 4) * (longest - 2) * length)).sqrt())


@pytest.mark.parametrize("beta2", [0.5, 0.9, 0.99, 0.999, 0.9999])
@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-6), ("float64", 1e-12)])
def test_it_is_exact_at_every_step(beta2: float, dtype: str, rtol: float):
    steps = [1, 2, 4, 5, 6, 7, 10, 30, 100, 1000, 10_000, 100_000]
    with jax.enable_x64(dtype == "float64"):
        weight = jnp.asarray(1 - beta2, dtype)
        ours = [_rectification(weight, jnp.asarray(step)) for step in steps]
    expected = [exact(beta2, step) for step in steps]
    np.testing.assert_allclose(np.array(ours), expected, rtol=rtol)
