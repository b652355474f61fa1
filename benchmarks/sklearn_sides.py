# SPDX-License-Identifier: Apache-2.0
"""A side of a comparison with scikit-learn: a process that fits when it is told to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

# Whose turns they are, in the order of the first.
SIDES = ("scikit-learn", "flaxnn")
# The libraries of threads read these when they are loaded.
_POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Worker:
    """A script in a process of its own, with so many threads.

    Args:
        script: The script, whose option ``--worker`` takes the task and calls `serve`.
        task: What the process is to do, for JSON; ``"threads"`` says how many.
    """

    def __init__(self, script: str, task: dict[str, Any]):
        self._process = subprocess.Popen(
            [sys.executable, script, "--worker", json.dumps(task)],
            env=os.environ | dict.fromkeys(_POOLS, str(task["threads"])),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read()

    def fit(self, seed: int = 0) -> Any:
        """Has it fit once; returns what it says of that.

        Args:
            seed: The seed of the fit.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(f"{seed}\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        """Lets it end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("a worker has ended; what it said is above")
        return json.loads(line)


def pin(threads: int) -> None:
    """Holds this process to so many processors, before anything counts them.

    Args:
        threads: How many.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def serve(fit: Callable[[int], dict[str, Any]]) -> None:
    """A worker's life: fits at each seed that it reads, and says how it went.

    Args:
        fit: Fits once.
    """
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        print(json.dumps(fit(int(line))), flush=True)
