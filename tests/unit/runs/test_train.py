# SPDX-License-Identifier: Apache-2.0
"""A run in a directory: gone on with to the bit, and never another's."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from flaxnn import interop, runs
from flaxnn.runs import Config, RunDirectoryError, TrainedRun, train
from flaxnn.runs._directory import RunDirectory
from flaxnn.runs._undo import Undo
from flaxnn.training import CheckpointError, CheckpointWarning, NonFiniteLossError
from flaxnn.training.callbacks import Callback, RunInfo


class Signal(Callback):
    """Sends this process a signal once some steps are done."""

    def __init__(self, number: int, step: int):
        self.number, self.step = number, step

    def steps(self, first: int, values: Mapping[str, np.ndarray]) -> None:
        if first + len(values["loss"]) >= self.step:
            self.step = sys.maxsize
            signal.raise_signal(self.number)


def same(one: TrainedRun, other: TrainedRun) -> None:
    """Two runs are one, to the bit."""
    for mine, yours in (
        (one.history(), other.history()),
        (one.evaluations(), other.evaluations()),
        (one.model().state_dict(), other.model().state_dict()),
        (one.model("best").state_dict(), other.model("best").state_dict()),
    ):
        assert mine.keys() == yours.keys()
        for name, value in mine.items():
            assert_array_equal(value, yours[name])
    assert one.manifest["results"] == other.manifest["results"]


def test_a_directory_has_all_of_a_run(whole: TrainedRun):
    names = {path.name for path in whole.directory.iterdir()}
    assert names == {
        *("run.json", "config.toml", "history.jsonl", "checkpoints", "lock"),
        *("model.pt", "model.safetensors"),
    }
    assert whole.manifest["status"] == "finished"
    assert whole.manifest["steps"] == len(whole.history()["loss"]) == 45
    assert Config.read(whole.directory / "config.toml") == whole.config
    # Every ten steps, and not only at the ends of epochs.
    assert 40 in whole.checkpoints.steps()
    for file in ("model.pt", "model.safetensors"):
        tensors = interop.load(whole.directory / file)
        for name, value in whole.model().state_dict().items():
            assert_array_equal(tensors[name], value)


@pytest.mark.parametrize(
    ("number", "raised"),
    [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)],
)
def test_an_interrupted_run_goes_on_to_the_same_end(
    digits: Config, whole: TrainedRun, tmp_path: Path, number: int, raised: type
):
    directory = tmp_path / "run"
    with pytest.raises(raised):
        train(digits, directory, callbacks=[Signal(number, 12)])
    stopped = runs.open(directory)
    assert stopped.manifest["status"] == "interrupted"
    assert 12 <= stopped.checkpoints.steps()[-1] < 45
    same(train(None, directory), whole)


class Copy(Callback):
    """Copies the files as they are after two epochs: those that a kill would leave."""

    def __init__(self, directory: Path, copy: Path):
        self.directory, self.copy = directory, copy

    def epoch(self, epoch: int, step: int, values: Mapping[str, Any]) -> bool:
        if epoch == 2:
            shutil.copytree(self.directory, self.copy)
        return False


def test_a_killed_run_goes_on_to_the_same_end(
    digits: Config, whole: TrainedRun, tmp_path: Path
):
    killed = tmp_path / "killed"
    train(digits, tmp_path / "run", callbacks=[Copy(tmp_path / "run", killed)])
    assert runs.open(killed).manifest["status"] == "running"
    assert runs.open(killed).checkpoints.steps()[-1] < 45
    same(train(digits, killed), whole)


def test_a_finished_run_is_returned_and_trained_on_if_it_shall_be_longer(
    digits: Config, whole: TrainedRun, tmp_path: Path
):
    directory = tmp_path / "run"
    short = train(digits.changed({"epochs": 2}), directory)
    assert short.manifest["steps"] == 30
    before = (directory / "run.json").read_bytes()
    train(None, directory)
    assert (directory / "run.json").read_bytes() == before
    same(train(digits, directory), whole)
    with pytest.raises(RunDirectoryError, match="has 3 epochs already, and 1 are"):
        train(digits.changed({"epochs": 1}), directory)
    with pytest.raises(RunDirectoryError, match="counts in epochs"):
        train(digits.changed({"steps": 90}), directory)


def test_another_run_is_refused_with_the_keys_that_differ(
    digits: Config, whole: TrainedRun
):
    other = digits.changed({"optimizer.lr": 0.1, "seed": 3, "clip_norm": 1.0})
    with pytest.raises(RunDirectoryError) as caught:
        train(other, whole.directory)
    for line in (
        "seed was 0 and is 3",
        "clip_norm was not given and is 1.0",
        "optimizer.lr was 0.01 and is 0.1",
    ):
        assert line in str(caught.value)
    assert runs.open(whole.directory).config == whole.config


def test_foreign_files_are_left_alone(whole: TrainedRun, tmp_path: Path):
    config = whole.config.changed({"epochs": 1})
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.tex").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(RunDirectoryError, match=r"no run, such as thesis\.tex"):
            train(config, foreign, overwrite=overwrite)
    with pytest.raises(RunDirectoryError, match="is a file"):
        train(config, foreign / "thesis.tex")
    run = tmp_path / "run"
    shutil.copytree(whole.directory, run)
    (run / "thesis.tex").write_text("mine")
    again = train(config, run, overwrite=True)
    assert again.manifest["steps"] == 15
    assert (run / "thesis.tex").read_text() == "mine"
    assert (foreign / "thesis.tex").read_text() == "mine"


def test_nothing_to_go_on_with(tmp_path: Path):
    with pytest.raises(RunDirectoryError, match="there is no run"):
        train(None, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with pytest.raises(RunDirectoryError, match="there is no directory"):
        runs.open(tmp_path / "run")
    with pytest.raises(RunDirectoryError, match="is not the directory of a run"):
        runs.open(tmp_path)


def test_a_run_that_diverges_says_so_and_can_be_looked_at(tmp_path: Path):
    config = Config.of(
        {"model": "SoftmaxRegression", "data": "iris", "loss.reduction": "sum"}
        | {"optimizer.lr": 1e38, "batch_size": "all", "steps": 20}
    )
    with pytest.raises(NonFiniteLossError):
        train(config, tmp_path / "run")
    run = runs.open(tmp_path / "run")
    assert run.manifest["status"] == "diverged"
    assert "learning rate" in run.manifest["message"]


def test_a_run_that_failed_before_it_began_gives_its_place(tmp_path: Path):
    file = tmp_path / "rows.csv"
    file.write_text("a,b,kind\n1,2,0\n2,1,7\n")
    config = Config.of(
        {"model": {"name": "SoftmaxRegression", "num_classes": 3}, "data": str(file)}
        | {"data.target": "kind", "epochs": 1}
    )
    with pytest.raises(IndexError, match="7"):
        train(config, tmp_path / "new" / "run")
    assert [*tmp_path.iterdir()] == [file]
    (tmp_path / "run").mkdir()
    with pytest.raises(IndexError, match="7"):
        train(config, tmp_path / "run")
    assert [*(tmp_path / "run").iterdir()] == []
    run = train(config.changed({"model.num_classes": 8}), tmp_path / "run")
    assert run.manifest["status"] == "finished"


class Refuse(Callback):
    """Ends a run before its first step."""

    def begin(self, info: RunInfo) -> None:
        raise RuntimeError("refused")


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_refused_run_leaves_the_one_that_is_there(
    whole: TrainedRun, tmp_path: Path, overwrite: bool
):
    directory = tmp_path / "run"
    shutil.copytree(whole.directory, directory)
    before = content(directory)
    longer = whole.config.changed({"epochs": 9})
    with pytest.raises(RuntimeError, match="refused"):
        train(longer, directory, overwrite=overwrite, callbacks=[Refuse()])
    assert content(directory) == before


def test_what_is_set_aside_is_kept_until_a_step_is_done(
    whole: TrainedRun, tmp_path: Path
):
    directory = tmp_path / "run"
    shutil.copytree(whole.directory, directory)
    before = content(directory)
    undo = Undo(RunDirectory(directory))
    undo.replace()
    (directory / "run.json").write_text("{}")
    # As after a kill: another process takes it up.
    undo = Undo(RunDirectory(directory))
    undo.replace()
    undo.undo()
    assert content(directory) == before
    undo = Undo(RunDirectory(directory))
    undo.replace()
    undo.forget()
    assert [path.name for path in directory.iterdir()] == ["lock"]


def content(directory: Path) -> dict[str, bytes]:
    """Every file below a directory."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def test_a_cycle_cannot_be_made_longer(tmp_path: Path):
    config = Config.of(
        {"model": "LogisticRegression", "data": "univariate", "batch_size": "all"}
        | {"steps": 4, "optimizer.momentum": 0.9}
        | {"schedule": {"name": "one_cycle_lr", "max_lr": 0.1}}
    )
    train(config, tmp_path / "run")
    with pytest.raises(RunDirectoryError, match="one cycle over all of its steps"):
        train(config.changed({"steps": 8}), tmp_path / "run")


