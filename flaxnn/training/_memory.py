# SPDX-License-Identifier: Apache-2.0
"""How much memory the host and a device have."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

# What a container may use, where it is held to less than the machine has.
_LIMIT = Path("/sys/fs/cgroup/memory.max")
# Where Linux says what is free, in a line "MemAvailable:   123 kB".
_MEMINFO = Path("/proc/meminfo")


def bytes_of(tree: Any) -> int:
    """The bytes of a pytree's arrays, or of what only has their shapes and dtypes."""
    return sum(
        math.prod(leaf.shape) * jnp.dtype(leaf.dtype).itemsize
        for leaf in jax.tree.leaves(tree)
    )


def host_bytes() -> float:
    """The memory that this process may have; infinite where nobody says."""
    try:
        total = float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):
        total = math.inf
    try:
        return min(total, float(_LIMIT.read_text()))
    except (OSError, ValueError):
        # No such file, or "max" in it.
        return total


def device_bytes(mesh: Mesh | None = None) -> float:
    """The memory of a mesh's devices, each, or of JAX's default one."""
    return float(_stats(mesh).get("bytes_limit", host_bytes()))


def available_bytes(mesh: Mesh | None = None) -> float:
    """What is free of a device's memory; infinite where nobody says.

    The devices of a CPU have equal parts of the host's, as a mesh uses them at once.

    Args:
        mesh: The devices, of which this is for each; JAX's default one when None.
    """
    stats = _stats(mesh)
    if "bytes_limit" in stats:
        return float(stats["bytes_limit"] - stats.get("bytes_in_use", 0))
    sharing = 1 if mesh is None else len(mesh.local_devices)
    return min(_host_available(), host_bytes()) / sharing


def _stats(mesh: Mesh | None) -> dict[str, int]:
    if isinstance(mesh, Mesh):
        device = mesh.local_devices[0]
    else:
        (device,) = jax.device_put(0).devices()
    return device.memory_stats() or {}


def _host_available() -> float:
    """What programs can still have of the host's memory, without swapping."""
    try:
        lines = _MEMINFO.read_text().splitlines()
    except OSError:
        return math.inf
    for line in lines:
        if line.startswith("MemAvailable:"):
            return float(line.split()[1]) * 1024
    return math.inf
