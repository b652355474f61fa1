# SPDX-License-Identifier: Apache-2.0
"""Callbacks that write files: what is in them, also after a resume or a fault."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from flaxnn import metrics, optim
from flaxnn._errors import MissingPackageError
from flaxnn.training import Checkpoints, Validation
from flaxnn.training.callbacks import (
    EarlyStopping,
    JSONLines,
    Plots,
    RunInfo,
    TensorBoard,
)
from tests.unit.training.runs import BATCHES, FEATURES, LABELS, Breaks, train

VALIDATION = Validation((FEATURES[:50], LABELS[:50]), [metrics.accuracy])
SCHEDULE = optim.lr_scheduler.step_lr(step_size=1, gamma=0.5)
LOSSES = np.array([0.5, 0.25, 0.125, 1.0, 2.0], np.float32)


def run(**options):
    return train(validation=VALIDATION, schedule=SCHEDULE, **options)


def killed_and_resumed(directory, make, killed):
    """Two calls of one run, with what `make` gives each of them."""
    checkpoints = Checkpoints(directory, every=4)
    with pytest.raises(ZeroDivisionError):
        run(checkpoints=checkpoints, callbacks=[make(), Breaks(killed)])
    assert checkpoints.steps()
    return run(checkpoints=checkpoints, callbacks=[make()])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted run, and the directory with all its files."""
    directory = tmp_path_factory.mktemp("whole")
    lines = JSONLines(directory / "history.jsonl")
    return run(callbacks=[lines]), directory


def test_json_lines_hold_the_run(whole):
    result, directory = whole
    text = (directory / "history.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    steps = [line for line in lines if "epoch" not in line]
    assert steps == [
        {"step": k, "loss": float(loss), "lr": float(rate)}
        for k, (loss, rate) in enumerate(
            zip(result.history["loss"], result.history["lr"], strict=True)
        )
    ]
    epochs = [line for line in lines if "epoch" in line]
    assert [line["step"] for line in epochs] == [7, 14, 21]
    assert [line["loss"] for line in epochs] == result.evaluations["loss"].tolist()
    means = result.history["loss"].reshape(3, BATCHES).mean(axis=1)
    np.testing.assert_allclose([line["train_loss"] for line in epochs], means)
    # An epoch's line is behind those of its steps.
    assert [n for n, line in enumerate(lines) if "epoch" in line] == [7, 15, 23]


def test_json_lines_of_a_resumed_run_are_those_of_one_never_killed(whole, tmp_path):
    path = tmp_path / "history.jsonl"

    def make():
        if path.exists():
            # What a kill in the middle of a line leaves.
            path.write_bytes(path.read_bytes() + b'{"step": 9, "lo')
        return JSONLines(path)

    killed_and_resumed(tmp_path / "run", make, 12)
    assert path.read_bytes() == (whole[1] / "history.jsonl").read_bytes()


def test_json_lines_go_on_behind_a_state(whole, tmp_path):
    path = tmp_path / "history.jsonl"
    first = run(epochs=2, callbacks=[JSONLines(path)])
    with path.open("ab") as file:
        file.write(b'{"step": 14, "loss": 5}\n{"step": 3\n{"step": 15, ')
    run(state=first.state, callbacks=[JSONLines(path)])
    assert path.read_bytes() == (whole[1] / "history.jsonl").read_bytes()


def test_json_lines_can_be_read_while_the_run_goes_on(tmp_path):
    path = tmp_path / "history.jsonl"
    lines = JSONLines(path, every=2)
    lines.begin(RunInfo(0, 8))
    assert path.read_text() == ""
    lines.steps(0, {"loss": LOSSES[:3]})
    assert path.read_text() == '{"step": 0, "loss": 0.5}\n{"step": 2, "loss": 0.125}\n'
    lines.steps(3, {"loss": LOSSES[3:4]})
    assert path.read_text().count("\n") == 2
    lines.steps(4, {"loss": LOSSES[4:]})
    assert path.read_text().endswith('{"step": 4, "loss": 2.0}\n')
    assert list(tmp_path.iterdir()) == [path]


def test_json_lines_have_no_number_that_is_no_json(tmp_path):
    path = tmp_path / "history.jsonl"
    lines = JSONLines(path)
    lines.begin(RunInfo(0, 2))
    lines.steps(
        0,
        {
            "loss": np.array([np.nan, 0.1], np.float32),
            "lr": np.array([[np.inf, 1], [1, -np.inf]]),
            "right": np.array([3, 4]),
        },
    )

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    found = [
        json.loads(line, parse_constant=refuse)
        for line in path.read_text().splitlines()
    ]
    assert found == [
        {"step": 0, "loss": None, "lr": [None, 1.0], "right": 3},
        {"step": 1, "loss": float(np.float32(0.1)), "lr": [1.0, None], "right": 4},
    ]


def test_json_lines_that_could_not_be_written_are_tried_again(tmp_path, monkeypatch):
    path = tmp_path / "history.jsonl"
    lines = JSONLines(path)
    lines.begin(RunInfo(0, 4))
    lines.steps(0, {"loss": LOSSES[:1]})
    open_ = Path.open

    def full(self, *args, **kwargs):
        with open_(self, "ab") as file:
            file.write(b'{"step": 1, "l')
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full)
        with pytest.warns(RuntimeWarning, match="No space left on device"):
            lines.steps(1, {"loss": LOSSES[1:2]})
    lines.end()
    assert [json.loads(x)["step"] for x in path.read_text().splitlines()] == [0, 1]


