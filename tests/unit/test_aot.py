# SPDX-License-Identifier: Apache-2.0
"""benchmarks/aot.py: what it checks, prints and returns."""

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "aot.py"


@pytest.fixture
def aot(monkeypatch):
    """The script as a module, which leaves the environment alone."""
    spec = importlib.util.spec_from_file_location("aot", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "aot", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ENVIRONMENT", {})
    return module


def run(aot, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["aot.py", *map(str, arguments)])
    return aot.main()


def good(aot, collectives=("all-reduce",)):
    return aot.Program(
        name="chunk",
        compile_seconds=1.0,
        dots=8,
        highest=8,
        float64=False,
        collectives=list(collectives),
        state_bytes=100,
        alias_bytes=128,
        argument_bytes=1000,
        temporary_bytes=0,
        flops=None,
    )


def present(aot, monkeypatch, *found):
    """Makes a compiler seem to be there that gives these programs."""
    target = replace(aot.TARGETS["tpu-v5e-2x2"], compiler="json")
    monkeypatch.setitem(aot.TARGETS, "tpu-v5e-2x2", target)
    monkeypatch.setattr(aot, "programs", lambda _: list(found))


def test_all_checks_passed(aot, monkeypatch, capsys, tmp_path):
    present(aot, monkeypatch, good(aot))
    file = tmp_path / "aot.json"
    arguments = ("--target", "tpu-v5e-2x2", "--json", "--output", file)
    assert run(aot, monkeypatch, *arguments) == 0
    report = json.loads(capsys.readouterr().out)
    assert report == json.loads(file.read_text())
    assert all(report["targets"]["tpu-v5e-2x2"]["chunk"]["checks"].values())


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"highest": 7}, "HIGHEST on every dot"),
        ({"dots": 0, "highest": 0}, "HIGHEST on every dot"),
        ({"float64": True}, "no float64"),
        ({"alias_bytes": 99}, "the state is donated"),
        ({"collectives": ["all-reduce"] * 2}, "one all-reduce per step"),
        ({"collectives": ["all-reduce", "all-gather"]}, "one all-reduce per step"),
        ({"collectives": []}, "one all-reduce per step"),
    ],
)
def test_a_check_that_fails_is_an_exit_code(aot, monkeypatch, capsys, change, check):
    present(aot, monkeypatch, good(aot), replace(good(aot), name="step", **change))
    assert run(aot, monkeypatch, "--target", "tpu-v5e-2x2") == 1
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if "✗" in line] == [
        line for line in out.splitlines() if line.startswith(check)
    ]


def test_one_device_talks_to_nobody(aot):
    assert not good(aot).checks(devices=1)["no communication"]
    assert good(aot, ()).checks(devices=1)["no communication"]


def test_a_compiler_that_is_missing_is_an_exit_code(aot, monkeypatch, capsys):
    target = replace(aot.TARGETS["cuda"], compiler="no_such_plugin.inside")
    monkeypatch.setitem(aot.TARGETS, "cuda", target)
    assert run(aot, monkeypatch, "--target", "cuda", "--json") == 2
    captured = capsys.readouterr()
    assert 'pip install "jax-cuda12-pjrt==' in captured.err
    assert "pip install" in json.loads(captured.out)["targets"]["cuda"]["missing"]


@pytest.mark.slow
@pytest.mark.parametrize("target", ["tpu-v5e", "tpu-v5e-2x2", "cuda", "cuda-x4"])
def test_accelerators_that_are_not_here(target):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--target", target],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 2:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
