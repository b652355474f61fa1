# SPDX-License-Identifier: Apache-2.0
"""`flaxnn sweep`: its runs are those of `flaxnn.runs`, best first, and its errors."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from flaxnn import interop, sweeps
from flaxnn.cli._app import app
from flaxnn.cli._exit import CommandError
from flaxnn.cli._sweep_space import Variation, parse_seeds, parse_values
from flaxnn.runs import Config, prepare

RUN = """\
model = "SoftmaxRegression"
data = { name = "wine", standardize = true }
epochs = 2
validation = { fraction = 0.2, random_state = 0 }
"""


class Ended(NamedTuple):
    """What is left of a command."""

    exit_code: Any
    stdout: str
    stderr: str


def sweep(*arguments: Any) -> Ended:
    """Runs the command in this process."""
    out, errors = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(errors),
        pytest.raises(SystemExit) as ended,
    ):
        app(["sweep", *map(str, arguments)])
    return Ended(ended.value.code, out.getvalue(), errors.getvalue())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's file, and where a sweep over it has written."""
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "run.toml").write_text(RUN)
    return folder


@pytest.fixture(scope="module")
def arguments(folder: Path) -> list[Any]:
    """A sweep of six runs."""
    varied = [
        "--set",
        "optimizer.lr=0.01, 0.1, 3e38",
        "--set",
        "optimizer.momentum=0.9",
    ]
    kept = ["--directory", folder / "kept", "--csv", folder / "runs.csv"]
    best = ["--save-best", folder / "best.pt"]
    return [folder / "run.toml", "--seeds", "3,4", *varied, *kept, *best]


@pytest.fixture(scope="module")
def report(arguments: list[Any]) -> dict[str, Any]:
    """What the sweep says of itself."""
    ended = sweep(*arguments, "--json")
    assert ended.exit_code == 0, ended.stderr
    return json.loads(ended.stdout, parse_constant=pytest.fail)


def test_each_run_is_the_one_of_its_seed_and_values(
    report: dict[str, Any], folder: Path
) -> None:
    assert len(report["runs"]) == 6
    row = next(r for r in report["runs"] if (r["seed"], r["lr"]) == (4, 0.1))
    config = Config.read(folder / "run.toml", {"optimizer.momentum": 0.9})
    run = prepare(config.changed({"seed": 4, "optimizer.lr": 0.1})).fit(progress=False)
    assert row["loss"] == pytest.approx(run.history["loss"][-1], rel=1e-6)
    assert row["val_loss"] == pytest.approx(run.evaluations["loss"][-1], rel=1e-6)


def test_the_best_comes_first_and_what_is_not_finite_last(
    report: dict[str, Any], folder: Path
) -> None:
    assert report["by"] == "val_loss"
    assert report["best"] == report["runs"][0]
    good = [run["val_loss"] for run in report["runs"] if run["status"] == "ok"]
    assert good == sorted(good)
    assert [run["lr"] for run in report["runs"]][-2:] == [3e38, 3e38]
    assert report["nonfinite"] == 2
    assert report["runs"][-1]["status"].startswith("non-finite at step ")
    assert report["runs"][-1]["loss"] is None
    rows = (folder / "runs.csv").read_text().splitlines()
    assert rows[0].startswith("seed,lr,status,loss,")
    assert len(rows) == 7
    assert set(interop.load(folder / "best.pt")) >= {"model", "optimizer"}
    assert report["files"] == [str(folder / "runs.csv"), str(folder / "best.pt")]


def test_the_same_command_goes_on_and_another_is_refused(
    report: dict[str, Any], arguments: list[Any]
) -> None:
    ended = sweep(*arguments, "--top", 2)
    assert ended.exit_code == 0
    lines = ended.stdout.splitlines()
    assert lines[0].split()[:4] == ["lane", "seed", "lr", "status"]
    assert lines[1].split()[0] == str(report["best"]["lane"])
    assert "6 runs, best val_loss first; 4 more" in lines
    assert "not finite: 2" in ended.stdout
    other = sweep(*arguments, "--seeds", "3,5")
    assert other.exit_code == 2
    assert "seeds" in other.stderr


