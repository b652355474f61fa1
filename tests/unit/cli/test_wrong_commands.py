# SPDX-License-Identifier: Apache-2.0
"""Wrong command lines of benchmarks/wrong_commands.py, in this process."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import pytest

from benchmarks.wrong_command_cases import CASES, Case
from benchmarks.wrong_commands import judge, prepare
from flaxnn.cli._app import app

ROOT = Path(__file__).parents[3]
# What is decided without a run, and without a process of its own.
SAMPLE = [
    case
    for group, count in {
        "flaxnn": None,
        "reproduce": -3,
        "bench": None,
        "convert": -2,
        "data": 2,
        "sweep": 24,
    }.items()
    for case in CASES[group][:count]
    if case.file_limit is None and not case.without
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the command lines name."""
    folder = tmp_path_factory.mktemp("wrong")
    prepare(folder)
    return folder


@pytest.mark.parametrize("case", SAMPLE, ids=lambda case: case.line)
def test_a_wrong_command_line(
    case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    before = sorted(folder.rglob("*"))
    out, errors = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(errors),
        pytest.raises(SystemExit) as ended,
    ):
        app(case.arguments)
    assert isinstance(ended.value.code, int)
    assert judge(case, ended.value.code, out.getvalue(), errors.getvalue()) == []
    assert sorted(folder.rglob("*")) == before


def test_the_committed_result_is_of_these_and_none_fails() -> None:
    path = ROOT / "benchmarks" / "results" / "wrong_commands.json"
    result = json.loads(path.read_text(encoding="utf-8"))
    assert result["failed"] == 0
    assert [*result["groups"]] == [*CASES]
    for name, ran in result["groups"].items():
        expected = [f"flaxnn {case.line}" for case in CASES[name]]
        assert [one["command"] for one in ran] == expected
        assert not any(one["faults"] for one in ran)
    assert result["commands"] == sum(map(len, CASES.values()))


@pytest.mark.parametrize(
    ("code", "out", "errors", "fault"),
    [
        (1, "", "Error: bad x\n", "exit code 1, expected 2"),
        (2, "", "Error: bad y\n", "'x' is not said"),
        (2, "", "bad x\n", "0 messages, expected one"),
        (2, "", "Error: x\nError: x\n", "2 messages, expected one"),
        (2, "rows", "Error: bad x\n", "something on standard output"),
        (2, "", "Error: x\nTraceback (most recent call last)", "a stack trace"),
    ],
)
def test_the_judge(code: int, out: str, errors: str, fault: str) -> None:
    assert judge(Case("", "data where x", ("x",)), code, out, errors) == [fault]
    assert judge(Case("", "data where x", ("x",)), 2, "", "Error: x\n") == []


@pytest.mark.parametrize(
    ("out", "fault"),
    [
        ("", "no JSON on standard output"),
        ('{"error": "x", "exit_code": 1}', "another exit code in the JSON"),
        ('{"error": "y", "exit_code": 2}', "'x' is not in the JSON"),
    ],
)
def test_the_judge_of_json(out: str, fault: str) -> None:
    case = Case("", "data where x --json", ("x",))
    assert judge(case, 2, out, "Error: x\n") == [fault]
