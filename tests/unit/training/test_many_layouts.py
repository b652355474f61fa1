# SPDX-License-Identifier: Apache-2.0
"""`fit_many`: what the layout, the number of lanes and the devices do not change."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from jax.sharding import AxisType

import flaxnn
from flaxnn import models, nn, optim
from flaxnn.data import DataLoader
from flaxnn.random import Generator
from flaxnn.training import _lane_loop, _lane_memory, _many, fit_many
from flaxnn.training._lane_memory import LaneMemory, lane_memory, lanes_at_once
from flaxnn.training._memory import available_bytes

RATES = (0.5, 0.1, 0.2, 0.05, 0.3)


def arrays(dtype="float32"):
    rng = np.random.default_rng(0)
    return rng.normal(size=(10, 4)).astype(dtype), rng.integers(0, 3, 10)


def softmax(lanes, rates=RATES, **changes):
    """Full batches of the document's model in float32, all layouts being "last"."""
    return fit_many(
        [models.SoftmaxRegression(4, 3, rngs=Generator(k)) for k in range(lanes)],
        arrays(),
        loss=nn.CrossEntropyLoss(),
        optimizer=[optim.sgd(lr=lr) for lr in rates[:lanes]],
        steps=20,
        **({"layout": "last"} | changes),
    )


def assert_same_bits(ours, theirs):
    np.testing.assert_array_equal(ours.history["loss"], theirs.history["loss"])
    for a, b in zip(
        jax.tree.leaves(ours.state.train),
        jax.tree.leaves(theirs.state.train),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


def test_neither_a_diverging_lane_nor_their_number_changes_a_bit(monkeypatch):
    """Five lanes, of which one diverges, in blocks of two; and three in two blocks."""
    monkeypatch.setattr(_many, "BLOCK", 2)
    whole = softmax(5)
    wild = softmax(5, (0.5, np.inf, 0.2, 0.05, 0.3))
    assert not np.isfinite(wild[1].history["loss"][-1])
    for k in (0, 2, 3, 4):
        assert_same_bits(wild[k], whole[k])
    for run, expected in zip(softmax(3), whole, strict=False):
        assert_same_bits(run, expected)


def test_mini_batches_of_pixels():
    """Looked up after a gather whose rows are each lane's own; Adam, float64."""
    rng = np.random.default_rng(1)
    data = rng.integers(0, 256, (12, 3)).astype(np.uint8), rng.integers(0, 2, 12)
    target = data[1].astype(np.float64)[:, None]

    def lane(k):
        generator = Generator(k)
        model = nn.Sequential(nn.Linear(3, 1, rngs=generator), nn.Sigmoid())
        loader = DataLoader((data[0], target), 5, shuffle=True, rngs=generator)
        return flaxnn.astype(model, "float64"), loader

    options = {"loss": nn.BCELoss(), "optimizer": optim.adam(lr=0.1), "epochs": 2}
    rows = [lane(k) for k in range(2)]
    runs = fit_many(*map(list, zip(*rows, strict=True)), layout="last", **options)
    for k, run in enumerate(runs):
        expected = flaxnn.fit(*lane(k), **options)
        losses = expected.history["loss"]
        np.testing.assert_allclose(run.history["loss"], losses, rtol=1e-12)
        for name, value in expected.model.state_dict().items():
            np.testing.assert_allclose(run.model.state_dict()[name], value, rtol=1e-12)


@pytest.mark.parametrize(
    ("size", "lanes", "expected"),
    [(499, 32, "last"), (499, 31, "vmap"), (500, 32, "vmap"), (50_000, 2, "map")],
)
def test_auto_goes_by_the_size_of_a_lane_and_their_number(size, lanes, expected):
    params = {"a": np.zeros(size - 1, np.float32), "b": np.zeros((), np.float32)}
    assert _lane_loop.layout_for("auto", params, lanes) == expected
    assert _lane_loop.layout_for("vmap", params, lanes) == "vmap"


def test_what_a_mesh_must_be():
    with pytest.raises(TypeError, match=r"mesh must be a jax\.sharding\.Mesh"):
        softmax(2, mesh=[1])


def test_three_devices_share_out_four_lanes():
    """In an interpreter of its own, bit for bit."""
    flags = "--xla_force_host_platform_device_count=3"
    subprocess.run(
        [sys.executable, __file__],
        env=os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        cwd=Path(__file__).parents[3],
        check=True,
    )


def on_three_devices():
    mesh = jax.make_mesh((3,), ("lanes",), axis_types=(AxisType.Auto,))
    runs = softmax(4, mesh=mesh)
    for run, expected in zip(runs, softmax(4), strict=True):
        assert_same_bits(run, expected)
    (device,) = jax.tree.leaves(runs[3].state.train)[0].devices()
    assert device == jax.devices()[0]


def test_more_lanes_than_fit_are_said_to_be_fewer():
    memory = LaneMemory(shared=1000, lane=100)
    assert memory.lanes(10_000) == (8000 - 1000) // 100
    assert memory.lanes(0) == 1
    assert memory.lanes(float("inf")) > 1e6


def test_what_lanes_take(monkeypatch):
    """XLA says less than the bound, and no less than states and data."""
    model = models.SoftmaxRegression(4, 3, rngs=Generator(0))
    generator = Generator(0)
    before = generator.get_state()
    loader = DataLoader(arrays(), 5, shuffle=True, rngs=generator)
    options = {"loss": nn.CrossEntropyLoss(), "optimizer": optim.adam(lr=0.1)}
    bound = lane_memory(model, loader, compiled=False, layout="vmap", **options)
    exact = lane_memory(model, loader, layout="vmap", **options)
    state = 4 * (3 * 15 + 7)
    assert state < exact.lane <= bound.lane
    assert exact.shared >= arrays()[0].nbytes
    np.testing.assert_array_equal(generator.get_state(), before)

    def many(count, available):
        return lanes_at_once(count, available, model, loader, layout="vmap", **options)

    monkeypatch.setattr(
        _lane_memory,
        "lane_memory",
        lambda *_, compiled, **__: exact if compiled else bound,
    )
    assert many(3, 1e9) == (3, bound)
    room = (exact.shared + 2.5 * exact.lane) / 0.8
    assert many(9, room) == (2, exact)


def test_what_is_available():
    free = available_bytes()
    assert 0 < free < float("inf")
    mesh = jax.make_mesh((1,), ("lanes",), axis_types=(AxisType.Auto,))
    assert available_bytes(mesh) == pytest.approx(free, rel=0.5)


if __name__ == "__main__":
    on_three_devices()
