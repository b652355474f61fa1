# SPDX-License-Identifier: Apache-2.0
"""The sides of JAX compute the same; those of PyTorch are in tests/parity."""

import dataclasses

import jax
import numpy as np
import pytest

from flaxnn import bench
from flaxnn.bench import _flaxnn_side, _scan_side
from flaxnn.bench._problem import prepare


@pytest.fixture(autouse=True)
def broadcasting():
    """The scan by hand adds a bias to a batch, as people write it."""
    with jax.numpy_rank_promotion("allow"):
        yield


def images(rows):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (rows, 28, 28)).astype(np.uint8)
    return pixels, rng.integers(0, 10, rows)


def problem_of(name, rows=0):
    (case,) = bench.find([name])
    if rows:
        case = dataclasses.replace(case, arrays=lambda generator, data: images(rows))
    return case, prepare(case, None, quick=True)


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("output-layer", 0),
        ("univariate", 0),
        ("multinomial", 0),
        ("wine", 0),
        ("fashion-mnist-epoch-64", 150),
        ("fashion-mnist-epoch-64", 128),
    ],
)
def test_fit_and_the_scan_by_hand_agree(name, rows):
    case, problem = problem_of(name, rows)
    steps = problem.recipe.steps
    runs = _flaxnn_side.fit(problem), _scan_side.scan(problem)
    ours, theirs = (run(steps) for run in runs)
    assert ours.shape == theirs.shape == (steps,)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=case.tolerance)
    # Each run starts from the beginning, also a shorter one.
    for run, losses in zip(runs, (ours, theirs), strict=True):
        np.testing.assert_array_equal(run(steps), losses)
        np.testing.assert_allclose(run(1), losses[:1], rtol=1e-6)
