# SPDX-License-Identifier: Apache-2.0
"""Files that are changed at random are read or refused; with atheris, guided."""

from __future__ import annotations

import importlib.util
import json
import pickletools
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.interop import crafted, mutators, pickle_mutator
from tests.unit.interop.fuzz_targets import FILES, TARGETS, Target

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "fuzz_files.py"


@pytest.mark.parametrize("name", TARGETS)
def test_changed_files(name: str, tmp_path: Path) -> None:
    """Each is a change or two from a seed; `load` raises for any wrong error."""
    target = Target(name, tmp_path)
    seeds = [seed for seed in target.seeds() if target.load(seed) is not None]
    rng = random.Random(0)
    loaded = refused = 0
    for _ in range(400):
        data = rng.choice(seeds)
        for _ in range(rng.choice((1, 2))):
            data = target.mutate(data, rng)
        if target.load(data) is None:
            refused += 1
        else:
            loaded += 1
    # Neither is all that is met: the changes are near to what is sound.
    assert loaded > 10
    assert refused > 100


def test_an_archive_comes_back_as_it_was_taken_apart(tmp_path: Path) -> None:
    entries = mutators.unpack(crafted.GOOD)
    assert [entry.name for entry in entries] == [b"archive/data.pkl", b"archive/data/0"]
    again = mutators.pack(entries)
    assert mutators.unpack(again) == entries
    assert Target("archive", tmp_path).load(again) is not None


@pytest.mark.parametrize("name", ["zip.pt", "zip_protocol4.pt"])
def test_a_pickle_is_split_at_its_opcodes(name: str) -> None:
    (code,) = (
        entry.data
        for entry in mutators.unpack((FILES / name).read_bytes())
        if entry.name.endswith(b"/data.pkl")
    )
    starts = [position for _, _, position in pickletools.genops(code)]
    ends = [*starts[1:], len(code)]
    expected = [code[a:b] for a, b in zip(starts, ends, strict=True)]
    assert pickle_mutator.split(code) == expected


@pytest.mark.slow
def test_a_short_run_of_the_fuzzer(tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed")
    output = tmp_path / "report.json"
    command = [sys.executable, str(SCRIPT), "--executions", "6000", "--seed", "7"]
    command += ["--findings", str(tmp_path / "findings"), "--output", str(output)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    report = json.loads(output.read_text())
    assert report["executions"] == 6000
    assert report["findings"] == []
    assert all(row["loaded"] for row in report["targets"].values())
    assert report["lines"]["reached"] > 0.8 * report["lines"]["lines"]
    assert not (tmp_path / "findings").exists()


def test_without_atheris_it_is_named() -> None:
    code = (
        "import sys, runpy\n"
        "sys.modules['atheris'] = None\n"
        f"sys.argv = [{str(SCRIPT)!r}]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert run.returncode == 2
    assert "pip install atheris" in run.stderr
