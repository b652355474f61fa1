# SPDX-License-Identifier: Apache-2.0
"""What the tests of sweeps run."""

from __future__ import annotations

import numpy as np

import flaxnn
from flaxnn import nn, optim
from flaxnn.data import DataLoader
from flaxnn.random import Generator

# No short last batch, whose program would be another to compile.
ROWS = 20


def arrays(dtype="float64"):
    rng = np.random.default_rng(0)
    return rng.normal(size=(ROWS, 4)).astype(dtype), rng.integers(0, 3, ROWS)


def net(*, rngs):
    model = nn.Sequential(nn.Dropout(0.2), nn.Linear(4, 3, rngs=rngs))
    return flaxnn.astype(model, "float64")


def plain_net(width=3, *, rngs):
    return flaxnn.astype(nn.Linear(4, width, rngs=rngs), "float64")


def options(**changes):
    """The sweep of most tests: two seeds, two rates, mini-batches."""
    return {
        "loss": nn.CrossEntropyLoss(),
        "optimizer": optim.sgd,
        "lr": [0.05, 0.2],
        "momentum": 0.9,
        "seeds": (3, 8),
        "batch_size": 5,
        "chunk": 4,
        "shuffle": True,
        "epochs": 3,
    } | changes


def alone(seed, optimizer, *, build=net, batch_size=5, **changes):
    """The run of one lane by `fit`, and its Generator."""
    generator = Generator(seed)
    model, data = build(rngs=generator), arrays()
    if batch_size:
        data = DataLoader(data, batch_size, shuffle=True, rngs=generator)
    settings = {"loss": nn.CrossEntropyLoss(), "rngs": generator} | changes
    return flaxnn.fit(model, data, optimizer=optimizer, **settings)


def assert_equal_sweeps(ours, theirs):
    """The same lanes, bit for bit: histories, evaluations, states, generators."""
    assert ours.records == theirs.records
    for part in ("history", "evaluations"):
        one, other = getattr(ours, part), getattr(theirs, part)
        assert one.keys() == other.keys()
        for name, array in other.items():
            np.testing.assert_array_equal(one[name], array)
    for one, other in zip(ours.runs, theirs.runs, strict=True):
        for mine, its in (
            (leaves(one.state.train), leaves(other.state.train)),
            (one.state.generators, other.state.generators),
            (one.state.generators_at_epoch, other.state.generators_at_epoch),
            (leaves(one.model), leaves(other.model)),
        ):
            assert len(mine) == len(its)
            for a, b in zip(mine, its, strict=True):
                np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def leaves(tree):
    import jax
    from flax import nnx

    return jax.tree.leaves(nnx.state(tree) if isinstance(tree, nnx.Module) else tree)


def assert_close(ours, theirs, tolerance=1e-12):
    """Largest difference over largest magnitude, the criterion of T1."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max()


def assert_run_close(ours, theirs):
    for name, series in theirs.history.items():
        assert_close(ours.history[name], series)
    ours_state, theirs_state = ours.model.state_dict(), theirs.model.state_dict()
    for name, tensor in theirs_state.items():
        assert_close(ours_state[name], tensor)
    for one, other in zip(ours.state.generators, theirs.state.generators, strict=True):
        np.testing.assert_array_equal(one, other)
