# SPDX-License-Identifier: Apache-2.0
"""Arrays are printed as PyTorch prints tensors."""

import numpy as np
import pytest

from flaxnn.report import tensor_text

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

SHAPES = [
    *[(), (1,), (3,), (7,), (20,), (512,), (1001,), (3, 4), (10, 3), (3, 20)],
    *[(60, 70), (2, 3, 4), (20, 8, 10), (0,), (2, 0), (1, 1), (7, 300)],
]
KINDS = {
    "normal": lambda rng, s: rng.normal(size=s),
    "small": lambda rng, s: rng.uniform(-0.05, 0.05, s),
    "spread": lambda rng, s: rng.normal(size=s) * 10.0 ** rng.integers(-6, 6, s),
    "integral": lambda rng, s: rng.integers(-5, 5, s),
    "zeros": lambda rng, s: np.zeros(s),
    "huge": lambda rng, s: rng.integers(0, 2, s) * 1e9,
    "nans": lambda rng, s: np.where(rng.random(s) < 0.3, np.nan, rng.normal(size=s)),
    "infinite": lambda rng, s: np.where(rng.random(s) < 0.3, -np.inf, 2.0),
    "all nan": lambda rng, s: np.full(s, np.nan),
}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_floats(shape, kind):
    array = np.asarray(KINDS[kind](np.random.default_rng(0), shape)).astype(np.float32)
    assert tensor_text(array) == repr(torch.tensor(array))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", ["int64", "bool"])
def test_integers_and_booleans(shape, dtype):
    array = np.asarray(np.random.default_rng(0).integers(-500, 500, shape)).astype(
        dtype
    )
    expected = repr(torch.tensor(array)).replace("torch.", "")
    assert tensor_text(array) == expected


def test_parameters():
    for size in (2, 7, 8, 600):
        array = np.linspace(-1, 1, size, dtype=np.float32)
        ours = tensor_text(array, suffix="requires_grad=True")
        assert ours == repr(torch.tensor(array, requires_grad=True))
