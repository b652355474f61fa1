# SPDX-License-Identifier: Apache-2.0
"""What the figures may depend on."""

from __future__ import annotations

import os
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from flaxnn import __version__

_PACKAGES = (
    "jax",
    "jaxlib",
    "flax",
    "optax",
    "numpy",
    "torch",
    "keras",
    "scikit-learn",
)


def machine() -> dict[str, Any]:
    """Returns the processor, its load, and the versions of everything that is timed.

    Returns:
        A dictionary for JSON; the version of a package that is not installed is None.

    Example:
        >>> from flaxnn.bench import machine
        >>> sorted(machine())[:3]
        ['cores', 'load_average', 'memory_gib']
    """
    return {
        "processor": _processor(),
        "cores": available_cores(),
        "memory_gib": _memory_gib(),
        "system": f"{platform.system()} {platform.machine()}",
        "load_average": [round(value, 2) for value in _load()],
        "python": platform.python_version(),
        "versions": {
            "flaxnn": __version__,
            **{name: _version(name) for name in _PACKAGES},
        },
    }


def available_cores() -> int:
    """How many processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class OtherLoad:
    """How much of the processors' time other programs take while it exists."""

    def __init__(self) -> None:
        self._start = _busy(), _own(), time.monotonic()

    def share(self) -> float | None:
        """The share so far, counting children that have ended; None if unknown."""
        busy, own = _busy(), _own()
        if busy is None or self._start[0] is None:
            return None
        others = (busy - self._start[0]) - (own - self._start[1])
        elapsed = (time.monotonic() - self._start[2]) * (os.cpu_count() or 1)
        return round(min(1.0, max(0.0, others / elapsed)), 3)


def _busy() -> float | None:
    """Seconds that all processors together have worked since the start, on Linux."""
    try:
        with Path("/proc/stat").open() as file:
            user, nice, system, _, _, irq, softirq = map(
                int, file.readline().split()[1:8]
            )
        return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
    except (AttributeError, OSError, ValueError):
        return None


def _own() -> float:
    """Seconds that this process and its ended children have worked."""
    spent = os.times()
    own = spent.user + spent.system
    return own + spent.children_user + spent.children_system


def _load() -> tuple[float, ...]:
    return os.getloadavg() if hasattr(os, "getloadavg") else ()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2] for line in lines if line.startswith("model name")]
    return names[0].strip() if names else platform.machine()


def _memory_gib() -> float | None:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
    return round(total / 2**30, 1)
