# SPDX-License-Identifier: Apache-2.0
"""Many runs in one program against a loop over live PyTorch's: T0 and T1."""

from __future__ import annotations

import numpy as np
import pytest

import flaxnn
from flaxnn import nn, optim
from flaxnn.data import DataLoader
from flaxnn.random import Generator
from flaxnn.training import fit_many

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

T1 = 1e-12
SEEDS, RATES = (3, 11, 2**40), (0.01, 0.1, 0.3)


def build(n, **options):
    """The same net of either side's modules."""
    return n.Sequential(
        n.Linear(6, 16, **options),
        n.LayerNorm(16),
        n.Tanh(),
        n.Dropout(0.3),
        n.Linear(16, 3, **options),
    )


def arrays():
    rng = np.random.default_rng(0)
    return rng.normal(size=(37, 6)), rng.integers(0, 3, 37)


def assert_t1(ours, theirs):
    """Largest difference over largest magnitude, the criterion of T1."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.dtype == theirs.dtype == np.float64
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= T1 * np.abs(theirs).max()


@pytest.mark.parametrize("layout", ["last", "vmap", "map"])
def test_each_lane_is_pytorchs_run(layout):
    data, generators = arrays(), [Generator(seed) for seed in SEEDS]
    runs = fit_many(
        [flaxnn.astype(build(nn, rngs=g), "float64") for g in generators],
        [DataLoader(data, 8, shuffle=True, rngs=g) for g in generators],
        loss=nn.CrossEntropyLoss(),
        optimizer=[optim.sgd(lr=lr, momentum=0.9) for lr in RATES],
        epochs=4,
        layout=layout,
    )
    for run, generator, seed, lr in zip(runs, generators, SEEDS, RATES, strict=True):
        torch.manual_seed(seed)
        theirs = build(torch.nn).double()
        loader = torch.utils.data.DataLoader(
            torch.utils.data.TensorDataset(*map(torch.from_numpy, data)),
            batch_size=8,
            shuffle=True,
        )
        descent = torch.optim.SGD(theirs.parameters(), lr=lr, momentum=0.9)
        loss, losses = torch.nn.CrossEntropyLoss(), []
        for _ in range(4):
            for x, y in loader:
                value = loss(theirs(x), y)
                losses.append(value.item())
                descent.zero_grad()
                value.backward()
                descent.step()
        assert_t1(run.history["loss"], np.array(losses))
        state = run.model.state_dict()
        for name, tensor in theirs.state_dict().items():
            assert_t1(state[name], tensor.numpy())
        ours, stream = generator.get_state(), torch.get_rng_state().numpy()
        np.testing.assert_array_equal(ours, stream)
