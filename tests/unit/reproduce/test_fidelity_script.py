# SPDX-License-Identifier: Apache-2.0
"""benchmarks/fidelity.py: what it prints, writes and returns."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from flaxnn import functional

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "fidelity.py"


@pytest.fixture
def fidelity(monkeypatch):
    """The script as a function of its arguments."""
    spec = importlib.util.spec_from_file_location("fidelity", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def main(*arguments):
        monkeypatch.setattr(sys, "argv", ["fidelity.py", *map(str, arguments)])
        return module.main()

    return main


def test_grades_and_totals_are_printed(fidelity, capsys):
    assert fidelity("neuron", "batched-softmax") == 0
    said = capsys.readouterr().out
    assert "document 002" in said
    assert "neuron" in said
    assert "totals" in said
    assert "processor" in said


def test_json_on_standard_output_is_what_the_file_holds(fidelity, capsys, tmp_path):
    path = tmp_path / "fidelity.json"
    assert fidelity("batched-softmax", "--json", "--output", path) == 0
    found = json.loads(path.read_text())
    assert json.loads(capsys.readouterr().out) == found
    assert {row["grade"] for row in found["grades"]} == {"T1"}
    (total,) = found["totals"]
    assert total["document"] == "003"
    assert total["numbers"] == sum(row["numbers"] for row in found["grades"]) == 43
    assert {"processor", "cores", "jax", "reference"} <= found["environment"].keys()


def test_what_is_off_and_what_is_skipped_are_exit_statuses(
    fidelity, tmp_path, monkeypatch, capsys
):
    missing = ("fashion-mnist", "--data", tmp_path)
    assert fidelity(*missing) == 0
    assert fidelity(*missing, "--strict") == 2
    assert "fashion-mnist: skipped" in capsys.readouterr().out
    right = functional.sigmoid
    monkeypatch.setattr(functional, "sigmoid", lambda x: right(x) + 1e-3)
    assert fidelity("neuron", *missing, "--strict") == 1
    assert "✗" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("multinominal",), "did you mean 'multinomial'"),
        (("neuron", "--data", "nowhere"), "nowhere is not a folder"),
        (("neuron", "--output", "nowhere/file"), "nowhere is not a folder"),
    ],
)
def test_bad_arguments_are_explained(fidelity, capsys, arguments, message):
    with pytest.raises(SystemExit) as caught:
        fidelity(*arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_the_committed_results_are_of_a_whole_run():
    found = json.loads((SCRIPT.parent / "results" / "fidelity.json").read_text())
    assert {entry["status"] for entry in found["entries"]} == {"passed"}
    assert len(found["entries"]) == 13
    assert {row["grade"] for row in found["grades"]} == {
        "T0",
        "T1",
        "T2",
        "T3",
        "printed",
    }
