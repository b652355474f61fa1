# SPDX-License-Identifier: Apache-2.0
"""What JAX does on this machine, measured in a process of its own.

A backend can crash, and a TPU's can wait for minutes for chips that are not there; here
neither harms who asks. ``python -m flaxnn._diagnosis._probe`` prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Bits of the significand that survive a product of float32 matrices.
_FORMATS = ((24, "float32"), (16, "bfloat16 in parts"), (11, "TF32"), (8, "bfloat16"))
_SIZE = 256


def measured() -> dict[str, Any]:
    """Devices, precision of products, float64, threads, and whether a cache works."""
    import jax
    import jax.numpy as jnp

    from flaxnn import _compilation_cache
    from flaxnn._environment import environment

    start = time.perf_counter()
    jax.devices()
    seconds = time.perf_counter() - start
    highest = jax.lax.Precision.HIGHEST
    return {
        "environment": environment(),
        "start_seconds": round(seconds, 2),
        "memory": jax.local_devices()[0].memory_stats(),
        "precision": {
            "default": precision(jnp.dot),
            "flaxnn": precision(lambda a, b: jnp.dot(a, b, precision=highest)),
        },
        # A pool is there once something was computed.
        "threads": xla_threads(),
        "jit_disabled": bool(jax.config.values["jax_disable_jit"]),
        "debug_nans": bool(jax.config.values["jax_debug_nans"]),
        "cache": {
            "directory": _compilation_cache.chosen(),
            "enabled": bool(jax.config.values["jax_enable_compilation_cache"]),
            "min_seconds": jax.config.values[
                "jax_persistent_cache_min_compile_time_secs"
            ],
            "works": cache_works(),
        },
    }


def precision(dot: Callable[[Any, Any], Any]) -> str:
    """In which format a product of float32 matrices is computed.

    Row ``k`` of the left matrix is 4/3 cut behind ``2**-k`` and with that bit set, the
    right one is the identity: what comes out is what the format keeps of the number.
    Its bits lie close, so that a number taken in two parts is not whole either.
    """
    import jax
    import numpy as np

    kept = np.ones((_SIZE, _SIZE), np.float32)
    powers = np.arange(1, 24)
    last = 0.5**powers
    kept[powers] = ((4 / 3) // (2 * last) * (2 * last) + last)[:, None]
    product = np.asarray(jax.jit(dot)(kept, np.eye(_SIZE, dtype=np.float32)))
    exact = (product[powers] == kept[powers]).all(axis=1)
    bits = 1 + int(np.argmin([*exact, False]))
    return next((name for least, name in _FORMATS if bits >= least), f"{bits} bits")


def xla_threads() -> int | None:
    """Threads of XLA's pool on a CPU; None where the system does not name threads."""
    names = [
        path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")
    ]
    return names.count("tf_XLAEigen") or None


def cache_works() -> bool:
    """Whether JAX takes back a program that it has kept on disk."""
    import jax
    from jax import monitoring

    from flaxnn._compilation_cache import compilation_cache

    hits: list[str] = []

    def listen(event: str, **_: Any) -> None:
        if event.endswith("/cache_hits"):
            hits.append(event)

    with tempfile.TemporaryDirectory() as folder:
        compilation_cache(folder)
        monitoring.register_event_listener(listen)
        for _ in range(2):
            jax.jit(lambda x: x * 2 + 1)(1.0).block_until_ready()
            jax.clear_caches()
    return bool(hits)


def main() -> None:
    """Prints what was measured, or what went wrong."""
    try:
        found = measured()
    except Exception as error:
        lines = traceback.format_exception_only(error)
        found = {"error": "".join(lines).strip()}
    sys.stdout.write("\n" + json.dumps(found))


if __name__ == "__main__":
    main()
