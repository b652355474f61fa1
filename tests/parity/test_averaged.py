# SPDX-License-Identifier: Apache-2.0
"""Averaged parameters against a live PyTorch's AveragedModel: T1 over 200 steps."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import flaxnn
from flaxnn import nn, optim
from flaxnn.random import Generator
from flaxnn.training import TrainState, make_train_step

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from torch.optim import swa_utils  # noqa: E402

pytestmark = pytest.mark.torch

T1 = 1e-12
STEPS = 200


def build(n, **options):
    """The same net of either side's modules."""
    return n.Sequential(
        n.Linear(4, 8, bias=False, **options),
        n.BatchNorm1d(8),
        n.Tanh(),
        n.Linear(8, 3, **options),
    )


def assert_t1(ours, theirs):
    """Largest difference over largest magnitude, the criterion of T1."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.dtype == theirs.dtype == np.float64
    assert np.abs(ours - theirs).max() <= T1 * np.abs(theirs).max()


@pytest.mark.parametrize(
    ("decay", "start", "every"),
    [(0.999, 0, 1), (0.4, 0, 1), (None, 0, 1), (None, 100, 20)],
)
def test_two_hundred_steps(decay, start, every):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(STEPS, 8, 4)), rng.integers(0, 3, (STEPS, 8))
    model = flaxnn.astype(build(nn, rngs=Generator(0)), "float64")
    optimizer = optim.averaged(
        optim.adam(lr=0.01, weight_decay=0.1), decay, start=start, every=every
    )
    with jax.enable_x64(True):
        step = make_train_step(model, nn.CrossEntropyLoss(), optimizer)
        state = TrainState.create(model, optimizer)
        state, _ = jax.jit(lambda s, d: jax.lax.scan(step, s, d))(state, (x, y))
    torch.manual_seed(0)
    theirs = build(torch.nn).double()
    function = None if decay is None else swa_utils.get_ema_multi_avg_fn(decay)
    average = swa_utils.AveragedModel(theirs, multi_avg_fn=function)
    descent = torch.optim.Adam(theirs.parameters(), lr=0.01, weight_decay=0.1)
    loss = torch.nn.CrossEntropyLoss()
    for k in range(STEPS):
        value = loss(theirs(torch.from_numpy(x[k])), torch.from_numpy(y[k]))
        descent.zero_grad()
        value.backward()
        descent.step()
        if k >= start and (k + 1 - start) % every == 0:
            average.update_parameters(theirs)
    assert int(state.opt_state.n_averaged) == int(average.n_averaged)
    for flag, expected in ((False, theirs), (True, average.module)):
        ours = state.to_model(model, averaged=flag).state_dict()
        for name, tensor in expected.state_dict().items():
            # The averaged model of PyTorch has the buffers of its last update.
            if name != "1.num_batches_tracked":
                assert_t1(ours[name], tensor.numpy())
