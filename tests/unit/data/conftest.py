# SPDX-License-Identifier: Apache-2.0
"""Small data sets, no network, and freedom from the suite's own type checks."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jaxtyping
import pytest

from tests.unit.data import _small


@pytest.fixture(autouse=True)
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has a home, a working directory and system folders of its own.

    Whatever is asked for data then, nothing outside is read, written or called.
    """
    _small.isolate(tmp_path, monkeypatch)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with empty places, and small data sets under the real names."""
    _small.make_small(monkeypatch)
    return tmp_path


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Runs code in processes with the small data sets; none outlives the test."""
    processes = []

    def begin(code: str, **options: Any) -> subprocess.Popen[str]:
        processes.append(_small.start(code, **options))
        return processes[-1]

    yield begin
    for process in processes:
        with process:
            process.kill()


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Turns the suite's run-time type checks off: users do not have them.

    A test of what flaxnn itself says to a value of a wrong type needs this.
    """
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)
