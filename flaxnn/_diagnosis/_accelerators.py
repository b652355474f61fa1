# SPDX-License-Identifier: Apache-2.0
"""Accelerators that are there and not used, or not free."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flaxnn._diagnosis._finding import Finding

Facts = dict[str, Any]

# What serves which devices, and how to install it.
_INSTALL = {
    "NVIDIA": "pip install -U 'jax[cuda13]'",
    "AMD": "install JAX for ROCm: https://docs.jax.dev/en/latest/installation.html",
    "TPU": "pip install -U 'jax[tpu]'",
}
_NAMES = {"NVIDIA": "an NVIDIA GPU", "AMD": "an AMD GPU", "TPU": "a TPU"}
_SHARE = {
    "NVIDIA": "docker run --gpus all",
    "AMD": "docker run --device /dev/kfd --device /dev/dri",
    "TPU": "docker run --privileged",
}
_PLUGINS = {"NVIDIA": "cuda", "AMD": "rocm", "TPU": "libtpu"}
# The share of a GPU's memory that JAX takes when it starts, unless told otherwise.
_FRACTION = 0.75


def fallback(facts: Facts) -> Iterator[Finding]:
    """JAX on a CPU, where there is something better."""
    if facts["jax"].get("environment", {}).get("platform", "cpu") != "cpu":
        return
    there = dict(facts["accelerators"])
    if facts["gpus"]:
        there["NVIDIA"] = len(facts["gpus"])
    plugins = {
        kind: name
        for kind, part in _PLUGINS.items()
        for name in facts["plugins"]
        if part in name
    }
    variables = facts["variables"]
    forced = [
        f"{name}={variables[name]}"
        for name in ("JAX_PLATFORMS", "JAX_PLATFORM_NAME")
        if variables.get(name, "").startswith("cpu")
    ]
    for kind in sorted(there.keys() | plugins.keys()):
        name = _NAMES[kind]
        hidden = kind == "NVIDIA" and variables.get("CUDA_VISIBLE_DEVICES") in (
            "",
            "-1",
        )
        if kind in there and forced:
            what = f"{forced[0]} keeps JAX on the CPU, and there is {name}"
            yield Finding("slow", what, f"unset {forced[0].partition('=')[0]}")
        elif kind in there and hidden:
            what = f"CUDA_VISIBLE_DEVICES hides {name} from JAX, which uses the CPU"
            yield Finding("slow", what, "unset CUDA_VISIBLE_DEVICES")
        elif kind in there and kind not in plugins:
            what = f"JAX uses the CPU, and there is {name}: its plugin is not installed"
            yield Finding("slow", what, _INSTALL[kind])
        elif kind in there:
            what = f"JAX uses the CPU, though there is {name} and {plugins[kind]}"
            reason = {"NVIDIA": "cuda", "AMD": "rocm", "TPU": "tpu"}[kind]
            do = (
                f"JAX_PLATFORMS={reason} python -c 'import jax; jax.devices()' says why"
            )
            yield Finding("slow", what, do)
        elif not forced:
            what = f"{plugins[kind]} is installed, but JAX finds no device but the CPU"
            do = f"in a container {_SHARE[kind]}; JAX_PLATFORMS=cpu if a CPU is meant"
            yield Finding("slow", what, do)


def plugin_versions(facts: Facts) -> Iterator[Finding]:
    """Plugins of another version, which JAX leaves out with a warning."""
    jaxlib = facts["jaxlib"]
    for name, version in facts["plugins"].items():
        # libtpu counts by itself.
        if name.startswith("jax") and version != jaxlib:
            what = f"{name} is {version} and jaxlib {jaxlib}: JAX does not use it"
            yield Finding("slow", what, f"pip install '{name}=={jaxlib}'")


def gpu_memory(facts: Facts) -> Iterator[Finding]:
    """How JAX takes memory on GPUs, and whether it is there to take."""
    if facts["jax"].get("environment", {}).get("platform") not in (
        "gpu",
        "cuda",
        "rocm",
    ):
        return
    variables = facts["variables"]
    if variables.get("XLA_PYTHON_CLIENT_ALLOCATOR") == "platform":
        what = (
            "XLA_PYTHON_CLIENT_ALLOCATOR=platform: memory is asked for array by array"
        )
        yield Finding("slow", what, "unset XLA_PYTHON_CLIENT_ALLOCATOR")
        return
    if variables.get("XLA_PYTHON_CLIENT_PREALLOCATE", "").lower() in ("false", "0"):
        what = (
            "JAX takes GPU memory as it needs it: it may fragment, and run out sooner"
        )
        do = "for a GPU of your own unset XLA_PYTHON_CLIENT_PREALLOCATE"
        yield Finding("note", what, do)
        return
    try:
        share = float(variables.get("XLA_PYTHON_CLIENT_MEM_FRACTION") or _FRACTION)
    except ValueError:
        share = _FRACTION
    share_others = (
        "set XLA_PYTHON_CLIENT_PREALLOCATE=false, or XLA_PYTHON_CLIENT_MEM_FRACTION to "
        "what is left"
    )
    for gpu in facts["gpus"]:
        if gpu["memory"] and gpu["free"] is not None:
            free = gpu["free"] / gpu["memory"]
            if free < share:
                what = (
                    f"{gpu['name']}: {free:.0%} of its memory is free, and JAX takes "
                    f"{share:.0%} when it starts"
                )
                yield Finding("slow", what, "end what else runs there; " + share_others)
                return
    what = f"JAX takes {share:.0%} of a GPU's memory when it starts"
    yield Finding("note", what, f"to share the GPU with others {share_others}")
