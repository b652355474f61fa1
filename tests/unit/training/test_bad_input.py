# SPDX-License-Identifier: Apache-2.0
"""What a run refuses, before anything is compiled."""

import dataclasses

import numpy as np
import pytest

import flaxnn
from flaxnn import models, nn, optim
from flaxnn.data import DataLoader
from flaxnn.random import Generator
from flaxnn.training._loop import run_chunk

X = np.ones((6, 4), np.float32)
Y = np.array([0, 1, 2, 0, 1, 2])


@pytest.fixture(autouse=True)
def nothing_is_compiled():
    before = run_chunk._cache_size()
    yield
    assert run_chunk._cache_size() == before


def fit(data=(X, Y), model=None, loss=None, optimizer=None, **options):
    return flaxnn.fit(
        model or models.SoftmaxRegression(4, 3, rngs=Generator(0)),
        data,
        loss=loss or nn.CrossEntropyLoss(),
        optimizer=optimizer or optim.sgd(),
        **(options or {"steps": 1}),
    )


def with_nan() -> np.ndarray:
    x = X.copy()
    x[2, 3] = np.nan
    return x


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ((X[:, :3], Y), RuntimeError, "shapes cannot be multiplied"),
        ((X.astype(np.int64), Y), RuntimeError, "same dtype"),
        ((X, np.array([0, 1, 2, 3, 0, 0])), IndexError, "Target 3 is out of bounds"),
        ((X, np.array([0, 1, -1, 0, 0, 0])), IndexError, "Target -1 is out of bounds"),
        ((X, Y[:5]), ValueError, r"differ in length: \[6, 5\]"),
        ((X[:0], Y[:0]), ValueError, "empty"),
        ((with_nan(), Y), ValueError, r"first at \(2, 3\)"),
        ((X,), ValueError, "inputs and a target"),
        ((X.astype(object), Y), TypeError, "numbers"),
        ((X, np.array(list("abcabc"))), TypeError, "numbers"),
        (X, TypeError, "tuple"),
        ({"x": X}, TypeError, "tuple"),
    ],
)
def test_bad_data(data, error, message):
    with pytest.raises(error, match=message):
        fit(data)


def test_bad_labels_in_a_loader_are_found_before_the_run():
    labels = np.array([0, 1, 2, 0, 1, 7])
    with pytest.raises(IndexError, match="Target 7"):
        fit(DataLoader((X, labels), 2, shuffle=True, rngs=Generator(0)))


def test_a_loader_without_batches():
    with pytest.raises(ValueError, match="no batch"):
        fit(DataLoader((X, Y), 7, drop_last=True))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"steps": 1, "epochs": 1}, TypeError, "either epochs"),
        ({"steps": None}, TypeError, "either epochs"),
        ({"steps": -1}, ValueError, "steps must be at least 0"),
        ({"epochs": 1.5}, TypeError, "epochs must be an integer"),
        ({"steps": True}, TypeError, "steps must be an integer"),
        ({"steps": 1, "chunk": 0}, ValueError, "chunk must be at least 1"),
        ({"steps": 1, "rngs": 3}, TypeError, "rngs must be"),
        ({"steps": 1, "state": 3}, TypeError, "state must be"),
        ({"steps": 1, "metrics": {"loss": len}}, ValueError, "another name"),
        ({"steps": 1, "metrics": ["accuracy"]}, TypeError, "loss or metric"),
        ({"steps": 1, "metrics": "accuracy"}, TypeError, "sequence or a mapping"),
        ({"steps": 1, "metrics": len}, TypeError, "sequence or a mapping"),
        ({"steps": 1, "loss": "mse"}, TypeError, "loss or metric"),
        (
            {"steps": 1, "loss": nn.MSELoss},
            TypeError,
            r"make a loss of it: MSELoss\(\)",
        ),
        ({"steps": 1, "optimizer": 0.1}, TypeError, "optax transformation"),
        ({"steps": 1, "model": len}, TypeError, "a model must be"),
        ({"steps": 1, "model": nn.ReLU()}, ValueError, "no parameters"),
        (
            {"steps": 1, "loss": nn.CrossEntropyLoss(reduction="none")},
            ValueError,
            "scalar",
        ),
    ],
)
def test_bad_arguments(options, error, message):
    with pytest.raises(error, match=message):
        fit(**options)


def test_the_generator_is_untouched_when_a_run_is_refused():
    generator = Generator(3)
    before = generator.get_state()
    with pytest.raises(IndexError):
        fit(DataLoader((X, Y + 1), 2, shuffle=True, rngs=generator), epochs=2)
    np.testing.assert_array_equal(generator.get_state(), before)


def test_a_state_of_another_model_or_optimizer_is_refused():
    state = fit(steps=0).state
    wide = models.SoftmaxRegression(4, 5, rngs=Generator(0))
    with pytest.raises(ValueError, match=r"params\['0'\]\['bias'\] is float32\[3\]"):
        fit(steps=1, state=state, model=wide)
    for optimizer in (optim.adam(), optim.sgd(momentum=0.9)):
        with pytest.raises(ValueError, match=r"opt_state.* is missing there"):
            fit(steps=1, state=state, optimizer=optimizer)


def test_a_state_beyond_the_loaders_epoch_is_refused():
    state = fit((X, Y), steps=0).state
    state = dataclasses.replace(state, batch=3)
    with pytest.raises(ValueError, match=r"at batch 3 of an epoch.* has 2 batches"):
        fit(DataLoader((X, Y), 3), epochs=2, state=state)


def test_what_cannot_be_static_is_explained():
    class Listed(nn.Module):
        def __init__(self):
            self.fc = nn.Linear(4, 3, rngs=Generator(0))
            self.sizes = [4, 3]

        def forward(self, x):
            return self.fc(x)

    with pytest.raises(TypeError, match="write a tuple for a list"):
        fit(model=Listed())

    @dataclasses.dataclass
    class Loss:
        weight: float

        def __call__(self, output, target):
            return self.weight * output.sum()

    with pytest.raises(TypeError, match="write it as a function or a flaxnn"):
        fit(loss=Loss(1.0))


def test_a_state_of_another_run_is_refused():
    generator = Generator(0)
    loader = DataLoader((X, Y), 2, shuffle=True, rngs=generator)
    state = fit((X, Y), steps=0).state
    with pytest.raises(ValueError, match="recorded with 0 Generators"):
        fit(loader, epochs=1, state=state)
