# SPDX-License-Identifier: Apache-2.0
"""A sweep's lane against a live PyTorch's run of its seed, and the file it writes."""

from __future__ import annotations

import numpy as np
import pytest

import flaxnn
from flaxnn import nn, optim

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

T1 = 1e-12
SEEDS, RATES, DECAYS = (3, 2**40), (0.01, 0.1), (0.0, 0.05)


def build(n, **options):
    """The same net of either side's modules."""
    return n.Sequential(
        n.Linear(6, 8, **options), n.Tanh(), n.Dropout(0.3), n.Linear(8, 3, **options)
    )


def arrays():
    rng = np.random.default_rng(0)
    return rng.normal(size=(24, 6)), rng.integers(0, 3, 24)


@pytest.fixture(scope="module")
def swept():
    return flaxnn.sweep(
        lambda *, rngs: flaxnn.astype(build(nn, rngs=rngs), "float64"),
        arrays(),
        loss=nn.CrossEntropyLoss(),
        optimizer=optim.adam,
        lr=list(RATES),
        weight_decay=list(DECAYS),
        seeds=SEEDS,
        batch_size=8,
        shuffle=True,
        epochs=3,
    )


class TorchRun:
    """PyTorch's run of a lane, which can go on."""

    def __init__(self, seed, lr, weight_decay):
        torch.manual_seed(seed)
        self.model = build(torch.nn).double()
        self.loader = torch.utils.data.DataLoader(
            torch.utils.data.TensorDataset(*map(torch.from_numpy, arrays())),
            batch_size=8,
            shuffle=True,
        )
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), lr=lr, weight_decay=weight_decay
        )

    def train(self, epochs):
        loss, losses = torch.nn.CrossEntropyLoss(), []
        self.model.train()
        for _ in range(epochs):
            for x, y in self.loader:
                value = loss(self.model(x), y)
                losses.append(value.item())
                self.optimizer.zero_grad()
                value.backward()
                self.optimizer.step()
        return np.array(losses)


def assert_t1(ours, theirs):
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.dtype == theirs.dtype == np.float64
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= T1 * np.abs(theirs).max()


def test_each_lane_is_pytorchs_run(swept):
    assert swept.programs == 1
    assert len(swept) == 8
    for k, record in enumerate(swept.records):
        theirs = TorchRun(record["seed"], record["lr"], record["weight_decay"])
        losses = theirs.train(3)
        assert_t1(swept.history["loss"][:, k], losses)
        state = swept.model(k).state_dict()
        for name, tensor in theirs.model.state_dict().items():
            assert_t1(state[name], tensor.numpy())
        stream = torch.get_rng_state().numpy()
        np.testing.assert_array_equal(swept.run(k).state.generators[0], stream)


def test_pytorch_goes_on_from_a_lanes_file(swept, tmp_path):
    k = 5
    record = swept.records[k]
    swept.save_checkpoint(k, tmp_path / "lane.pt", rest={"seed": record["seed"]})
    found = torch.load(tmp_path / "lane.pt", weights_only=True)
    assert found["seed"] == record["seed"]
    whole = TorchRun(record["seed"], record["lr"], record["weight_decay"])
    expected = whole.train(5)[9:]

    theirs = TorchRun(0, 1.0, 0.5)
    theirs.model.load_state_dict(found["model"])
    theirs.optimizer.load_state_dict(found["optimizer"])
    torch.set_rng_state(found["generators"][0])
    theirs.model.eval()
    x = arrays()[0]
    with torch.no_grad():
        output = theirs.model(torch.from_numpy(x)).numpy()
    assert_t1(flaxnn.predict(swept.model(k), x), output)
    assert_t1(theirs.train(2), expected)
    assert theirs.optimizer.param_groups[0]["weight_decay"] == record["weight_decay"]
