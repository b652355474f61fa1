# SPDX-License-Identifier: Apache-2.0
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
END = "<!-- benchmarks/speed.py wrote what precedes -->"
GUIDE = ROOT / "docs" / "guide" / "benchmarks.md"
README = ROOT / "benchmarks" / "README.md"


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


def test_a_page_its_picture_the_targets_and_the_record_are_written(tmp_path):
    result = json.loads(RESULTS.read_text())
    page, notes = tmp_path / "page.md", tmp_path / "notes.md"
    page.write_text(f"# A page\n\n{MARK}\n\nold tables\n")
    notes.write_text(f"# Notes\n\n{MARK}\nold\n{END}\nmore\n")
    record = tmp_path / "record.json"
    done = speed(
        *(RESULTS, "--page", page, "--summary", notes),
        *("--reference", record, "--record-reference"),
    )
    assert done.returncode == 0, done.stderr
    assert "flaxnn.fit" in done.stdout
    assert page.read_text() == f"# A page\n\n{MARK}\n\n{bench.markdown(result)}"
    assert page.with_suffix(".svg").read_text() == bench.chart(result)
    table = bench.targets(result)
    assert notes.read_text() == f"# Notes\n\n{MARK}\n\n{table}\n{END}\nmore\n"
    assert bench.read_reference(record) == bench.reference_of(result)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "FILE"),
        (["nowhere.json"], "nowhere.json"),
        ([ROOT / "flaxnn/reproduce/figures.json"], "holds no result"),
        ([RESULTS, "--page", ROOT / "CHANGELOG.md"], "has no line"),
    ],
)
def test_bad_arguments_are_explained(arguments, message):
    done = speed(*arguments)
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_the_guide_and_the_readme_show_the_committed_results():
    result = json.loads(RESULTS.read_text())
    assert not result["options"]["quick"]
    assert GUIDE.read_text().endswith(f"{MARK}\n\n{bench.markdown(result)}")
    picture = GUIDE.with_suffix(".svg")
    assert picture.read_text() == bench.chart(result)
    assert f"{MARK}\n\n{bench.targets(result)}\n{END}" in README.read_text()


def test_the_committed_results_are_of_whole_cases():
    result = json.loads(RESULTS.read_text())
    known = {case.name: case for case in bench.CASES}
    assert {"multinomial", "fashion-mnist-epoch-64"} <= set(result["cases"])
    for name, figures in result["cases"].items():
        sides = set(figures["sides"])
        assert {"flaxnn", "scan", "torch"} <= sides <= set(known[name].sides)
        assert figures["missing"] == {}


def test_the_committed_reference_serves_the_documents():
    from flaxnn.bench._problem import prepare

    reference = bench.read_reference()
    assert reference is not None
    assert reference["machine"]["versions"]["torch"].startswith("2.13")
    names = [case.name for case in bench.CASES]
    assert [name for name in names if name in reference["cases"]] == list(
        reference["cases"]
    )
    for name in ("output-layer", "univariate", "multinomial", "wine"):
        (case,) = bench.find([name])
        problem = prepare(case, None, quick=False)
        assert reference["cases"][name]["problem"] == problem.description()
