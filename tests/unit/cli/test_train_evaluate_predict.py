# SPDX-License-Identifier: Apache-2.0
"""`flaxnn train`, `evaluate` and `predict`: what they print, write and refuse."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from numpy.testing import assert_array_equal
from typer.testing import CliRunner

from flaxnn import data, runs
from flaxnn.cli._evaluate import evaluate
from flaxnn.cli._predict import predict
from flaxnn.cli._train import train
from flaxnn.runs import ConfigError, RunDirectoryError
from flaxnn.training import CheckpointError

WINE = ("SoftmaxRegression", "wine", "--standardize", "--seed", "42", "--epochs", "2")


def run(command: Callable[..., Any], *arguments: Any) -> Any:
    """Runs a command in this process."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(command)
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture(scope="module")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a run. Tests leave it as it is."""
    directory = tmp_path_factory.mktemp("runs") / "wine"
    done = run(train, *WINE, "--lr", 0.1, "--validation", 0.2, "--out", directory)
    assert done.exit_code == 0, done.exception
    lines = done.stdout.splitlines()
    assert lines[0] == "finished after 6 steps"
    assert [line.split()[0] for line in lines[1:5]] == [
        *("train_loss", "train_accuracy", "loss", "accuracy")
    ]
    assert f"next: flaxnn evaluate {directory}" in done.stderr
    return directory


def test_the_flags_give_the_configuration_of_the_run(tmp_path: Path):
    """What a configuration gives is held to PyTorch's order in tests of runs."""
    done = run(
        train,
        *("SoftmaxRegression", "digits", "--seed", 42, "--epochs", 2, "--no-shuffle"),
        *("--optimizer", "SGD", "--lr", 0.01, "--momentum", 0.9, "--clip-norm", 1),
        *("--weight-decay", 0.1, "--loss", "cross_entropy", "--label-smoothing", 0.2),
        *("--batch-size", 50, "--schedule", "ExponentialLR", "--accumulate", 2),
        *("--dtype", "float64", "--metrics", "accuracy,f1", "--validation", 0.2),
        *("--patience", 3, "--checkpoint-every", 7, "--best", "f1"),
        *("--set", "schedule.gamma=0.5", "--show"),
    )
    assert done.exit_code == 0, done.exception
    (tmp_path / "shown.toml").write_text(done.stdout)
    config = {
        "model": "SoftmaxRegression",
        "data": "digits",
        "seed": 42,
        "epochs": 2,
        "shuffle": False,
        "optimizer": {"name": "sgd", "lr": 0.01, "momentum": 0.9, "weight_decay": 0.1},
        "clip_norm": 1.0,
        "loss": {"name": "CrossEntropyLoss", "label_smoothing": 0.2},
        "batch_size": 50,
        "schedule": {"name": "exponential_lr", "gamma": 0.5},
        "accumulate": 2,
        "dtype": "float64",
        "metrics": ["accuracy", "f1"],
        "validation": 0.2,
        "early_stopping": 3,
        "checkpoints": {"every": 7, "best": "f1"},
    }
    expected = runs.prepare(runs.Config.of(config)).config
    assert runs.Config.read(tmp_path / "shown.toml") == expected


