# SPDX-License-Identifier: Apache-2.0
"""Whole runs with a learning-rate schedule against a live PyTorch: float64 T1."""

import math

import numpy as np
import optax
import pytest

import flaxnn
from flaxnn import nn, optim
from flaxnn.data import DataLoader
from flaxnn.optim import lr_scheduler
from flaxnn.random import Generator

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

T1 = 1e-12
SEED, STEPS, BATCH = 11, 200, 5
# Whole batches only: a short one would be a second program.
ROWS = 45
PER_EPOCH = ROWS // BATCH
EPOCHS = math.ceil(STEPS / PER_EPOCH)


class Perceptron(nn.Module):
    def __init__(self, *, rngs):
        self.stack = nn.Sequential(
            nn.Linear(6, 16, rngs=rngs), nn.Tanh(), nn.Linear(16, 3, rngs=rngs)
        )

    def forward(self, x):
        return self.stack(x)


class TorchPerceptron(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.stack = torch.nn.Sequential(
            torch.nn.Linear(6, 16), torch.nn.Tanh(), torch.nn.Linear(16, 3)
        )

    def forward(self, x):
        return self.stack(x)


def problem():
    rng = np.random.default_rng(0)
    return rng.normal(size=(ROWS, 6)), rng.integers(0, 3, ROWS)


def ours(optimizer, schedule, every):
    generator = Generator(SEED)
    return flaxnn.fit(
        flaxnn.astype(Perceptron(rngs=generator), "float64"),
        DataLoader(problem(), BATCH, shuffle=True, rngs=generator),
        loss=nn.CrossEntropyLoss(),
        optimizer=optimizer,
        schedule=schedule,
        schedule_every=every,
        steps=STEPS,
    )


def theirs(make_optimizer, make_scheduler, every):
    """A loop as PyTorch's documentation writes it: losses, rates, parameters."""
    torch.manual_seed(SEED)
    model = TorchPerceptron().double()
    x, y = map(torch.from_numpy, problem())
    data = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(x, y), batch_size=BATCH, shuffle=True
    )
    optimizer = make_optimizer(model)
    scheduler = make_scheduler(optimizer)
    watches = isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau)
    losses, rates = [], []

    def step(seen):
        scheduler.step(*(sum(seen) / len(seen),) if watches else ())

    for _ in range(EPOCHS):
        for x, y in data:
            if len(losses) == STEPS:
                return losses, rates, model
            loss = torch.nn.functional.cross_entropy(model(x), y)
            losses.append(loss.item())
            rates.append([group["lr"] for group in optimizer.param_groups])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if every == "step":
                step(losses[-1:])
        if every == "epoch":
            step(losses[-PER_EPOCH:])
    return losses, rates, model