def test_a_run_that_stopped_early_is_finished(tmp_path: Path):
    config = Config.of(
        {"model": "LogisticRegression", "data": "univariate", "epochs": 9}
        | {"early_stopping": {"patience": 1, "min_delta": 10.0}, "validation": 0.3}
    )
    run = train(config, tmp_path / "run")
    assert run.manifest["stopped_early"]
    assert run.manifest["epochs"] == 2
    assert (
        train(config.changed({"epochs": 20}), tmp_path / "run").manifest["epochs"] == 2
    )


def test_a_changed_model_file_is_another_run(tmp_path: Path):
    """The file has a module of Flax's own, which has no `state_dict`."""
    file = tmp_path / "net.py"
    file.write_text(
        "from flax import nnx\n\nclass Net(nnx.Module):\n"
        "    def __init__(self, in_features, num_classes, *, rngs):\n"
        "        self.layer = nnx.Linear(in_features, num_classes, rngs=rngs)\n"
        "    def __call__(self, x):\n"
        "        return self.layer(x)\n"
    )
    config = Config.of({"model": f"{file}:Net", "data": "iris", "epochs": 1})
    run = train(config, tmp_path / "run")
    rows, _ = run.rows()
    before = run.evaluate(rows)
    assert np.isfinite(before["loss"])
    file.write_text(file.read_text() + "\n# changed\n")
    with pytest.raises(RunDirectoryError, match="model's file has changed"):
        train(config.changed({"epochs": 2}), tmp_path / "run")
    file.unlink()
    assert runs.open(tmp_path / "run").evaluate(rows) == before
    # The weights are in a file, too.
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    assert runs.open(tmp_path / "run").evaluate(rows) == before