def test_pictures_are_drawn_or_their_lack_is_a_note(
    wine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert {path.name for path in (wine / "plots").iterdir()} == {
        *("history.png", "confusion-matrix.png")
    }
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = run(train, *WINE, "--out", tmp_path / "run")
    assert done.exit_code == 0
    assert "no pictures: " in done.stderr
    assert "matplotlib" in done.stderr


def test_again_it_says_that_it_is_finished_and_longer_it_goes_on(tmp_path: Path):
    out = tmp_path / "run"
    run(train, *WINE, "--no-plots", "--out", out)
    again = run(train, *WINE, "--no-plots", "--out", out)
    assert again.stdout.startswith("finished already after 6 steps")
    longer = run(train, "--out", out, "--epochs", 3, "--no-plots", "--resume", "--json")
    found = json.loads(longer.stdout)
    assert found["steps"] == 9
    last = runs.open(out).history()["loss"][6:].mean()
    assert found["results"]["train_loss"] == pytest.approx(last, rel=1e-6)
    assert found["trained"]
    assert found["plots"] == []


def test_a_file_goes_before_defaults_and_flags_before_the_file(tmp_path: Path):
    file = tmp_path / "config.toml"
    file.write_text(
        'model = "SoftmaxRegression"\ndata = "wine"\nseed = 5\nepochs = 9\n'
        "[optimizer]\nlr = 0.5\n"
    )
    shown = run(train, file, "--steps", 3, "--set", "optimizer.lr=0.25", "--show")
    assert shown.exit_code == 0, shown.exception
    again = tmp_path / "again.toml"
    again.write_text(shown.stdout)
    config = runs.Config.read(again)
    assert config["seed"] == 5
    assert (config["epochs"], config["steps"]) == (None, 3)
    assert config.options("optimizer") == {"lr": 0.25}
    assert config.options("model") == {"in_features": 13, "num_classes": 3}


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        (["SoftmaxRegresion", "wine", "--out", "x"], ConfigError, "did you mean"),
        (["SoftmaxRegression", "wien", "--out", "x"], FileNotFoundError, "'wine'"),
        ([*WINE, "--lr", "nan", "--out", "x"], ConfigError, "optimizer.lr: expected"),
        ([*WINE, "--set", "optimizer.lrr=1", "--out", "x"], ConfigError, "'lr'"),
        ([*WINE, "--batch-size", "few", "--out", "x"], ConfigError, "got 'few'"),
        ([*WINE, "--validation", "test", "--out", "x"], ValueError, "no split 'test'"),
        ([*WINE, "--best", "f2", "--out", "x"], ConfigError, "needs a validation"),
        (["nothing.toml", "--out", "x"], FileNotFoundError, "nothing.toml"),
        (["--out", "x"], ConfigError, "model.name: it is not given"),
    ],
)
def test_a_mistake_has_one_message_and_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    kind: type[Exception],
    words: str,
):
    monkeypatch.chdir(tmp_path)
    done = run(train, *arguments)
    assert isinstance(done.exception, kind), done.exception
    assert words in str(done.exception)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (WINE, "--out run"),
        ([*WINE, "--set", "seed", "--out", "x"], "expected KEY=VALUE"),
        ([*WINE, "--resume", "--out", "x"], "there is no run in x"),
        ([*WINE, "--resume", "--overwrite", "--out", "x"], "exclude each other"),
        ([*WINE, "--seed", "one", "--out", "x"], "--seed"),
    ],
)
def test_a_wrong_command_line_exits_with_2(arguments: list[str], words: str):
    done = run(train, *arguments)
    assert done.exit_code == 2
    assert words in " ".join(done.stderr.replace("│", " ").split())


def test_another_run_is_refused(wine: Path):
    done = run(train, *WINE, "--lr", 0.2, "--validation", 0.2, "--out", wine)
    assert isinstance(done.exception, RunDirectoryError)
    assert "optimizer.lr was 0.1 and is 0.2" in str(done.exception)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, capsys: Any
):
    from flaxnn.runs import _train

    class Interrupting(_train.JSONLines):
        def epoch(self, epoch: int, step: int, values: Any) -> bool:
            if epoch == 1:
                signal.raise_signal(number)
            return super().epoch(epoch, step, values)

    monkeypatch.setattr(_train, "JSONLines", Interrupting)
    out = tmp_path / "run"
    with pytest.raises((KeyboardInterrupt, SystemExit)) as caught:
        train("SoftmaxRegression", "iris", out=out, epochs=4)
    said = str(caught.value) + capsys.readouterr().err
    steps = runs.open(out).checkpoints.steps()
    assert (
        f"saved behind step {steps[-1]}; go on with: flaxnn train --out {out}" in said
    )
    if number == signal.SIGTERM:
        assert isinstance(caught.value, SystemExit)
        assert caught.value.code == 143
    monkeypatch.undo()
    done = run(train, "--out", out, "--json", "--no-plots")
    assert json.loads(done.stdout)["steps"] == 12


def test_evaluate_prints_what_the_run_had(wine: Path):
    results = runs.open(wine).manifest["results"]
    done = run(evaluate, wine)
    assert done.stdout.splitlines() == [
        "35 rows (validation)",
        f"loss {results['loss']:.6g}",
        f"accuracy {results['accuracy']:.6g}",
    ]
    done = run(evaluate, wine, "--metrics", "f1,confusion_matrix", "--json")
    found = json.loads(done.stdout)
    assert np.sum(found["metrics"]["confusion_matrix"]) == found["rows"] == 35
    assert found["class_names"] == ["class_0", "class_1", "class_2"]
    assert "class_2" in run(evaluate, wine, "--metrics", "confusion_matrix").stdout


