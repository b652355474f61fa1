# SPDX-License-Identifier: Apache-2.0
"""``flaxnn bench`` as a shell sees it."""

import dataclasses
import json
from html import unescape
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flaxnn import bench
from flaxnn.cli._app import app


def run(*arguments):
    return CliRunner().invoke(app, ["bench", *map(str, arguments)])


@pytest.fixture
def without_torch(monkeypatch, tmp_path):
    """Makes workers find no PyTorch, whether or not it is installed."""
    hook = "import sys\nsys.modules['torch'] = None\n"
    (tmp_path / "sitecustomize.py").write_text(hook)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")


def test_without_pytorch_its_record_is_compared_with(tmp_path, without_torch):
    output = tmp_path / "out" / "bench.json"
    once = ["--repeats", "1", "--processes", "0", "--threads", "1"]
    arguments = ["output-layer", "--against", "torch", *once]
    done = run(*arguments, "--json", "--output", output)
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert result == json.loads(output.read_text())
    assert result["options"] == {
        "repeats": 1,
        "processes": 0,
        "threads": 1,
        "quick": False,
        "warm": True,
    }
    case = result["cases"]["output-layer"]
    assert case["missing"] == {"torch": "torch is not installed; pip install torch"}
    assert case["agreement"]["against"].startswith("PyTorch 2.13")
    assert case["ratios"]["torch"]["kind"] == "recorded reference"


def test_a_growth_has_a_line_for_each_size(monkeypatch):
    from flaxnn.bench import _growth

    (rows,) = (growth for growth in bench.GROWTHS if growth.name == "rows")
    small = dataclasses.replace(rows, sizes=(50,))
    monkeypatch.setattr(_growth, "GROWTHS", (small,))
    done = run("--growth", "rows", "--against", "scan", "--quick")
    assert done.exit_code == 0, done.output
    first_words = [line.split()[:1] for line in done.output.splitlines()]
    assert first_words.count(["50"]) == 1
    assert "lax.scan by hand" in done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["multinominal"], "did you mean 'multinomial'"),
        (["wine", "--against", "pytorch"], "did you mean 'torch'"),
        (["--growth", "bacth"], "did you mean 'batch'"),
        (["wine", "--growth", "batch"], "brings its own cases"),
        (["--data", "nowhere"], "nowhere is not a folder"),
        (["--threads", "0"], "Invalid value for '--threads'"),
    ],
)
def test_bad_arguments_are_explained(arguments, message):
    done = run(*arguments)
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())


def test_too_many_threads_are_refused():
    done = run("wine", "--threads", "100000")
    assert done.exit_code == 2
    assert "threads must be at most" in done.output


def test_the_list_names_every_case_size_and_side():
    listed = json.loads(run("--list", "--json").stdout)
    assert list(listed["cases"]) == [case.name for case in bench.CASES]
    assert list(listed["growth"]) == ["batch", "width", "rows", "runs"]
    assert list(listed["sides"]) == [side.name for side in bench.SIDES]
    shown = run("--list").output
    assert all(name in shown for names in listed.values() for name in names)


def test_the_page_is_written(tmp_path, monkeypatch):
    results = Path(__file__).parents[3] / "benchmarks" / "results" / "speed.json"
    result = json.loads(results.read_text(encoding="utf-8"))
    monkeypatch.setattr("flaxnn.bench.measure", lambda *cases, **options: result)
    file = tmp_path / "out.html"
    done = run("output-layer", "--report", file)
    assert done.exit_code == 0, done.output
    html = file.read_text(encoding="utf-8")
    assert "<h1>flaxnn bench</h1>" in html
    assert result["cases"]["wine"]["title"] in unescape(html)


def test_a_bad_path_is_an_error_before_any_run(tmp_path, monkeypatch):
    def measure(*arguments, **options):
        pytest.fail("a case was measured")

    monkeypatch.setattr("flaxnn.bench.measure", measure)
    done = run("wine", "--report", tmp_path / "out.pdf")
    assert done.exit_code == 2
    assert "--report" in done.output