@pytest.mark.parametrize("make", [JSONLines, TensorBoard, Plots])
def test_what_cannot_be_written_is_said_before_the_run(make, tmp_path):
    if make is TensorBoard:
        pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
    if make is Plots:
        pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(OSError, match=f"{make.__name__} cannot write to .*; choose"):
        run(callbacks=[make(file / "below")])


@pytest.mark.parametrize("make", [JSONLines, TensorBoard])
@pytest.mark.parametrize(
    ("every", "kind"), [(0, ValueError), (True, TypeError), (1.5, TypeError)]
)
def test_bad_arguments(make, every, kind):
    with pytest.raises(kind, match="every must be"):
        make("history", every=every)


@pytest.mark.parametrize(
    ("make", "package", "extra"),
    [(TensorBoard, "tensorboardX", "tensorboard"), (Plots, "matplotlib", "plots")],
)
def test_a_missing_package_is_said_before_the_run(
    make, package, extra, tmp_path, monkeypatch
):
    for module in [package, *(m for m in sys.modules if m.startswith(f"{package}."))]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingPackageError, match=rf'pip install "flaxnn\[{extra}\]"'):
        make(tmp_path / "new").begin(RunInfo(0, 1))


def records(file):
    """The events of a file: each framed by its length and two checksums."""
    from tensorboardX.proto import event_pb2

    data, at = file.read_bytes(), 0
    while at < len(data):
        (size,) = struct.unpack_from("<Q", data, at)
        yield event_pb2.Event.FromString(data[at + 12 : at + 12 + size])
        at += 16 + size


def points(directory):
    """The points that TensorBoard shows, by tag; a session's start takes some back."""
    found: dict[str, list[tuple[int, float]]] = {}
    for file in sorted(directory.glob("*tfevents*")):
        for event in records(file):
            if event.HasField("session_log"):
                for tag, pairs in found.items():
                    found[tag] = [pair for pair in pairs if pair[0] < event.step]
            for value in event.summary.value:
                pair = (event.step, value.simple_value)
                found.setdefault(value.tag, []).append(pair)
    return found


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    """The points of a run that was killed and resumed, and where they are."""
    pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
    directory = tmp_path_factory.mktemp("events")
    killed_and_resumed(directory / "run", lambda: TensorBoard(directory), 12)
    assert len(list(directory.glob("*tfevents*"))) == 2
    return points(directory), directory


