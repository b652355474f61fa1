# SPDX-License-Identifier: Apache-2.0
"""A configuration made into a run: the same run that Python would have made."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import flaxnn
from flaxnn import data, metrics, models, nn, optim
from flaxnn.data import DataLoader, documents, random_split
from flaxnn.random import Generator
from flaxnn.runs import Config, ConfigError, Prepared, prepare
from flaxnn.training import Validation

WINE = {"model": "SoftmaxRegression", "data": "wine", "data.standardize": True}


def prepared(**changes: Any) -> Prepared:
    """A run on wine, with changes whose dots are written as __."""
    return prepare(
        Config.of(WINE | {k.replace("__", "."): v for k, v in changes.items()})
    )


def test_a_run_with_everything_is_the_run_that_python_makes():
    run = prepared(
        seed=7,
        epochs=2,
        batch_size=32,
        validation=0.25,
        data__standardize=False,
        loss={"name": "CrossEntropyLoss", "label_smoothing": 0.1},
        optimizer={"name": "adam", "lr": 1e-3, "betas": [0.8, 0.9]},
        schedule={"name": "exponential_lr", "gamma": 0.5},
        clip_norm=1.0,
        accumulate=2,
        metrics=["accuracy", "f1"],
    )
    ours = run.fit()

    rngs = Generator(7)
    x, y = data.load("wine").arrays
    train, test = random_split((x.astype(np.float32), y), [0.75, 0.25], rngs)
    model = models.SoftmaxRegression(13, 3, rngs=rngs)
    theirs = flaxnn.fit(
        model,
        DataLoader(train, 32, shuffle=True, rngs=rngs),
        loss=nn.CrossEntropyLoss(label_smoothing=0.1),
        optimizer=optim.chain(
            optim.clip_grad_norm(1.0), optim.adam(1e-3, betas=(0.8, 0.9))
        ),
        epochs=2,
        schedule=optim.lr_scheduler.exponential_lr(0.5),
        accumulate=2,
        metrics=[metrics.accuracy],
        validation=Validation(
            test.arrays,
            [metrics.Accuracy(), metrics.F1(num_classes=3, average="macro")],
        ),
    )
    for name, values in theirs.history.items():
        assert_array_equal(ours.history[name], values)
    for name, values in theirs.evaluations.items():
        assert_array_equal(ours.evaluations[name], values)
    for name, value in theirs.model.state_dict().items():
        assert_array_equal(ours.model.state_dict()[name], value)
    assert_array_equal(run.generator.get_state(), rngs.get_state())


def test_document_002s_figures_come_from_two_lines():
    config = Config.of(
        {
            "model": "LogisticRegression",
            "data": "univariate",
            "seed": 2025,
            "steps": 101,
            "batch_size": "all",
            "optimizer.lr": 0.01,
        }
    )
    losses = prepare(config).fit().history["loss"]
    assert f"{losses[0]:.6f} {losses[100]:.6f}" == "0.955088 0.656269"


def test_document_002s_wine_is_standardized_and_split_as_it_does():
    run = prepared(validation={"fraction": 0.3, "random_state": 0}, batch_size="all")
    wine = data.load("wine")
    x, test, y, _ = data.train_test_split(*wine.arrays, test_size=0.3, random_state=0)
    mean, std = x.mean(axis=0), x.std(axis=0)
    assert isinstance(run.rows, data.Dataset)
    assert isinstance(run.held_out, data.Dataset)
    assert_array_equal(run.rows.arrays[0], ((x - mean) / std).astype(np.float32))
    assert_array_equal(run.rows.arrays[1], y)
    assert_array_equal(run.held_out.arrays[0], ((test - mean) / std).astype(np.float32))


def test_what_was_found_out_is_written_down_and_gives_the_same_run():
    first = prepared(validation=0.2, early_stopping=3)
    config = first.config
    assert config["loss.name"] == "CrossEntropyLoss"
    assert config.options("model") == {"in_features": 13, "num_classes": 3}
    assert config["metrics"] == ["accuracy"]
    assert config["early_stopping.monitor"] == "loss"
    again = prepare(config)
    assert again.config == config
    for mine, yours in zip(again.rows[:], first.rows[:], strict=True):
        assert_array_equal(mine, yours)


@pytest.mark.parametrize(
    ("loss", "task"),
    [("MSELoss", "values"), ("BCEWithLogitsLoss", "binary"), ("BCELoss", "binary")],
)
def test_targets_get_the_shape_and_dtype_that_pytorchs_losses_take(
    loss: str, task: str
):
    run = prepare(
        Config.of(
            {"model": "LogisticRegression", "data": "breast_cancer", "loss": loss}
            | {"data.standardize": True, "epochs": 1}
        )
    )
    assert run.task.kind == task
    assert isinstance(run.rows, data.Dataset)
    target = run.rows.arrays[1]
    assert target.shape == (569, 1)
    assert target.dtype == np.float32
    outputs = run.model(run.rows.arrays[0][:4])  # pyright: ignore[reportCallIssue]
    assert np.isfinite(run.loss(outputs, target[:4]))


def test_a_model_that_ends_in_a_sigmoid_gets_its_loss_and_accuracy():
    config = {"model": "LogisticRegression", "data": "univariate", "batch_size": "all"}
    run = prepare(Config.of(config))
    assert run.config["loss.name"] == "BCELoss"
    assert run.metrics == [metrics.binary_accuracy]
    x, _ = documents.univariate()
    assert isinstance(run.rows, data.Dataset)
    assert_array_equal(run.rows.arrays[0], x)


def test_a_cycle_is_as_long_as_the_run():
    run = prepared(
        schedule={"name": "one_cycle_lr", "max_lr": 0.1},
        optimizer__momentum=0.9,
        epochs=2,
        batch_size=100,
    )
    assert run.schedule_every == "step"
    assert isinstance(run.make_schedule, partial)
    assert run.make_schedule.keywords["total_steps"] == 4
    assert run.make_schedule() is not None


def test_float64_is_the_whole_runs():
    run = prepared(dtype="float64", steps=2, batch_size="all").fit()
    assert run.history["loss"].dtype == np.float64


NET = """
from dataclasses import dataclass
import beside
from flaxnn import nn

