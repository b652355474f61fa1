# SPDX-License-Identifier: Apache-2.0
"""What the notebooks' first cell installs, on which machine."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

WHEEL = "https://example.org/flaxnn-0.1.0-py3-none-any.whl"
GPU = ["/dev/nvidia0", "/dev/nvidiactl"]
TPU = ["/dev/vfio/0"]


class Machine:
    """A machine that the cell believes to run on, and what pip is asked for there."""

    def __init__(self, source: str, patch: pytest.MonkeyPatch):
        self.source, self.patch = source, patch
        self.devices: list[str] = []
        self.packages: dict[str, str] = {}
        self.commands: list[list[str]] = []
        patch.delenv("TPU_ACCELERATOR_TYPE", raising=False)
        patch.setattr(importlib.metadata, "version", self._version)
        patch.setattr(
            Path, "glob", lambda *where: self._devices("/".join(map(str, where)))
        )
        patch.setattr(subprocess, "run", self._run)

    def _version(self, package: str) -> str:
        if package not in self.packages:
            raise importlib.metadata.PackageNotFoundError(package)
        return self.packages[package]

    def _devices(self, pattern: str) -> list[str]:
        return [device for device in self.devices if fnmatch(device, pattern)]

    def _run(self, command: list[str], *, check: bool) -> None:
        assert check
        self.commands.append(command)

    def run_cell(self, flaxnn: str = "") -> None:
        """Runs the cell with its one variable set."""
        source, count = re.subn(
            '^FLAXNN = ""', f"FLAXNN = {flaxnn!r}", self.source, flags=re.MULTILINE
        )
        assert count == 1
        exec(compile(source, "first_cell.py", "exec"), {"__name__": "__main__"})

    def installs(self, flaxnn: str = WHEEL) -> list[str]:
        """What pip is asked for where flaxnn is missing."""
        self.patch.setattr(importlib.util, "find_spec", lambda name: None)
        # The tests have JAX loaded, so the cell asks for a restart in the end.
        with pytest.raises(RuntimeError, match="restart the session"):
            self.run_cell(flaxnn)
        (command,) = self.commands
        assert command[:5] == [sys.executable, "-m", "pip", "install", "--quiet"]
        return command[5:]


@pytest.fixture
def machine(examples: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    source = (examples / "source" / "first_cell.py").read_text("utf-8")
    return Machine(source, monkeypatch)


# Colab's own versions, in August 2026: JAX 0.7.2, its plugin on GPUs, libtpu on TPUs.
@pytest.mark.parametrize(
    ("devices", "packages", "jax"),
    [
        ([], {"jax": "0.7.2"}, "jax[cpu]>=0.10"),
        ([], {}, "jax[cpu]>=0.10"),
        (GPU, {"jax": "0.7.2", "jax-cuda12-plugin": "0.7.2"}, "jax[cuda12]>=0.10"),
        (GPU, {"jax": "0.9.1", "jax-cuda13-plugin": "0.9.1"}, "jax[cuda13]>=0.10"),
        (GPU, {}, "jax[cuda12]>=0.10"),
        (TPU, {"jax": "0.7.2", "libtpu": "0.0.21.1"}, "jax[tpu]>=0.10"),
        (["/dev/accel0"], {"jax": "0.7.2"}, "jax[tpu]>=0.10"),
        ([], {"jax": "0.7.2", "libtpu": "0.0.21.1"}, "jax[tpu]>=0.10"),
    ],
)
def test_an_old_jax_comes_with_what_its_accelerator_needs(
    machine: Machine, devices: list[str], packages: dict[str, str], jax: str
) -> None:
    machine.devices, machine.packages = devices, packages
    assert machine.installs() == [f"flaxnn[data,plots] @ {WHEEL}", jax]


def test_a_tpu_is_found_by_its_environment_too(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TPU_ACCELERATOR_TYPE", "v5e-1")
    assert machine.installs()[1] == "jax[tpu]>=0.10"


@pytest.mark.parametrize("version", ["0.10.0", "0.10.2", "0.11.1", "1.0.0"])
@pytest.mark.parametrize("devices", [[], GPU, TPU])
def test_a_new_jax_is_left_alone(
    machine: Machine, devices: list[str], version: str
) -> None:
    machine.devices, machine.packages = devices, {"jax": version}
    assert machine.installs() == [f"flaxnn[data,plots] @ {WHEEL}"]


def test_the_oldest_jax_is_the_one_that_flaxnn_declares(
    machine: Machine, examples: Path
) -> None:
    project = (examples.parent / "pyproject.toml").read_text("utf-8")
    assert f'"{machine.installs()[1].replace("[cpu]", "")}"' in project


@pytest.mark.parametrize(
    ("source", "url"),
    [
        (WHEEL, WHEEL),
        ("git+https://example.org/flaxnn.git", "git+https://example.org/flaxnn.git"),
        ("/content/flaxnn-0.1.0.whl", "file:///content/flaxnn-0.1.0.whl"),
    ],
)
def test_the_source_is_a_url_or_a_path(machine: Machine, source: str, url: str) -> None:
    assert machine.installs(source)[0] == f"flaxnn[data,plots] @ {url}"


def test_a_relative_path_is_taken_from_the_working_folder(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    expected = f"flaxnn[data,plots] @ {(tmp_path / 'flaxnn.whl').as_uri()}"
    assert machine.installs("flaxnn.whl")[0] == expected


def test_without_a_source_the_cell_says_what_to_set(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="set FLAXNN, at the top"):
        machine.run_cell()
    assert machine.commands == []


def test_nothing_is_installed_where_flaxnn_is_there(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.run_cell(WHEEL)
    assert machine.commands == []
    assert re.fullmatch(
        r"flaxnn \S+, JAX \S+, Python 3\.\d+\.\d+\ncomputing on \w+: .+\n",
        capsys.readouterr().out,
    )


def test_an_accelerator_that_jax_does_not_see_is_pointed_out(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.devices = GPU
    machine.run_cell()
    assert capsys.readouterr().out.endswith('install "jax[cuda12]"\n')
