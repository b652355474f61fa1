# SPDX-License-Identifier: Apache-2.0
"""Every initialiser that draws, with JAX keys: PyTorch's distributions."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import jax
import numpy as np
import pytest
from flax import nnx

from flaxnn.random import Generator
from tests.contract.initializer import InitCase, Initializer
from tests.contract.registry import FILLS, INITIALIZERS

DRAWN = [entry for entry in INITIALIZERS if entry.draws]
# A case for each set of options; what the shape alone makes different is left out.
OPTIONS = [
    (entry, case)
    for entry, case in FILLS
    if entry.draws and (case.args or case.kwargs or case is entry.cases[0])
]
MANY = (120, 100)
every_drawn = pytest.mark.parametrize("entry", DRAWN, ids=lambda entry: entry.name)


@pytest.mark.parametrize(
    ("entry", "case"), OPTIONS, ids=[f"{e.name}-{c.name}" for e, c in OPTIONS]
)
@pytest.mark.filterwarnings("ignore:mean is more than 2 std")
def test_the_distribution_is_pytorchs(entry: Initializer, case: InitCase):
    case = replace(case, shape=MANY)
    ours = np.asarray(entry.call(case, nnx.Rngs(0), "float32"))
    theirs = np.asarray(entry.call(case, Generator(0), "float32"))
    # Kolmogorov and Smirnov's distance of two samples: chance exceeds this limit once
    # in ten thousand times.
    assert _distance(ours.ravel(), theirs.ravel()) <= 2.23 * math.sqrt(2 / ours.size)


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    """Returns the largest distance of two empirical distribution functions."""
    places = np.union1d(a, b)
    below = [np.searchsorted(np.sort(x), places, "right") / x.size for x in (a, b)]
    return float(np.max(np.abs(below[0] - below[1])))


@every_drawn
@pytest.mark.filterwarnings("ignore:mean is more than 2 std")
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_shape_and_dtype(entry: Initializer):
    for case in entry.cases:
        for dtype in entry.dtypes:
            call = partial(entry.call, case, dtype=dtype)
            result = jax.eval_shape(lambda call=call: call(rngs=nnx.Rngs(0)))
            assert (result.shape, result.dtype.name) == (case.shape, dtype)


@every_drawn
def test_two_calls_draw_two_keys(entry: Initializer):
    case, rngs = replace(entry.cases[0], shape=MANY), nnx.Rngs(0)
    first, second = (entry.call(case, rngs, "float32") for _ in range(2))
    assert (first != second).any()


@every_drawn
def test_compiled_is_eager(entry: Initializer):
    case = next(case for case in entry.cases if math.prod(case.shape) > 1)

    @jax.jit
    def compiled(key: jax.Array) -> jax.Array:
        return entry.call(case, nnx.Rngs(key), "float32")

    key = jax.random.key(0)
    eager = entry.call(case, nnx.Rngs(key), "float32")
    np.testing.assert_allclose(compiled(key), eager, rtol=1e-5, atol=1e-6)
