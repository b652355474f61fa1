# SPDX-License-Identifier: Apache-2.0
"""benchmarks/certify_all.py, from recorded references."""

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from flaxnn import optim

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "certify_all.py"


@pytest.fixture
def script(monkeypatch):
    """The script's module, and a function that calls it with arguments."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    spec = importlib.util.spec_from_file_location("certify_all", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def main(*arguments):
        monkeypatch.setattr(sys, "argv", ["certify_all.py", *map(str, arguments)])
        return module.main()

    return module, main


def test_recorded_runs_and_printed_figures_pass(script, tmp_path, capsys):
    _, main = script
    entries = ("--entry", "output-layer", "--entry", "batched-softmax")
    assert main(*entries, "--recorded", "--json", "--output", tmp_path) == 0
    found = json.loads((tmp_path / "certificates.json").read_text())
    assert json.loads(capsys.readouterr().out) == found
    softmax, layer = found["certificates"]
    assert (softmax["name"], layer["name"]) == ("batched-softmax", "output-layer")
    assert softmax["verdict"] == layer["verdict"] == "PASS"
    assert {check["grade"] for check in softmax["checks"]} == {"T1"}
    assert {check["grade"] for check in layer["checks"]} == {"T0", "T1", "T2"}
    assert found["passed"] == 2
    page = (tmp_path / "certificates.html").read_text()
    assert "2 of 2 certificates pass" in page


def test_adams_epsilon_ten_times_too_large_fails(script, monkeypatch, capsys):
    module, main = script
    (right,) = (run for run in module.RUNS if run.name == "output-layer")
    wrong = replace(
        right,
        arguments=lambda data: (
            right.arguments(data) | {"optimizer": optim.adam(lr=0.01, eps=1e-7)}
        ),
    )
    monkeypatch.setattr(module, "RUNS", (wrong,))
    assert main("--entry", "output-layer", "--recorded") == 1
    said = capsys.readouterr().out
    assert said.startswith("FAIL  output-layer: ")
    failed = [line for line in said.splitlines() if line.startswith("  ✗ T1")]
    assert [line.split()[2] for line in failed] == ["losses", "fc.weight", "fc.bias"]
    assert "0 of 1 certificates PASS" in said


def test_what_is_missing_is_skipped(script, tmp_path, capsys):
    _, main = script
    entry = ("--entry", "fashion-mnist-adam", "--recorded")
    assert main(*entry, "--data", tmp_path) == 0
    assert "fashion-mnist-adam: skipped" in capsys.readouterr().out
    assert main(*entry, "--data", tmp_path, "--strict") == 2


def test_every_document_has_a_certificate(script):
    module, _ = script
    documents = {entry.document for entry in module.COMPUTED}
    documents |= {run.document for run in module.RUNS}
    assert documents == {"000", "001", "002", "003", "004"}
    from flaxnn.reproduce import ENTRIES

    certified = {each.name for each in (*module.COMPUTED, *module.RUNS)}
    assert {entry.name for entry in ENTRIES} - certified == {"fashion-mnist"}
