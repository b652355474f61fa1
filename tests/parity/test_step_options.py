# SPDX-License-Identifier: Apache-2.0
"""Accumulation, frozen layers and what goes with them against a live PyTorch: T1."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import jax
import numpy as np
import pytest

import flaxnn
from flaxnn import nn, optim
from flaxnn.random import Generator
from flaxnn.training import TrainState, make_train_step

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

T1 = 1e-12
SEED, STEPS = 5, 12


def layers(n, **options):
    """The same net of either side's modules, where rows do not meet."""
    return n.Sequential(
        n.Linear(6, 16, **options),
        n.LayerNorm(16),
        n.Tanh(),
        n.Linear(16, 8, **options),
        n.ReLU(),
        n.Linear(8, 3, **options),
    )


def stochastic(n, **options):
    """A net with dropout, and batch norms that count what they see.

    A bias before a batch norm has no gradient but rounding, which Adam makes large.
    """
    return n.Sequential(
        n.Linear(6, 16, bias=False, **options),
        n.BatchNorm1d(16),
        n.ReLU(),
        n.Dropout(0.3),
        n.Linear(16, 8, bias=False, **options),
        n.BatchNorm1d(8, momentum=None),
        n.AlphaDropout(0.2),
        n.Linear(8, 3, **options),
    )


def batches(rows=13, steps=STEPS):
    rng = np.random.default_rng(0)
    return [
        (rng.normal(size=(rows, 6)), rng.integers(0, 3, rows)) for _ in range(steps)
    ]