def test_damage_is_said_and_survived(whole: TrainedRun, tmp_path: Path):
    run = tmp_path / "run"
    shutil.copytree(whole.directory, run)
    newest = max(runs.open(run).checkpoints.steps())
    for file in (run / "checkpoints" / str(newest) / "arrays").rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="damaged"):
        runs.open(run).model()
    manifest = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(manifest | {"status": "running"}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CheckpointWarning)
        same(train(None, run), whole)
    for text in ("{", "[]", '{"format": 1}', '{"format": 2}'):
        (run / "run.json").write_text(text)
        with pytest.raises(RunDirectoryError, match="damaged"):
            runs.open(run)
    (run / "run.json").write_text(json.dumps({**manifest, "inputs": {"shape": 3}}))
    with pytest.raises(RunDirectoryError, match="damaged"):
        runs.open(run)


def test_evaluate_gives_what_the_run_itself_had(whole: TrainedRun):
    rows, which = whole.rows()
    assert which == "validation"
    results: dict[str, Any] = dict(whole.manifest["results"])
    assert whole.evaluate(rows) == {k: results[k] for k in ("loss", "accuracy")}
    train_rows, _ = whole.rows(split="train")
    assert len(train_rows) + len(rows) == 1797
    best = whole.evaluations()["accuracy"].max()
    assert whole.evaluate(rows, checkpoint="best")["accuracy"] == best
    with pytest.raises(ValueError, match=r"'tset'; .*are validation, train, all"):
        whole.rows(split="tset")
    with pytest.raises(CheckpointError, match="no checkpoint of step 7"):
        whole.model(7)
