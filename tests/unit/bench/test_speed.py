"""benchmarks/speed.py as a shell sees it, and what is committed beside it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flaxnn import bench

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "benchmarks" / "speed.py"
RESULTS = ROOT / "benchmarks" / "results" / "speed.json"
MARK = "<!-- benchmarks/speed.py writes what follows -->"
GUIDE = ROOT / "docs" / "guide" / "benchmarks.md"


def speed(*arguments):
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    return subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


def test_a_quick_run_prints_one_json_object(tmp_path, without_torch):
    output, page = tmp_path / "out" / "speed.json", tmp_path / "page.md"
    page.write_text(f"# A page\n\n{MARK}\n\nold tables\n")
    arguments = ["--side", "flaxnn", "--side", "torch", "--threads", "1", "--json"]
    files = ["--output", output, "--page", page]
    done = speed("--quick", "--case", "univariate", *arguments, *files)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result == json.loads(output.read_text())
    assert result["options"]["threads"] == 1
    case = result["cases"]["univariate"]
    assert case["missing"] == {"torch": "torch is not installed"}
    assert case["sides"]["flaxnn"]["compile_s"]["median"] > 0
    assert page.read_text() == f"# A page\n\n{MARK}\n\n{bench.markdown(result)}"
    assert page.with_suffix(".svg").read_text() == bench.chart(result)
    shown = speed("--show", output)
    assert "flaxnn.fit" in shown.stdout
    assert "a quick run" in shown.stdout


def test_without_pytorch_its_committed_record_is_compared_with(without_torch):
    once = ["--repeats", "1", "--processes", "1", "--json"]
    sides = ["--side", "flaxnn", "--side", "torch"]
    done = speed("--case", "output-layer", *sides, *once)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    case = result["cases"]["output-layer"]
    assert case["missing"] == {"torch": "torch is not installed"}
    assert case["agreement"]["against"].startswith("PyTorch 2.13")
    assert case["ratios"]["torch"]["kind"] == "recorded reference"
    assert result["reference"]["machine"]["processor"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--case", "multinominal"], "did you mean 'multinomial'"),
        (["--case", "wine", "--side", "pytorch"], "did you mean 'torch'"),
        (["--data", "nowhere"], "nowhere is not a folder"),
        (["--threads", "0", "--case", "wine"], "threads must be at least 1"),
        (["--show", "nowhere.json"], "nowhere.json"),
        (["--show", ROOT / "flaxnn/reproduce/figures.json"], "holds no result"),
    ],
)
def test_bad_arguments_are_explained(arguments, message):
    done = speed(*arguments)
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_the_guide_shows_the_committed_results():
    result = json.loads(RESULTS.read_text())
    assert not result["options"]["quick"]
    assert GUIDE.read_text().endswith(f"{MARK}\n\n{bench.markdown(result)}")
    picture = GUIDE.with_suffix(".svg")
    assert picture.read_text() == bench.chart(result)


def test_the_committed_results_are_of_every_case_and_side():
    result = json.loads(RESULTS.read_text())
    assert list(result["cases"]) == [case.name for case in bench.CASES]
    for case in bench.CASES:
        assert list(result["cases"][case.name]["sides"]) == list(case.sides)
        assert result["cases"][case.name]["missing"] == {}


def test_the_committed_reference_serves_every_case():
    from flaxnn.bench._problem import prepare

    reference = bench.read_reference(ROOT / "benchmarks/reference/torch-2.13.json")
    assert reference is not None
    assert reference["machine"]["versions"]["torch"].startswith("2.13")
    assert list(reference["cases"]) == [case.name for case in bench.CASES]
    for name in ("output-layer", "univariate", "multinomial", "wine"):
        (case,) = bench.find([name])
        problem = prepare(case, None, quick=False)
        assert reference["cases"][name]["problem"] == problem.description()
