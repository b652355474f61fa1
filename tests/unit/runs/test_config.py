# SPDX-License-Identifier: Apache-2.0
"""A run as plain data: what is accepted, what is refused, and how it is written."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from flaxnn.runs import Config, ConfigError

BASE = {"model": "SoftmaxRegression", "data": "wine"}


def faults(**changes: Any) -> tuple[str, ...]:
    """What is wrong with a configuration, nested or with dots written as __."""
    with pytest.raises(ConfigError) as caught:
        Config.of(BASE | {k.replace("__", "."): v for k, v in changes.items()})
    return caught.value.faults


def test_all_faults_are_named_at_once_with_what_was_meant():
    found = faults(
        model="SoftmaxRegresion",
        epoch=3,
        batch_size=0,
        optimizer={"name": "adamm"},
        schedule={"name": "StepLR", "gama": 0.1},
        loss={"name": "CrossEntropy", "label_smooth": 0.1},
        metrics=["acuracy"],
        checkpoints__evry=2,
    )
    told = "\n".join(found)
    for words in (
        "epoch: there is no such key; did you mean 'epochs'",
        "batch_size: expected an integer of at least 1 or 'all', got 0",
        "model.name: there is no 'SoftmaxRegresion'; did you mean 'SoftmaxRegression'",
        "optimizer.name: there is no 'adamm'; did you mean 'adam'",
        "schedule.gama: step_lr has no such argument; did you mean 'gamma'",
        "schedule.step_size: step_lr needs it",
        "loss.label_smooth: CrossEntropyLoss has no such argument; did you mean",
        "metrics: there is no 'acuracy'; did you mean 'accuracy'",
        "checkpoints.evry: there is no such key; did you mean 'checkpoints.every'",
    ):
        assert words in told
    assert len(found) == 9


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 1 << 64}, "seed: expected an integer from"),
        ({"seed": True}, "seed: expected an integer"),
        ({"epochs": 1.5}, "epochs: expected an integer of at least 1, got 1.5"),
        ({"epochs": 2, "steps": 3}, "epochs and steps exclude each other"),
        ({"batch_size": "some"}, "batch_size: expected"),
        ({"shuffle": 1}, "shuffle: expected true or false, got 1"),
        (
            {"optimizer.lr": float("nan")},
            "optimizer.lr: expected finite numbers, got nan",
        ),
        ({"optimizer.lr": "0.1"}, "optimizer.lr: expected a number, got '0.1'"),
        ({"optimizer.lr": -1.0}, "optimizer: Invalid learning rate: -1.0"),
        ({"optimizer.nesterov": "yes"}, "optimizer.nesterov: expected true or false"),
        ({"optimizer": {"name": "adam", "betas": 0.9}}, "expected a list of 2 numbers"),
        ({"clip_norm": float("inf")}, "clip_norm: expected a finite number above 0"),
        ({"clip_norm": 1, "clip_value": 1}, "exclude each other"),
        ({"validation": 1.5}, "validation: expected a table, or a text or a number"),
        ({"validation": {"split": "test", "fraction": 0.1}}, "exclude each other"),
        ({"validation.random_state": 1}, "it needs validation.fraction"),
        ({"early_stopping": {"mode": "max"}}, "early_stopping.patience: it is not"),
        ({"checkpoints.mode": "max"}, "checkpoints.mode: it needs checkpoints.best"),
        ({"schedule": "lambda_lr"}, "its argument is a function"),
        ({"schedule.gamma": 0.1}, "schedule.name: it is not given"),
        ({"model.hidden": 3}, "model.hidden: SoftmaxRegression has no such argument"),
        ({"loss": {"name": "mse", "reduction": 3}}, "loss.reduction: expected a text"),
        ({"metrics": "accuracy"}, "metrics: expected a list"),
        ({"optimiser.lr": 1}, "optimiser.lr: there is no such key"),
    ],
)
def test_a_fault_says_what_was_expected(changes: dict[str, Any], words: str):
    with pytest.raises(ConfigError) as caught:
        Config.of(BASE | changes)
    assert any(words in fault for fault in caught.value.faults), caught.value.faults


def test_what_is_needed_is_asked_for():
    with pytest.raises(ConfigError, match=r"data\.name: it is not given"):
        Config.of({"model": "NeuralNetwork"})


def test_pytorchs_spellings_are_ours():
    config = Config.of(
        BASE
        | {
            "loss": "binary_cross_entropy_with_logits",
            "optimizer": {"name": "RMSprop"},
            "schedule": {"name": "CosineAnnealingLR", "T_max": 5},
        }
    )
    assert config["loss.name"] == "BCEWithLogitsLoss"
    assert config["optimizer.name"] == "rmsprop"
    assert config["schedule.name"] == "cosine_annealing_lr"
    assert Config.of(BASE | {"loss": "nll_loss"})["loss.name"] == "NLLLoss"


def test_written_and_read_again_it_is_the_same(tmp_path: Path):
    config = Config.of(
        BASE
        | {
            "seed": -3,
            "metrics": ["accuracy", "f1"],
            "optimizer": {"name": "adam", "lr": 1e-5, "betas": [0.8, 0.99]},
            "schedule": {
                "name": "sequential_lr",
                "milestones": [2],
                "schedulers": [
                    {"name": "LinearLR", "total_iters": 2},
                    {"name": "exponential_lr", "gamma": 0.9},
                ],
            },
            "data": {"name": "wine", "target": 'a "b" \x7f ü\n', "header": False},
        }
    )
    file = tmp_path / "config.toml"
    file.write_text(config.to_toml(), encoding="utf-8")
    again = Config.read(file)
    assert again == config
    assert not again.differences(config)
    assert tomllib.loads(config.to_toml())["optimizer"]["betas"] == [0.8, 0.99]


def test_a_change_takes_the_place_of_what_it_excludes():
    config = Config.of(BASE | {"epochs": 3, "optimizer": {"name": "adam", "eps": 1e-6}})
    changed = config.changed({"steps": 10, "optimizer.name": "SGD"})
    assert changed["epochs"] is None
    assert changed["steps"] == 10
    assert changed.options("optimizer") == {}
    assert config.changed({"optimizer": "Adam"}).options("optimizer") == {"eps": 1e-6}
    assert config.changed({"optimizer.eps": None}).options("optimizer") == {}
    assert config.differences(changed) == [
        "epochs was 3 and is not given",
        "steps was not given and is 10",
        "optimizer.name was 'adam' and is 'sgd'",
        "optimizer.eps was 1e-06 and is not given",
    ]


def test_a_key_left_out_does_not_differ_from_its_default():
    assert not Config.of(BASE).differences(Config.of(BASE | {"batch_size": 64}))


def test_paths_in_a_file_are_meant_from_its_folder(tmp_path: Path):
    (tmp_path / "rows.csv").write_text("a,b\n1,0\n")
    file = tmp_path / "config.toml"
    file.write_text('model = "net.py:Net"\ndata = "rows.csv"\n')
    config = Config.read(file, {"epochs": 1})
    assert config["model.name"] == f"{tmp_path}/net.py:Net"
    assert config["data.name"] == str(tmp_path / "rows.csv")
    assert config["epochs"] == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"model = ", "expected TOML, got other text: Invalid value (at "),
        (b"\xff\xfe", "expected TOML in UTF-8"),
        (b"[[model]]\n", "model: expected a table, or a text; got"),
        (b"a = " + b"[" * 100_000, "expected TOML, got other text"),
    ],
)
def test_a_file_that_is_no_configuration(tmp_path: Path, content: bytes, words: str):
    file = tmp_path / "config.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        Config.read(file)
    assert words in str(caught.value)
    assert str(file) in str(caught.value)
