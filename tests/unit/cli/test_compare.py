# SPDX-License-Identifier: Apache-2.0
"""`flaxnn compare`: what it prints, and its exit codes."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from flaxnn import parity
from flaxnn.cli._app import app

PORT = """
import numpy as np
from flaxnn import nn, optim
from flaxnn.random import Generator

def build(lr):
    return {
        "model": nn.Sequential(nn.Linear(3, 2, rngs=Generator(0))),
        "data": (np.eye(3, dtype=np.float32), np.array([0, 1, 1])),
        "loss": nn.CrossEntropyLoss(),
        "optimizer": optim.sgd(lr=lr),
    }

def port():
    return build(0.1)

def faster():
    return build(0.2)

def nothing():
    return 3
"""


def run(*arguments: Any) -> tuple[int, str, str]:
    """Runs the command in this process."""
    out, errors = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(errors),
        pytest.raises(SystemExit) as ended,
    ):
        app(["compare", *map(str, arguments)])
    assert isinstance(ended.value.code, int)
    return ended.value.code, out.getvalue(), errors.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A port's file, and the traces of two of its functions."""
    folder = tmp_path_factory.mktemp("ports")
    (folder / "port.py").write_text(PORT)
    namespace: dict[str, Any] = {}
    exec(PORT, namespace)
    for name, lr in (("run", 0.1), ("other", 0.2)):
        parity.record(**namespace["build"](lr), steps=2, path=folder / f"{name}.trace")
    return folder


def test_a_port_that_agrees(folder: Path) -> None:
    code, out, _ = run(folder / "run.trace", folder / "port.py")
    assert code == 0
    assert out.startswith("no difference beyond rounding")


def test_a_port_that_does_not(folder: Path) -> None:
    code, out, _ = run(folder / "run.trace", f"{folder / 'port.py'}:faster")
    assert code == 1
    assert "first difference: step 0, optimizer" in out
    assert "likely cause: learning rate" in out


def test_json(folder: Path) -> None:
    code, out, _ = run(folder / "run.trace", f"{folder / 'port.py'}:faster", "--json")
    assert code == 1
    report = json.loads(out)
    assert report["diverges"] is True
    assert report["findings"][0]["cause"]["name"] == "learning rate"


def test_two_traces(folder: Path) -> None:
    assert run(folder / "run.trace", folder / "run.trace", "--exact")[0] == 0
    code, out, _ = run(folder / "run.trace", folder / "other.trace")
    assert code == 1
    assert "optimizer: lr is off by 0.1" in out


@pytest.mark.parametrize(
    ("trace", "other", "message"),
    [
        ("none.trace", "port.py", "there is no"),
        ("run.trace", "none.py", "give a Python file"),
        ("run.trace", "port.py:unknown", "has no function unknown"),
        ("run.trace", "port.py:nothing", "must return a dictionary"),
        ("run.trace", "bad.py", "ended with ZeroDivisionError"),
        ("port.py", "port.py", "is no trace"),
    ],
)
def test_what_cannot_be_read(
    folder: Path, trace: str, other: str, message: str
) -> None:
    (folder / "bad.py").write_text("1 / 0")
    code, out, errors = run(folder / trace, folder / other)
    assert code == 2
    assert out == ""
    assert errors.startswith("Error: ")
    assert message in errors
    code, out, _ = run(folder / trace, folder / other, "--json")
    assert code == 2
    assert message in json.loads(out)["error"]