class Net(nn.Module):
    def __init__(self, in_features, num_classes, hidden=4, *, rngs):
        self.first = nn.Linear(in_features, hidden, rngs=rngs)
        self.last = nn.Linear(hidden, num_classes, rngs=rngs)

    def forward(self, x):
        return self.last(beside.relu(self.first(x)))

def maker(rngs):
    return Net(13, 3, rngs=rngs)
"""


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """A user's file, and one that it imports."""
    (tmp_path / "beside.py").write_text("from flaxnn.functional import relu\n")
    file = tmp_path / "net.py"
    file.write_text(NET)
    return file


@pytest.mark.parametrize("ending", [":Net", "", ":maker"])
def test_a_class_of_a_users_file(net: Path, ending: str):
    run = prepared(model=f"{net}{ending}")
    model: Any = run.model
    rngs = Generator(0)
    assert_array_equal(model.first.weight, nn.Linear(13, 4, rngs=rngs).weight)
    assert Path(run.config["model.name"].partition(":")[0]).is_absolute()


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("x = 1\ny = x / 0\n", "Net", "ZeroDivisionError: division by zero"),
        ("x = (\n", "Net", "net.py, line 1)"),
        ("import sys\nsys.exit(3)\n", "Net", "SystemExit: 3"),
        ("import nothing_of_this_name\n", "Net", "line 1)"),
        ("Net = 3\n", "Net", "Net of"),
        ("def Net(rngs):\n    return 3\n", "Net", "got builtins.int"),
        ("def Net(rngs):\n    raise KeyError('a')\n", "Net", "net.py, line 2)"),
        (NET, "Nett", "has no class 'Nett'; did you mean 'Net'?"),
        (NET + "\nclass Other(Net):\n    pass\n", "", "say which class"),
    ],
)
def test_a_users_file_with_a_fault(net: Path, text: str, name: str, words: str):
    net.write_text(text)
    with pytest.raises(ConfigError) as caught:
        prepared(model=f"{net}:{name}" if name else str(net))
    assert words in str(caught.value)
    assert str(net) in str(caught.value)


def test_arguments_of_a_users_class_are_held_to_its_signature(net: Path):
    with pytest.raises(ConfigError, match=r"model\.hiden: .* did you mean 'hidden'"):
        prepared(model={"name": f"{net}:Net", "hiden": 3})


def test_a_file_that_is_not_there():
    with pytest.raises(FileNotFoundError, match=r"there is no file .*nothing\.py"):
        prepared(model="nothing.py:Net")
