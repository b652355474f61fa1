# SPDX-License-Identifier: Apache-2.0
"""What the machine has, found out without JAX."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from flaxnn._environment import version

# Variables that change what JAX computes, where, or how fast.
VARIABLES = (
    "JAX_PLATFORMS",
    "JAX_PLATFORM_NAME",
    "JAX_ENABLE_X64",
    "JAX_DEFAULT_MATMUL_PRECISION",
    "JAX_DISABLE_JIT",
    "JAX_DEBUG_NANS",
    "JAX_NUM_CPU_DEVICES",
    "JAX_COMPILATION_CACHE_DIR",
    "JAX_ENABLE_COMPILATION_CACHE",
    "FLAXNN_COMPILATION_CACHE",
    "CUDA_VISIBLE_DEVICES",
    "NVIDIA_TF32_OVERRIDE",
    "NPROC",
    "PJRT_NPROC",
    "LIBTPU_INIT_ARGS",
    "TF_GPU_ALLOCATOR",
    "XLA_FLAGS",
    "XLA_PYTHON_CLIENT_ALLOCATOR",
    "XLA_PYTHON_CLIENT_MEM_FRACTION",
    "XLA_PYTHON_CLIENT_PREALLOCATE",
)
_PLUGIN = re.compile(r"jax[-_](cuda|rocm)\d+[-_](plugin|pjrt)|libtpu")
_SMI_SECONDS = 10
# As PCI numbers them: TPU v3, v4, v5p, v5e, v6e and 7x.
_GOOGLE = "0x1ae0"
_TPU_CHIPS = {"0x0027", "0x005e", "0x0062", "0x0063", "0x006f", "0x0076"}


def host(root: Path = Path("/")) -> dict[str, Any]:
    """Returns accelerators, plugins, processors, memory and variables.

    Args:
        root: Where the system's files are; a test passes a folder.
    """
    return {
        "variables": {
            name: os.environ[name] for name in VARIABLES if name in os.environ
        },
        "jaxlib": version("jaxlib"),
        "plugins": plugins(),
        "accelerators": accelerators(root),
        "gpus": gpus(),
        "cores": cores(root),
        "available_memory": available_memory(root),
    }


def plugins() -> dict[str, str]:
    """JAX's plugins for accelerators that are installed, with their versions."""
    found = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"] or ""
        if _PLUGIN.fullmatch(name):
            found[name] = distribution.version
    return dict(sorted(found.items()))


def accelerators(root: Path) -> dict[str, int]:
    """How many GPUs and TPU chips the system shows, by their kind."""
    chips = 0
    for vendor in root.glob("sys/bus/pci/devices/*/vendor"):
        if _text(vendor).strip() == _GOOGLE:
            chips += _text(vendor.with_name("device")).strip() in _TPU_CHIPS
    found = {
        "NVIDIA": len(list(root.glob("dev/nvidia[0-9]*"))),
        # The driver's file is one for all of AMD's.
        "AMD": int((root / "dev/kfd").exists()),
        "TPU": chips,
    }
    return {kind: count for kind, count in found.items() if count}


def gpus() -> list[dict[str, Any]]:
    """Names and memory of NVIDIA's GPUs, as nvidia-smi tells them; none without it."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    fields = ("name", "memory.total", "memory.free", "driver_version")
    try:
        said = subprocess.run(
            [
                program,
                f"--query-gpu={','.join(fields)}",
                "--format=csv,noheader,nounits",
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=_SMI_SECONDS,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    rows = [line.split(", ") for line in said.splitlines() if line.count(", ") == 3]
    return [
        {
            "name": name,
            "memory": _mebibytes(total),
            "free": _mebibytes(free),
            "driver": driver,
        }
        for name, total, free, driver in rows
    ]


def cores(root: Path) -> dict[str, float]:
    """Processors of the machine, those we may run on, and what a container allows."""
    total = os.cpu_count() or 1
    allowed = total
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    found: dict[str, float] = {"machine": total, "allowed": allowed}
    quota, _, period = _text(root / "sys/fs/cgroup/cpu.max").partition(" ")
    if quota.isdigit() and period.strip().isdigit():
        found["quota"] = round(int(quota) / int(period), 2)
    return found


def available_memory(root: Path) -> int | None:
    """Bytes that programs can still have, of the machine or of the container."""
    meminfo = re.search(r"MemAvailable:\s+(\d+) kB", _text(root / "proc/meminfo"))
    group = root / "sys/fs/cgroup"
    limit, used = (_text(group / f"memory.{name}") for name in ("max", "current"))
    left = [int(meminfo[1]) * 1024] if meminfo else []
    if limit.strip().isdigit() and used.strip().isdigit():
        left.append(max(0, int(limit) - int(used)))
    return min(left, default=None)


def _mebibytes(text: str) -> int | None:
    return int(text) << 20 if text.strip().isdigit() else None


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