def test_evaluate_of_other_rows_weights_and_checkpoints(wine: Path, tmp_path: Path):
    whole = json.loads(run(evaluate, wine, "wine", "--json").stdout)
    assert whole["rows"] == 178
    train_part = json.loads(run(evaluate, wine, "--split", "train", "--json").stdout)
    assert train_part["rows"] == 143
    plain = tmp_path / "plain"
    run(train, "SoftmaxRegression", "wine", "--epochs", 1, "--no-plots", "--out", plain)
    of_run = json.loads(run(evaluate, plain, "--json").stdout)
    for file in ("model.pt", "model.safetensors"):
        of_file = run(
            evaluate, plain / file, "wine", "--model", "SoftmaxRegression", "--json"
        )
        assert json.loads(of_file.stdout)["metrics"] == of_run["metrics"]
    step = run(evaluate, plain, "--checkpoint", 3, "--plots", tmp_path / "p", "--json")
    assert json.loads(step.stdout)["metrics"] == of_run["metrics"]
    assert (tmp_path / "p" / "confusion-matrix.png").is_file()


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        (["--metrics", "acuracy"], ValueError, "did you mean 'accuracy'"),
        (["--checkpoint", "best"], CheckpointError, "train with --best METRIC"),
        (["--checkpoint", "7"], CheckpointError, "no checkpoint of step 7"),
        (["--split", "test"], ValueError, "no split 'test'"),
        (["iris"], ValueError, "expected rows of shape (13,)"),
    ],
)
def test_evaluate_refuses(
    wine: Path, arguments: list[str], kind: type[Exception], words: str
):
    done = run(evaluate, wine, *arguments)
    assert isinstance(done.exception, kind), done.exception
    assert words in str(done.exception)


def test_evaluate_needs_a_model_for_weights(wine: Path, tmp_path: Path):
    assert run(evaluate, wine / "model.pt", "wine").exit_code == 2
    assert run(evaluate, wine, "--model", "SoftmaxRegression").exit_code == 2
    known = [wine / "model.pt", "wine", "--model", "SoftmaxRegression", "--set"]
    assert run(evaluate, *known, "dtype").exit_code == 2
    said = str(run(evaluate, *known, "data.standardize=true").exception)
    assert f"which has them: flaxnn evaluate {wine}, or give rows" in said
    said = str(run(evaluate, *known, "optimizer.lr=1").exception)
    assert said.startswith("optimizer.lr: it is of training; a file of weights takes")
    (tmp_path / "cut.pt").write_bytes((wine / "model.pt").read_bytes()[:300])
    done = run(evaluate, tmp_path / "cut.pt", "wine", "--model", "SoftmaxRegression")
    assert isinstance(done.exception, ValueError)
    done = run(evaluate, wine / "model.pt", "iris", "--model", "SoftmaxRegression")
    assert "size mismatch" in str(done.exception)


def test_predict_prints_and_writes(wine: Path, tmp_path: Path):
    x, _ = data.load("wine").arrays
    np.savez(tmp_path / "rows.npz", x=x[:3])
    np.save(tmp_path / "row.npy", x[3])
    rows, bad = tmp_path / "rows.npz", tmp_path / "nothing.csv"
    done = run(predict, wine, rows, tmp_path / "row.npy", "--top", 2, "--json")
    assert done.exit_code == 0, done.exception
    found = json.loads(done.stdout)
    expected, how = runs.open(wine).probabilities(runs.open(wine).predict(x[:4]))
    assert found["probabilities"] == how == "softmax of the logits"
    for row, probability in zip(found["predictions"], expected, strict=True):
        assert row["class"] == f"class_{probability.argmax()}"
        assert row["probability"] == probability.max()
        assert row["probability_2"] == np.sort(probability)[-2]
    for suffix in ("csv", "json", "npz"):
        output = tmp_path / f"out.{suffix}"
        done = run(predict, wine, rows, bad, "--output", output)
        assert done.exit_code == 2
        assert f"Error: {bad}: No such file" in done.stderr
        assert "class_0" in done.stdout
    with (tmp_path / "out.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [row["class"] for row in table] == [
        row["class"] for row in found["predictions"][:3]
    ]
    assert_array_equal(np.load(tmp_path / "out.npz")["probabilities"], expected[:3])
    assert len(json.loads((tmp_path / "out.json").read_text())["errors"]) == 1
    assert run(predict, wine, rows, "--output", "out.xlsx").exit_code == 2


@pytest.mark.parametrize("command", ["train", "evaluate", "predict"])
def test_help_ends_with_examples_and_exit_codes(command: str):
    module = __import__(f"flaxnn.cli._{command}", fromlist=[command])
    text = getattr(module, command).__doc__
    assert text.rindex("Exit codes:") > text.rindex("Examples:")


def test_the_commands_load_nothing_heavy():
    code = (
        "import sys; import flaxnn.cli._train, flaxnn.cli._evaluate, "
        "flaxnn.cli._predict; sys.exit(any(m in sys.modules for m in ('jax', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
