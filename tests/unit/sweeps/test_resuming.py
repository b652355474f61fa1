# SPDX-License-Identifier: Apache-2.0
"""A sweep with a directory goes on where it was killed, bit for bit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import flaxnn
from flaxnn import optim
from flaxnn.training import CheckpointError, CheckpointWarning
from tests.unit.sweeps.runs import arrays, assert_equal_sweeps, net, options

ROOT = Path(__file__).resolve().parents[3]

SCRIPT = """
import os, signal, sys
import flaxnn
from flaxnn.sweeps import _directory
from tests.unit.sweeps.runs import arrays, net, options

write, written = _directory.GroupFiles.save, []

def save(*args):
    write(*args)
    written.append(args[1])
    if len(written) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

_directory.GroupFiles.save = save
settings = options(lanes_at_once=2, save_every=1)
flaxnn.sweep(net, arrays(), **settings, directory=sys.argv[1])
"""


def run(directory, **changes):
    settings = options(lanes_at_once=2) | {"save_every": 1} | changes
    return flaxnn.sweep(net, arrays(), **settings, directory=directory)


@pytest.fixture(scope="module")
def whole():
    return flaxnn.sweep(net, arrays(), **options(lanes_at_once=2))


def damage(file):
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def test_a_killed_sweep_goes_on_bit_for_bit(tmp_path, whole):
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
        capture_output=True,
        timeout=120,
    )
    assert found.returncode == -signal.SIGKILL, found.stderr.decode()
    assert sorted(f.name for f in tmp_path.glob("*/segment-*.json")) == [
        "segment-00001.json",
        "segment-00002.json",
    ]
    resumed = run(tmp_path)
    assert_equal_sweeps(resumed, whole)
    # All is done: nothing runs any more, and states but the last two are gone.
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.*")}
    assert_equal_sweeps(run(tmp_path, lanes_at_once=None), whole)
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.*")} == before
    assert len(list(tmp_path.glob("group-0000/states-*"))) == 2

    # A truncated file leaves the segment before it.
    damage(tmp_path / "group-0001" / "states-00003.safetensors")
    with pytest.warns(CheckpointWarning, match=r"states-00003.*goes on from segment 2"):
        assert_equal_sweeps(run(tmp_path), whole)
    damage(tmp_path / "group-0000" / "history-00001.safetensors")
    with pytest.warns(CheckpointWarning, match=r"history-00001.*from the beginning"):
        assert_equal_sweeps(run(tmp_path), whole)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"lr": [0.05, 0.3]}, r"the settings differ: lr was \[0.05, 0.05, 0.2, 0.2\]"),
        ({"seeds": (3, 9)}, r"seeds was \[3, 8, 3, 8\] and is \[3, 9, 3, 9\]"),
        ({"epochs": 4}, "epochs was 3 and is 4"),
        ({"optimizer": optim.rmsprop}, "model and optimiser differ"),
        ({"batch_size": 10}, "the loader's batch_size was 5 and is 10"),
        ({"lanes_at_once": 4}, "has 2 lanes at once, and now 4"),
    ],
    ids=["lr", "seeds", "epochs", "optimizer", "batch_size", "lanes_at_once"],
)
def test_another_sweep_is_refused(tmp_path, monkeypatch, changes, told):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("flaxnn.sweeps._runner.Runner.run", stop)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    with pytest.raises(CheckpointError, match=told):
        run(tmp_path, **changes)


def test_other_data_are_refused(tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("flaxnn.sweeps._runner.Runner.run", stop)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    x, y = arrays()
    x[3, 0] += 1
    with pytest.raises(CheckpointError, match="array 0 holds other values"):
        flaxnn.sweep(net, (x, y), **options(), directory=tmp_path, save_every=1)


def test_a_directory_of_something_else_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(CheckpointError, match=r"no sweep, such as notes\.txt"):
        run(tmp_path)
    (tmp_path / "notes.txt").unlink()
    (tmp_path / "sweep.json").write_text(json.dumps({"format": 1})[:-1])
    with pytest.raises(CheckpointError, match=r"sweep\.json is damaged"):
        run(tmp_path)


def test_other_weights_are_refused(tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("flaxnn.sweeps._runner.Runner.run", stop)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)

    def net2(*, rngs):
        rngs.rand(1)
        return net(rngs=rngs)

    net2.__qualname__, net2.__module__ = net.__qualname__, net.__module__
    with pytest.raises(CheckpointError, match="initial weights was"):
        flaxnn.sweep(net2, arrays(), **options(), directory=tmp_path, save_every=1)


def test_histories_and_evaluations_are_on_disk(tmp_path):
    settings = {"lanes_at_once": None, "seeds": (3,), "validation": arrays()}
    first = run(tmp_path, **settings)
    again = run(tmp_path, **settings)
    assert_equal_sweeps(again, first)
    assert again.evaluations["step"].tolist() == [4, 8, 12]
    np.testing.assert_array_equal(
        again.run(1).evaluations["loss"], first.evaluations["loss"][:, 1]
    )
