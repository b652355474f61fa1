# SPDX-License-Identifier: Apache-2.0
"""What the numbers of a run may depend on besides its inputs."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from flaxnn import __version__

# The PyTorch release whose numbers are reproduced.
REFERENCE = "2.13.0"

_PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy")
# Variables and flags that change how XLA computes.
_FLAGS = ("XLA_FLAGS", "LIBTPU_INIT_ARGS", "NVIDIA_TF32_OVERRIDE")
# Instruction sets in PyTorch's names, widest first.
_CAPABILITIES = (("avx512f", "AVX512"), ("avx2", "AVX2"))


def environment() -> dict[str, Any]:
    """Returns versions, devices, precision and determinism flags, for JSON.

    It asks JAX for its devices, which starts a backend.
    """
    import jax

    devices = jax.devices()
    return {
        "flaxnn": __version__,
        "reference": f"PyTorch {REFERENCE}",
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
        "platform": devices[0].platform,
        "device_kind": devices[0].device_kind,
        "devices": len(devices),
        "processes": jax.process_count(),
        "cpu_flavour": cpu_flavour(),
        "matmul_precision": matmul_precision(),
        "x64": bool(_setting("jax_enable_x64")),
        "flags": {name: os.environ[name] for name in _FLAGS if os.environ.get(name)},
    }


def cpu_flavour() -> str:
    """The widest instruction set of the processor, as PyTorch names it."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.machine()
    flags = next((x for x in text.splitlines() if x.startswith("flags")), "").split()
    for flag, name in _CAPABILITIES:
        if flag in flags:
            return f"{platform.machine()} {name}"
    return platform.machine()


def matmul_precision() -> str:
    """What JAX does where a dot does not ask for a precision; flaxnn's layers do."""
    return str(_setting("jax_default_matmul_precision") or "default")


def _setting(name: str) -> Any:
    """One of JAX's settings as it is in this thread."""
    import jax

    return getattr(jax.config, name)


def version(package: str) -> str | None:
    """A package's version, or None if it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
