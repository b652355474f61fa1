"""How much memory the host and a device have."""

from __future__ import annotations

import math
import os
from pathlib import Path

import jax
from jax.sharding import Mesh

# What a container may use, where it is held to less than the machine has.
_LIMIT = Path("/sys/fs/cgroup/memory.max")


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
    if isinstance(mesh, Mesh):
        device = mesh.local_devices[0]
    else:
        (device,) = jax.device_put(0).devices()
    stats = device.memory_stats() or {}
    return float(stats.get("bytes_limit", host_bytes()))
