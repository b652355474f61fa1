# SPDX-License-Identifier: Apache-2.0
"""Hostile files are refused, and what watches over them sees code that runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flaxnn import interop
from tests.unit.interop.attacks import ATTACKS, SOUND, Attack
from tests.unit.interop.code_attacks import LIVE

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "benchmarks" / "hostile_files.py"
# Python's own unpickler in place of ours.
CONTROL = """
import json, os, pickle, sys
from pathlib import Path
from benchmarks.hostile_files import watch
from flaxnn import interop
from tests.unit.interop.code_attacks import LIVE

interop.load = lambda path: pickle.loads(path.read_bytes())
seen = {}
for name, code in LIVE.items():
    Path("a").write_bytes(b"\\x80\\4" + code + b".")
    seen[name] = watch(Path("a"))["code"], Path("ran").is_dir()
    Path("ran").rmdir()
print(json.dumps(seen))
"""


def _write(attack: Attack, folder: Path) -> Path:
    files = attack.files()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder / next(iter(files))


@pytest.mark.parametrize("name", ATTACKS)
def test_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _write(ATTACKS[name], tmp_path)
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules), sorted(tmp_path.iterdir())
    with pytest.raises(interop.FileFormatError, match=ATTACKS[name].match):
        interop.load(path)
    assert before == (set(sys.modules), sorted(tmp_path.iterdir()))


@pytest.mark.parametrize("name", SOUND)
def test_what_is_much_like_them_loads(name: str, tmp_path: Path) -> None:
    interop.load(_write(SOUND[name], tmp_path))


def test_every_family_has_a_sound_file() -> None:
    assert {attack.family for attack in ATTACKS.values()} == {
        sound.family for sound in SOUND.values()
    }
    assert len(ATTACKS) >= 40


def test_each_attack_on_code_runs_in_pythons_unpickler(tmp_path: Path) -> None:
    """And the benchmark sees it: what it counts as no code run is none."""
    run = subprocess.run(
        [sys.executable, "-c", CONTROL],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    seen = json.loads(run.stdout.splitlines()[-1])
    assert seen.keys() == LIVE.keys()
    for name, (events, ran) in seen.items():
        assert ran, name
        assert "left something behind" in events, name
        assert len(events) > 1, name


def test_the_benchmark(tmp_path: Path) -> None:
    names = ["getattr chain", "ten million opcodes", "memo of text made again"]
    output = tmp_path / "report.json"
    command = [sys.executable, str(SCRIPT), "--json", "--output", str(output)]
    run = subprocess.run(
        [*command, "--attack", *names], capture_output=True, text=True, check=False
    )
    report = json.loads(run.stdout)
    assert json.loads(output.read_text()) == report
    assert (report["attacks"], report["refused"], report["ran code"]) == (3, 3, 0)
    assert (report["sound files"], report["loaded"]) == (3, 3)
    # Of memory it takes what the budget allows, and not more.
    assert 20 < report["files"]["attacks"][names[2]]["mebibytes"] < 64
    assert run.returncode == (0 if report["passed"] else 1)
