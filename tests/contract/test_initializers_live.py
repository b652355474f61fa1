# SPDX-License-Identifier: Apache-2.0
"""Every initialiser against the PyTorch that is installed."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from flaxnn import init  # noqa: E402
from tests.contract import oracle  # noqa: E402
from tests.contract.initializer import (  # noqa: E402
    SEEDS,
    BadInitializer,
    InitCase,
    Initializer,
    draw,
)
from tests.contract.registry import (  # noqa: E402
    BAD_INITIALIZER_IDS,
    BAD_INITIALIZERS,
    FILL_IDS,
    FILLS,
)

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(("initializer", "case"), FILLS, ids=FILL_IDS)
def test_values_warnings_and_the_state_after(initializer: Initializer, case: InitCase):
    for dtype in initializer.dtypes:
        for seed in SEEDS:
            ours = draw(initializer, case, seed, dtype)
            theirs = oracle.draw(initializer, case, seed, dtype)
            np.testing.assert_array_equal(ours.state, theirs.state)
            assert ours.warned == theirs.warned
            for array, expected in zip(ours.values, theirs.values, strict=True):
                assert array.shape == expected.shape
                assert array.dtype == expected.dtype
                initializer.assert_close(array, expected, dtype)


@pytest.mark.parametrize("bad", BAD_INITIALIZERS, ids=BAD_INITIALIZER_IDS)
@pytest.mark.filterwarnings("ignore:mean is more than 2 std")
def test_the_recorded_errors_are_pytorchs(bad: BadInitializer):
    with pytest.raises(bad.error) as caught:
        oracle.fill(bad)
    assert bad.error is type(caught.value)
    assert bad.words in str(caught.value)


@pytest.mark.parametrize(
    "arguments",
    [
        *((name,) for name in init._fans._UNIT_GAIN),
        *(("tanh",), ("relu",), ("selu",), ("tanh", "unused")),
        *(("leaky_relu", slope) for slope in (None, 0, 1, 0.2, -0.5, np.float64(0.3))),
        *(("leaky_relu", slope) for slope in (True, "0.2", np.float32(0.3))),
        *(("gelu",), (None,), ("ReLU",)),
    ],
)
def test_gains(arguments: tuple):
    try:
        expected = torch.nn.init.calculate_gain(*arguments)
    except ValueError as error:
        with pytest.raises(ValueError, match=f"^{error}$"):
            init.calculate_gain(*arguments)
    else:
        assert init.calculate_gain(*arguments) == expected


@pytest.mark.parametrize(
    "shape", [(3, 5), (4, 2, 3), (4, 2, 3, 5), (2, 3, 1, 2, 2), (0, 3), (3, 2, 0)]
)
def test_fans(shape: tuple[int, ...]):
    expected = torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))
    assert init.fan_in_and_fan_out(shape) == expected


def test_every_initializer_of_torch_is_there():
    theirs = {name.rstrip("_") for name in torch.nn.init.__all__}
    assert theirs == set(init.__all__) - {"Source", "fan_in_and_fan_out"}


def test_square_orthogonal_weights_are_as_close_as_pytorchs_own_rounding():
    # PyTorch's float32 factor against its float64 one of the same numbers: 4.6e-6 was
    # measured at 128 columns, whose last ones are ill-conditioned.
    from flaxnn.random import Generator

    for seed in range(10):
        torch.manual_seed(seed)
        theirs = torch.nn.init.orthogonal_(torch.empty(128, 128)).numpy()
        ours = init.orthogonal((128, 128), rngs=Generator(seed))
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