def assert_t1(ours, theirs) -> None:
    """Largest difference over largest magnitude, the criterion of T1."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.dtype == theirs.dtype == np.float64
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() / np.abs(theirs).max() <= T1


def assert_runs_t1(run, expected) -> None:
    losses, rates, model = expected
    assert_t1(run.history["loss"], losses)
    assert_t1(run.history["lr"].reshape(STEPS, -1), rates)
    state = run.model.state_dict()
    for name, tensor in model.state_dict().items():
        assert_t1(state[name], tensor.numpy())


SGD = ("sgd", "SGD", {"lr": 0.1, "momentum": 0.9})
NESTEROV = ("sgd", "SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True})
ADAM = ("adam", "Adam", {"lr": 0.01})
RUNS = {
    "one-cycle-sgd": (
        SGD,
        "step",
        lambda s: s.one_cycle_lr(0.3, STEPS),
        lambda s, o: s.OneCycleLR(o, 0.3, STEPS),
    ),
    "one-cycle-nesterov": (
        NESTEROV,
        "step",
        lambda s: s.one_cycle_lr(0.3, STEPS, three_phase=True),
        lambda s, o: s.OneCycleLR(o, 0.3, STEPS, three_phase=True),
    ),
    "one-cycle-adam": (
        ADAM,
        "step",
        lambda s: s.one_cycle_lr(0.02, epochs=EPOCHS, steps_per_epoch=PER_EPOCH),
        lambda s, o: s.OneCycleLR(o, 0.02, epochs=EPOCHS, steps_per_epoch=PER_EPOCH),
    ),
    "cyclic-adam": (
        ADAM,
        "step",
        lambda s: s.cyclic_lr(0.001, 0.02, 17, mode="triangular2"),
        lambda s, o: s.CyclicLR(o, 0.001, 0.02, 17, mode="triangular2"),
    ),
    "step": (
        SGD,
        "epoch",
        lambda s: s.step_lr(5, 0.5),
        lambda s, o: s.StepLR(o, 5, 0.5),
    ),
    "warm-up-and-cosine": (
        ADAM,
        "step",
        lambda s: s.sequential_lr(
            [s.linear_lr(0.01, total_iters=20), s.cosine_annealing_lr(180, 1e-5)], [20]
        ),
        lambda s, o: s.SequentialLR(
            o,
            [s.LinearLR(o, 0.01, total_iters=20), s.CosineAnnealingLR(o, 180, 1e-5)],
            [20],
        ),
    ),
    "restarts-by-epoch": (
        SGD,
        "epoch",
        lambda s: s.cosine_annealing_warm_restarts(3, 2),
        lambda s, o: s.CosineAnnealingWarmRestarts(o, 3, 2),
    ),
    "chained": (
        ADAM,
        "epoch",
        lambda s: s.chained_scheduler([s.constant_lr(0.1, 4), s.exponential_lr(0.9)]),
        lambda s, o: s.ChainedScheduler(
            [s.ConstantLR(o, 0.1, 4), s.ExponentialLR(o, 0.9)]
        ),
    ),
    "plateau-by-epoch": (
        SGD,
        "epoch",
        lambda s: s.reduce_lr_on_plateau(factor=0.5, patience=1, threshold=0.05),
        lambda s, o: s.ReduceLROnPlateau(o, factor=0.5, patience=1, threshold=0.05),
    ),
    "plateau-by-step": (
        ADAM,
        "step",
        lambda s: s.reduce_lr_on_plateau(factor=0.9, patience=5),
        lambda s, o: s.ReduceLROnPlateau(o, factor=0.9, patience=5),
    ),
}


@pytest.mark.parametrize(
    ("optimizer", "every", "make", "make_theirs"), RUNS.values(), ids=RUNS
)
def test_200_steps_in_float64(optimizer, every, make, make_theirs):
    name, torch_name, options = optimizer
    run = ours(getattr(optim, name)(**options), make(lr_scheduler), every)
    expected = theirs(
        lambda model: getattr(torch.optim, torch_name)(model.parameters(), **options),
        lambda optimizer: make_theirs(torch.optim.lr_scheduler, optimizer),
        every,
    )
    assert_runs_t1(run, expected)
    assert len(np.unique(run.history["lr"])) > 2


def test_groups_with_lists_in_float64():
    labels = {"0": "first", "2": "last"}
    schedule = lr_scheduler.one_cycle_lr([0.3, 0.1], STEPS, base_momentum=[0.7, 0.8])
    optimizer = optax.partition(
        {"first": optim.sgd(0.1, 0.9), "last": optim.sgd(0.1, 0.9, weight_decay=0.01)},
        {"stack": {k: {"weight": v, "bias": v} for k, v in labels.items()}},
    )
    run = ours(optimizer, schedule, "step")
    expected = theirs(
        lambda model: torch.optim.SGD(
            [
                {"params": model.stack[0].parameters()},
                {"params": model.stack[2].parameters(), "weight_decay": 0.01},
            ],
            lr=0.1,
            momentum=0.9,
        ),
        lambda optimizer: torch.optim.lr_scheduler.OneCycleLR(
            optimizer, [0.3, 0.1], STEPS, base_momentum=[0.7, 0.8]
        ),
        "step",
    )
    assert_runs_t1(run, expected)