def assert_t1(ours, theirs):
    """Largest difference over largest magnitude, the criterion of T1."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    assert np.abs(ours - theirs).max() <= T1 * np.abs(theirs).max()


def our_run(build, loss, optimizer, data, *, freeze=(), **options):
    """Losses, final state dict, and the state, of our steps in float64."""
    generator = Generator(SEED)
    model = flaxnn.astype(build(nn, rngs=generator), "float64")
    with jax.enable_x64(True):
        step = make_train_step(model, loss, optimizer, **options)
        state = TrainState.create(model, optimizer, freeze=freeze)
        with nn.recording() as requests:
            jax.eval_shape(step, state, data[0])
        losses = []
        run = jax.jit(step)
        for batch in data:
            draws = [request.draw(generator) for request in requests]
            state, metrics = run(state, batch, draws)
            losses.append(float(metrics["loss"]))
    return np.array(losses), state.to_model(model), state


def torch_model(build):
    torch.manual_seed(SEED)
    return build(torch.nn).double()


def as_tensors(data):
    return [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in data]


def assert_models_t1(ours, theirs):
    state = ours.state_dict()
    assert list(state) == list(theirs.state_dict())
    for name, tensor in theirs.state_dict().items():
        if name.endswith("num_batches_tracked"):
            assert int(state[name]) == int(tensor)
        else:
            assert_t1(state[name], tensor.numpy())


# 13 rows: in 4, 4, 4, 1; in 5, 5, 3; one by one.
@pytest.mark.parametrize(
    ("parts", "reduction"), [(4, "mean"), (13, "mean"), (3, "sum")]
)
def test_accumulation_is_the_large_batch(parts, reduction):
    lr = 0.1 if reduction == "mean" else 0.01
    losses, model, _ = our_run(
        layers,
        nn.CrossEntropyLoss(reduction=reduction, label_smoothing=0.1),
        optim.sgd(lr=lr, momentum=0.9),
        batches(),
        accumulate=parts,
    )
    theirs = torch_model(layers)
    descent = torch.optim.SGD(theirs.parameters(), lr=lr, momentum=0.9)
    loss = torch.nn.CrossEntropyLoss(reduction=reduction, label_smoothing=0.1)
    expected = []
    for x, y in as_tensors(batches()):
        value = loss(theirs(x), y)
        expected.append(value.item())
        descent.zero_grad()
        value.backward()
        descent.step()
    assert_t1(losses, np.array(expected))
    assert_models_t1(model, theirs)


WEIGHT = np.array([0.2, 1.0, 3.0])


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_accumulation_is_pytorchs_loop(weight):
    """Masks, running statistics and class-weighted means are those of the parts."""
    with jax.enable_x64(True):
        loss = nn.CrossEntropyLoss(weight)
    data = batches(rows=12)
    losses, model, _ = our_run(
        stochastic, loss, optim.sgd(lr=0.1, momentum=0.9), data, accumulate=3
    )
    theirs = torch_model(stochastic)
    descent = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9)
    loss = torch.nn.CrossEntropyLoss(None if weight is None else torch.tensor(weight))
    expected = []
    for x, y in as_tensors(data):
        descent.zero_grad()
        total = 0.0
        for part, labels in zip(x.chunk(3), y.chunk(3), strict=True):
            value = loss(theirs(part), labels) / 3
            value.backward()
            total += value.item()
        expected.append(total)
        descent.step()
    assert_t1(losses, np.array(expected))
    assert_models_t1(model, theirs)


@pytest.mark.parametrize("parts", [1, 2, 3, 4, 5, 20])
def test_parts_are_torch_chunks(parts):
    model = layers(nn, rngs=Generator(0))
    step = make_train_step(model, nn.MSELoss(), optim.sgd(), accumulate=parts)
    for rows in range(1, 30):
        chunks = torch.arange(rows).chunk(parts)
        assert step.micro_sizes(rows) == tuple(len(chunk) for chunk in chunks)


@pytest.mark.parametrize("frozen", [["0.*"], ["1.*", "4.weight", "*.bias"]])
def test_frozen_parameters_are_pytorchs(frozen):
    data = batches()
    optimizer = optim.adamw(lr=0.01, weight_decay=0.1)
    losses, model, state = our_run(
        stochastic, nn.CrossEntropyLoss(), optimizer, data, freeze=frozen
    )
    theirs = torch_model(stochastic)
    for name, parameter in theirs.named_parameters():
        if any(fnmatchcase(name, pattern) for pattern in frozen):
            parameter.requires_grad_(False)
    trained = [(n, p) for n, p in theirs.named_parameters() if p.requires_grad]
    descent = torch.optim.AdamW([p for _, p in trained], lr=0.01, weight_decay=0.1)
    expected, loss = [], torch.nn.CrossEntropyLoss()
    for x, y in as_tensors(data):
        value = loss(theirs(x), y)
        expected.append(value.item())
        descent.zero_grad()
        value.backward()
        descent.step()
    assert_t1(losses, np.array(expected))
    assert_models_t1(model, theirs)
    names = [name for name, _ in trained]
    ours = optim.to_torch_state(optimizer, state.opt_state, names)["state"]
    assert ours.keys() == descent.state_dict()["state"].keys()
    for index, moments in descent.state_dict()["state"].items():
        assert_t1(ours[index]["exp_avg_sq"], moments["exp_avg_sq"].numpy())


def test_accumulation_clipping_schedule_groups_and_freezing_together():
    """PyTorch's usual loop with all of them, and no decay on biases and norms."""
    data = batches(rows=12, steps=20)
    scheduler = optim.lr_scheduler.one_cycle_lr(max_lr=0.05, total_steps=20)
    groups = optim.param_groups(
        {"*.bias": optim.adamw(weight_decay=0.0), "1.*": optim.adamw(weight_decay=0.0)},
        default=optim.adamw(weight_decay=0.1),
    )
    optimizer = optim.scheduled(
        optim.chain(optim.clip_grad_norm(0.3), groups), scheduler
    )
    losses, model, state = our_run(
        stochastic,
        nn.CrossEntropyLoss(label_smoothing=0.1),
        optimizer,
        data,
        accumulate=4,
        freeze=["4.*"],
    )
    theirs = torch_model(stochastic)
    theirs[4].requires_grad_(False)
    named = {n: p for n, p in theirs.named_parameters() if p.requires_grad}
    biases = [p for n, p in named.items() if n.endswith(".bias")]
    norms = [named["1.weight"]]
    rest = [p for n, p in named.items() if n.endswith("weight") and n != "1.weight"]
    descent = torch.optim.AdamW(
        [
            {"params": biases, "weight_decay": 0.0},
            {"params": norms, "weight_decay": 0.0},
            {"params": rest, "weight_decay": 0.1},
        ]
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(descent, 0.05, total_steps=20)
    loss = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    expected, norms_before = [], []
    for x, y in as_tensors(data):
        descent.zero_grad()
        total = 0.0
        for part, labels in zip(x.chunk(4), y.chunk(4), strict=True):
            value = loss(theirs(part), labels) / 4
            value.backward()
            total += value.item()
        expected.append(total)
        norm = torch.nn.utils.clip_grad_norm_(named.values(), 0.3)
        norms_before.append(norm.item())
        descent.step()
        schedule.step()
    assert max(norms_before) > 0.3
    assert_t1(losses, np.array(expected))
    assert_models_t1(model, theirs)
    opt_state: Any = state.opt_state
    clipping, _ = opt_state.inner_state
    assert_t1(clipping.total_norm, np.float64(norms_before[-1]))
