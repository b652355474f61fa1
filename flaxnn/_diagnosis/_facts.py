# SPDX-License-Identifier: Apache-2.0
"""All that `flaxnn doctor` knows, as one dictionary."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from importlib import resources
from pathlib import Path
from typing import Any

from flaxnn import _compilation_cache
from flaxnn._diagnosis._host import host

# A backend that has not answered by then waits for devices that do not come.
_SECONDS = 60
_ZLIB_MAGIC = b"\x78"


def facts(seconds: float = _SECONDS) -> dict[str, Any]:
    """Returns what the machine has and what JAX makes of it, for JSON.

    Args:
        seconds: How long JAX may take to start.
    """
    found = host() | {"goldens": recorded_on(), "jax": probe(seconds)}
    where = found["jax"].get("cache", {}).get("directory")
    if where is not None and "://" not in where:
        found["cache"] = cache_state(Path(where))
    return found


def recorded_on() -> str:
    """The instruction set with which PyTorch's runs were recorded, in its names."""
    from safetensors import safe_open

    # By its place, not by an import: the room it lies in needs a JAX that works.
    folder = resources.files("flaxnn").joinpath("reproduce", "goldens")
    with (
        resources.as_file(folder.joinpath("wine.safetensors")) as path,
        safe_open(path, framework="np") as golden,
    ):
        return golden.metadata()["capability"]


def probe(seconds: float) -> dict[str, Any]:
    """What JAX does, or ``"error"`` with what kept it from doing it."""
    # Measuring needs little memory, and somebody may be using the GPU.
    variables = os.environ | {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "flaxnn._diagnosis._probe"],
            capture_output=True,
            text=True,
            check=False,
            env=variables,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"no answer within {seconds:g} seconds", "hung": True}
    try:
        # Plugins may print lines of their own before.
        return json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        last = done.stderr.strip().splitlines()[-1:] or [""]
        return {"error": f"it ended with status {done.returncode}. {last[0]}".strip()}


def cache_state(directory: Path) -> dict[str, Any]:
    """What a directory of compiled programs holds, and whether more can go there."""
    state: dict[str, Any] = {"entries": 0, "bytes": 0, "damaged": 0, "problem": None}
    try:
        if directory.exists():
            for path in directory.glob("*-cache"):
                content = path.read_bytes()
                state["entries"] += 1
                state["bytes"] += len(content)
                state["damaged"] += is_damaged(content)
            _compilation_cache.write_something(directory)
    except OSError as error:
        state["problem"] = str(error)
    return state


def is_damaged(content: bytes) -> bool:
    """Whether an entry was cut short; of zstandard's only an empty one is known."""
    if content[:1] != _ZLIB_MAGIC:
        return not content
    unpack = zlib.decompressobj()
    try:
        unpack.decompress(content)
    except zlib.error:
        return True
    return not unpack.eof
