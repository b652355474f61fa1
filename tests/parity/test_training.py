# SPDX-License-Identifier: Apache-2.0
"""Whole runs against a live PyTorch: order T0, float64 T1."""

import itertools

import jax
import numpy as np
import pytest

import flaxnn
from flaxnn import models, nn, optim
from flaxnn.data import DataLoader, documents
from flaxnn.random import Generator

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from tests.contract import oracle  # noqa: E402
from tests.contract.registry import OPTIMIZERS  # noqa: E402

pytestmark = pytest.mark.torch

T1 = 1e-12


def assert_t1(ours, theirs) -> None:
    """Largest difference over largest magnitude, the criterion of T1."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.dtype == theirs.dtype == np.float64
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() / np.abs(theirs).max() <= T1


class Perceptron(nn.Module):
    """Small enough to be quick, deep enough to mix up layers."""

    def __init__(self, *, rngs):
        self.stack = nn.Sequential(
            nn.Linear(6, 16, rngs=rngs),
            nn.ReLU(),
            nn.Linear(16, 8, rngs=rngs),
            nn.Tanh(),
            nn.Linear(8, 3, rngs=rngs),
        )

    def forward(self, x):
        return self.stack(x)


class TorchPerceptron(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.stack = torch.nn.Sequential(
            torch.nn.Linear(6, 16),
            torch.nn.ReLU(),
            torch.nn.Linear(16, 8),
            torch.nn.Tanh(),
            torch.nn.Linear(8, 3),
        )

    def forward(self, x):
        return self.stack(x)


def torch_run(model, data, loss, optimizer, epochs):
    losses = []
    for _ in range(epochs):
        for x, y in data:
            value = loss(model(x), y)
            losses.append(value.item())
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
    return np.array(losses)


def assert_models_t1(ours, theirs) -> None:
    state = ours.state_dict()
    assert list(state) == list(theirs.state_dict())
    for name, tensor in theirs.state_dict().items():
        assert_t1(state[name], tensor.numpy())


# One case of each; test_optimizers_float64.py has them all.
every_optimizer = pytest.mark.parametrize(
    ("optimizer", "case"),
    [(entry, entry.cases[1]) for entry in OPTIMIZERS],
    ids=[entry.name for entry in OPTIMIZERS],
)


@every_optimizer
def test_losses_parameters_and_generator_after_whole_epochs(optimizer, case):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(23, 6)), rng.integers(0, 3, 23)
    generator = Generator(-3)
    run = flaxnn.fit(
        flaxnn.astype(Perceptron(rngs=generator), "float64"),
        DataLoader((x, y), 4, shuffle=True, rngs=generator),
        loss=nn.CrossEntropyLoss(),
        optimizer=optimizer.make(case),
        epochs=4,
    )
    torch.manual_seed(-3)
    theirs = TorchPerceptron().double()
    data = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.from_numpy(x), torch.from_numpy(y)),
        batch_size=4,
        shuffle=True,
    )
    descent = oracle.counterpart(optimizer)(theirs.parameters(), **case.options)
    losses = torch_run(theirs, data, torch.nn.CrossEntropyLoss(), descent, 4)
    assert_t1(run.history["loss"], losses)
    assert_models_t1(run.model, theirs)
    np.testing.assert_array_equal(generator.get_state(), torch.get_rng_state().numpy())


def test_the_documents_runs_in_float64():
    generator = Generator(2025)
    torch.manual_seed(2025)
    for ours, theirs, data, losses, steps in (
        (
            models.LogisticRegression(rngs=generator),
            torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Sigmoid()),
            documents.univariate(),
            (nn.BCELoss(), torch.nn.BCELoss()),
            1001,
        ),
        (
            models.SoftmaxRegression(4, 3, rngs=generator),
            torch.nn.Sequential(torch.nn.Linear(4, 3)),
            documents.multinomial(),
            (nn.CrossEntropyLoss(), torch.nn.CrossEntropyLoss()),
            2001,
        ),
    ):
        x, y = (np.asarray(a, np.float64) if a.dtype.kind == "f" else a for a in data)
        run = flaxnn.fit(
            flaxnn.astype(ours, "float64"),
            (x, y),
            loss=losses[0],
            optimizer=optim.sgd(lr=0.01),
            steps=steps,
        )
        double = theirs.double()
        optimizer = torch.optim.SGD(double.parameters(), lr=0.01)
        batches = itertools.repeat((torch.from_numpy(x), torch.from_numpy(y)), steps)
        expected = torch_run(double, batches, losses[1], optimizer, 1)
        assert_t1(run.history["loss"], expected)
        assert_models_t1(run.model, double)


def test_mutations_would_be_caught():
    """The tolerance of T1 tells apart what a wrong port would compute."""
    rng = np.random.default_rng(0)
    data = rng.normal(size=(44, 6)), rng.integers(0, 3, 44)
    model = flaxnn.astype(Perceptron(rngs=Generator(0)), "float64")

    def losses(optimizer):
        return flaxnn.fit(
            model, data, loss=nn.CrossEntropyLoss(), optimizer=optimizer, steps=20
        ).history["loss"]

    right = losses(optim.adam(0.01))
    with jax.enable_x64(True):
        for wrong in (
            optim.adam(0.01, eps=1.1e-8),
            optim.adam(0.01, betas=(0.9, 0.9990001)),
            optim.adam(0.01, weight_decay=1e-9),
            optim.adam(0.01 * (1 + 1e-9)),
        ):
            assert np.abs(losses(wrong) - right).max() / right.max() > T1
