# SPDX-License-Identifier: Apache-2.0
# pyright: strict
"""The public names as a user's strictly checked program uses them.

Type checkers read this file, and the tests run it: what is assigned to an annotated
name must be of that type for both.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import flaxnn
from flaxnn import data, init, interop, metrics, models, nn, optim, random, report
from flaxnn.estimators import MLPClassifier
from flaxnn.training import Checkpoints, Run

X = np.arange(12, dtype=np.float32).reshape(6, 2)
Y = np.array([0, 1, 0, 1, 0, 1])


class Net(nn.Module):
    """A model of a user."""

    def __init__(self, *, rngs: random.Generator) -> None:
        super().__init__()
        self.hidden = nn.Linear(2, 4, rngs=rngs)
        self.stack = nn.Sequential(nn.ReLU(), nn.Linear(4, 2, rngs=rngs))

    def forward(self, x: jax.Array) -> jax.Array:
        output: jax.Array = self.stack(self.hidden(x))
        return output


def trained() -> Run[Net]:
    generator = random.Generator(0)
    return flaxnn.fit(
        Net(rngs=generator),
        data.DataLoader((X, Y), 3, shuffle=True, rngs=generator),
        loss=nn.CrossEntropyLoss(),
        optimizer=optim.chain(optim.clip_grad_norm(1.0), optim.sgd(lr=0.1)),
        epochs=2,
    )


def test_a_run_keeps_the_type_of_its_model() -> None:
    run = trained()
    model: Net = run.model
    losses: np.ndarray[Any, np.dtype[Any]] = run.history["loss"]
    assert losses.shape == (4,)
    weight: nn.Parameter[jax.Array] = model.hidden.weight
    assert weight.get_value().shape == (4, 2)
    bias = model.hidden.bias
    assert bias is not None
    assert bias.get_value().shape == (4,)
    assert {name for name, _ in model.named_parameters()} == set(model.state_dict())


def test_what_comes_after_a_run() -> None:
    run = trained()
    labels = flaxnn.predict(run.model, (X,))
    assert np.asarray(labels).shape == (6, 2)
    found = flaxnn.evaluate(run.model, (X, Y), metrics=[metrics.accuracy])
    assert 0 <= found["accuracy"] <= 1


def test_files_and_names(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    interop.save(trained().model.state_dict(), path)
    state: dict[Any, Any] = interop.load(path)
    assert set(state) >= {"hidden.weight"}
    assert Checkpoints(tmp_path / "run").directory == tmp_path / "run"


def test_draws_are_numpy_arrays() -> None:
    numbers: np.ndarray[Any, np.dtype[Any]] = random.Generator(0).rand(2)
    weights: jax.Array = init.uniform((2, 3), -1.0, 1.0, rngs=random.Generator(0))
    assert numbers.shape == (2,)
    assert weights.shape == (2, 3)


def test_an_estimator_returns_itself() -> None:
    estimator: MLPClassifier = MLPClassifier((4,), max_iter=2, random_state=0)
    fitted: MLPClassifier = estimator.set_params(tol=1.0)
    assert fitted.get_params()["tol"] == 1.0


def test_a_misspelt_name_is_an_error_to_both() -> None:
    # The comment is an error itself as soon as a type checker accepts the name.
    with pytest.raises(AttributeError):
        flaxnn.modles  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnusedExpression]  # noqa: B018
    assert (metrics.__name__, models.__name__) == ("flaxnn.metrics", "flaxnn.models")
    assert report.__name__ == "flaxnn.report"
