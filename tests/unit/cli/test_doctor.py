# SPDX-License-Identifier: Apache-2.0
"""``flaxnn doctor`` as a shell sees it."""

import json

import pytest
from typer.testing import CliRunner

from flaxnn import _diagnosis
from flaxnn.cli._app import app


def doctor(*arguments):
    return CliRunner().invoke(app, ["doctor", *arguments])


@pytest.fixture
def on_cpu(monkeypatch, tmp_path):
    for name in _diagnosis._host.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return monkeypatch


@pytest.fixture
def bare(on_cpu):
    """The machine without what else the system shows of it."""
    real = _diagnosis._host.host
    nothing = {"accelerators": {}, "gpus": [], "available_memory": 1 << 40}
    on_cpu.setattr(
        _diagnosis._facts,
        "host",
        lambda: real() | nothing | {"cores": {"machine": 1, "allowed": 1}},
    )
    return on_cpu


def test_a_cpu_is_fine(bare):
    result = doctor()
    assert result.exit_code == 0, result.output
    assert "flaxnn's layers float32, else float32" in result.output
    assert "FLAXNN_COMPILATION_CACHE=1 keeps them on disk" in result.output
    assert "nothing is in the way of a run" in result.output


def test_what_is_in_the_way_is_an_exit_code(bare):
    bare.setenv("JAX_ENABLE_X64", "1")
    bare.setenv("FLAXNN_COMPILATION_CACHE", "1")
    result = doctor("--json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert not report["ok"]
    (finding,) = [one for one in report["findings"] if one["level"] != "note"]
    assert "float64" in finding["what"]
    assert "JAX_ENABLE_X64" in finding["do"]
    assert report["jax"]["environment"]["x64"]
    assert report["jax"]["cache"]["works"]
    assert report["cache"]["entries"] == 0


def test_no_backend_is_a_report_and_no_traceback(bare):
    bare.setenv("JAX_PLATFORMS", "nonsense[red]")
    result = doctor()
    assert result.exit_code == 1
    assert "JAX does not start" in result.output
    assert "unset JAX_PLATFORMS, which is nonsense[red]" in result.output
    assert "1 thing is in the way" in result.output


def test_a_gpu_that_is_not_used_is_an_exit_code(bare):
    real = _diagnosis._facts.host
    gpu = {"name": "H100 [80 GB]", "memory": 80 << 30, "free": None, "driver": "570"}
    bare.setattr(_diagnosis._facts, "host", lambda: real() | {"gpus": [gpu]})
    result = doctor()
    assert result.exit_code == 1
    assert "JAX_PLATFORMS=cpu keeps JAX on the CPU" in result.output
    assert "H100 [80 GB], unknown of 80.0 GiB free" in result.output