def test_no_finite_run_is_an_answer(
    report: dict[str, Any], arguments: list[Any], folder: Path, monkeypatch: Any
) -> None:
    (folder / "best.pt").unlink()
    monkeypatch.setattr(sweeps.Sweep, "nonfinite", dict.fromkeys(range(6), 0))
    ended = sweep(*arguments)
    assert ended.exit_code == 1
    assert "not finite: 6" in ended.stdout
    assert not (folder / "best.pt").exists()


def test_drawn_values_and_a_file_of_them(folder: Path, monkeypatch: Any) -> None:
    space = folder / "space.toml"
    space.write_text(
        'seeds = "0:2"\nsamples = 3\n[set]\n'
        'optimizer.lr = "log(1e-3, 1e-1)"\n"optimizer.momentum" = [0, 0.9]\n'
    )
    asked: dict[str, Any] = {}

    def stop(*arguments: Any, **options: Any) -> None:
        asked.update(options)
        raise KeyboardInterrupt

    monkeypatch.setattr(sweeps, "sweep", stop)
    few = [folder / "run.toml", "--space", space, "--sample-seed", 7]
    ended = sweep(*few, "--directory", folder / "new")
    assert ended.exit_code == 130
    assert "the same command goes on" in ended.stderr
    expected = sweeps.Random(3, seed=7, lr=sweeps.LogUniform(1e-3, 1e-1))
    assert list(asked["space"]) == list(expected)
    assert asked["momentum"] == [0, 0.9]
    assert asked["seeds"] == [0, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", "4:4"], "expected a range such as 0:64"),
        (["--seeds", "a"], "got 'a'"),
        (["--seeds", "1,1"], "1 is there twice"),
        (["--set", "lr"], "expected KEY=VALUES"),
        (["--set", "optimiser.lr=1"], "optimizer"),
        (["--set", "optimizer.lr=0.1,-1"], "Invalid learning rate: -1"),
        (["--set", "optimizer.lr=log(0,1)"], "expected low above 0"),
        (["--set", "optimizer.lr=log(1e-3,1)"], "--samples"),
        (["--samples", "3"], "nothing is drawn"),
        (["--set", "batch_size=1,2"], "batch_size cannot be swept"),
        (["--set", "optimizer.name=sgd,adam"], "optimizer.name cannot be swept"),
        (["--set", "early_stopping=3"], "early_stopping.patience: it is for one run"),
        (["--space", "run.toml"], "there is no key 'model'"),
        (["--save-best", "best.onnx"], "expected .pt"),
        (["--by", "accuracies"], "did you mean 'accuracy'"),
    ],
)
def test_what_is_refused(
    arguments: list[str], message: str, folder: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(folder)
    before = sorted(folder.iterdir())
    ended = sweep("run.toml", "--set", "steps=1", *arguments)
    _refused(ended, message)
    assert sorted(folder.iterdir()) == before


def test_rows_that_each_seed_would_draw() -> None:
    ended = sweep("SoftmaxRegression", "wine", "--set", "validation=0.2")
    _refused(ended, "validation.random_state")


def _refused(ended: Ended, message: str) -> None:
    assert ended.exit_code == 2
    assert ended.stderr.startswith("Error: ")
    assert message in ended.stderr
    assert ended.stdout == ""


def test_texts_of_values() -> None:
    assert parse_values("0.1, 1") == [0.1, 1]
    assert parse_values("[0.9, 0.99], [0, 0]") == [[0.9, 0.99], [0, 0]]
    assert parse_values("relu, tanh,true") == ["relu", "tanh", True]
    assert parse_seeds("0:3,9") == [0, 1, 2, 9]
    varied = Variation()
    varied.set("optimizer.lr", "int(1, 5)")
    varied.set("optimizer.lr", "0.5")
    assert (varied.fixed, varied.drawn) == ({"optimizer.lr": 0.5}, {})
    with pytest.raises(CommandError, match=r"optimizer.lr=int"):
        varied.set("optimizer.lr", "int(1, x)")