def test_tensorboard_has_each_point_of_a_resumed_run_once(events, whole):
    result, _ = whole
    found, _ = events

    def expected(steps, values):
        return list(zip(map(int, steps), map(float, np.float32(values)), strict=True))

    losses, judged = result.history["loss"], result.evaluations
    means = losses.reshape(3, BATCHES).mean(axis=1)
    assert found["train/loss"] == expected(range(21), losses)
    assert found["train/lr"] == expected(range(21), result.history["lr"])
    for name in ("loss", "accuracy"):
        assert found[f"validation/{name}"] == expected(judged["step"], judged[name])
    assert found["epoch/loss"] == expected(judged["step"], means)


def test_tensorboard_reads_the_same(events):
    accumulators = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator",
        reason="tensorboard is not installed",
    )
    found, directory = events
    read = accumulators.EventAccumulator(str(directory)).Reload()
    assert set(read.Tags()["scalars"]) == set(found)
    for tag, pairs in found.items():
        assert [(x.step, x.value) for x in read.Scalars(tag)] == pairs


def test_tensorboard_goes_on_behind_a_state(events, tmp_path):
    first = run(epochs=2, callbacks=[TensorBoard(tmp_path)])
    run(state=first.state, callbacks=[TensorBoard(tmp_path)])
    assert points(tmp_path) == events[0]


def test_tensorboard_points_are_on_disk_at_once_and_vectors_have_one_each(tmp_path):
    pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
    board = TensorBoard(tmp_path, every=2)
    board.begin(RunInfo(0, 8))
    board.steps(1, {"loss": LOSSES[:4], "lr": np.array([[1, 2]] * 4)})
    assert points(tmp_path) == {
        "train/loss": [(2, 0.25), (4, 1.0)],
        "train/lr/0": [(2, 1.0), (4, 1.0)],
        "train/lr/1": [(2, 2.0), (4, 2.0)],
    }
    board.epoch(1, 5, {"confusion": np.ones((2, 2)), "loss": np.float32(0.5)})
    board.end()
    assert points(tmp_path)["validation/loss"] == [(5, 0.5)]
    assert not any("confusion" in tag for tag in points(tmp_path))


def test_tensorboard_gives_up_a_file_and_not_the_run(tmp_path, monkeypatch):
    tensorboardx = pytest.importorskip(
        "tensorboardX", reason="tensorboardX is not installed"
    )
    board = TensorBoard(tmp_path)
    board.begin(RunInfo(0, 4))

    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tensorboardx.RecordWriter, "write", full)
    with pytest.warns(RuntimeWarning, match="No space left on device; the run goes on"):
        board.steps(0, {"loss": LOSSES})
    board.steps(5, {"loss": LOSSES})
    board.end()


def test_plots_are_drawn_at_the_end_also_of_a_run_that_is_stopped(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    directory = tmp_path / "new"
    plots = Plots(directory, title="A run")
    stopping = EarlyStopping("loss", patience=1, min_delta=10.0)
    result = run(epochs=9, callbacks=[stopping, plots])
    assert len(result.history["loss"]) == 2 * BATCHES
    assert {path.name for path in directory.iterdir()} == {"history.png", "history.svg"}
    assert (directory / "history.png").read_bytes().startswith(b"\x89PNG")
    assert "</svg>" in (directory / "history.svg").read_text()


def test_plots_of_a_resumed_run_are_those_of_one_never_killed(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    run(callbacks=[Plots(tmp_path / "whole")])
    killed_and_resumed(tmp_path / "run", lambda: Plots(tmp_path / "parts"), 12)
    for name in ("history.png", "history.svg"):
        parts = (tmp_path / "parts" / name).read_bytes()
        assert parts == (tmp_path / "whole" / name).read_bytes()


def test_plots_that_cannot_be_written_at_the_end_do_not_end_the_run(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    plots = Plots(tmp_path / "plots")
    plots.begin(RunInfo(0, 5))
    plots.steps(0, {"loss": LOSSES})
    (tmp_path / "plots").rmdir()
    with pytest.warns(RuntimeWarning, match="Plots could not write to .*the run goes"):
        plots.end()
