# SPDX-License-Identifier: Apache-2.0
"""The parent's end of a worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from flaxnn.bench._side import NotHereError, Side

_UNWANTED = ("COMPILATION_CACHE", "COMPILATION_CACHE_DIR", "PYTHONDONTWRITEBYTECODE")


@dataclass(frozen=True)
class Reply:
    """What a worker says of one run.

    Attributes:
        seconds: How long it took.
        losses: One for each step.
        peak_mib: The most memory that the worker has held.
        modules: The large libraries that it has loaded.
    """

    seconds: float
    losses: np.ndarray
    peak_mib: float
    modules: tuple[str, ...]


@dataclass(frozen=True)
class Fresh:
    """What a new process took for one run, from its start to its end."""

    import_s: float
    setup_s: float
    process_s: float
    reply: Reply


class Worker:
    """A process that imports a side's packages, makes ready and waits for orders.

    Args:
        side: Whose run it does.
        folder: Where the problem lies.
        threads: How many processors it may use.
        cache: Folder of compiled programs to look into and to add to; none when None.

    Raises:
        NotHereError: What the side needs is not on this machine.
        RuntimeError: The process failed; the message ends with what it printed.
    """

    def __init__(
        self, side: Side, folder: Path, threads: int, cache: Path | None = None
    ):
        self.side = side
        self._folder = folder
        self._scratch = tempfile.TemporaryDirectory(
            prefix="flaxnn-bench-", ignore_cleanup_errors=True
        )
        self._said = Path(self._scratch.name, "stderr")
        task = {
            "module": side.module,
            "function": side.function,
            "options": dict(side.options),
            "packages": side.packages,
            "folder": str(folder),
            "threads": threads,
        }
        with self._said.open("w") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "flaxnn.bench._worker", json.dumps(task)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                env=environment(side, threads, self._scratch.name, cache),
                text=True,
            )
        self.ready: dict[str, Any] = {}

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._process.kill()
        self._process.communicate()
        self._scratch.cleanup()

    def run(self, steps: int) -> Reply:
        """Returns how long so many steps took, from the start, and their losses."""
        self.order(steps)
        return self.answer()

    def order(self, steps: int) -> None:
        """Sends an order, perhaps before the process is ready to read it."""
        if self._process.stdin is None:
            raise ValueError("the worker was told that there are no more orders")
        try:
            self._process.stdin.write(f"{steps}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # It ended early: the answer says why.

    def answer(self) -> Reply:
        """Waits for the reply to an order."""
        if not self.ready:
            self.ready = self._line()
        fields = self._line()
        path = self._folder / f"losses-{self._process.pid}.npy"
        return Reply(
            fields["seconds"],
            np.load(path),
            fields["peak_mib"],
            tuple(fields["modules"]),
        )

    def finish(self) -> None:
        """Tells the process to end, and waits until it has."""
        self._process.communicate()
        if self._process.returncode:
            raise self._failure()

    def _line(self) -> dict[str, Any]:
        if self._process.stdout is None:
            raise ValueError("the worker has no standard output")
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            raise self._failure()
        fields = json.loads(line)
        if "missing" in fields:
            raise NotHereError(fields["missing"])
        return fields

    def _failure(self) -> RuntimeError:
        lines = self._said.read_text(errors="replace").splitlines()
        tail = "\n".join(lines[-20:])
        return RuntimeError(
            f"the worker of {self.side.title} ended with status "
            f"{self._process.returncode}; it printed:\n{tail}"
        )


def fresh(
    side: Side, folder: Path, threads: int, steps: int, cache: Path | None = None
) -> Fresh:
    """One run in a new process, timed from outside."""
    started = time.perf_counter()
    with Worker(side, folder, threads, cache) as worker:
        worker.order(steps)
        reply = worker.answer()
        worker.finish()
        process_s = time.perf_counter() - started
        return Fresh(
            worker.ready["import_s"], worker.ready["setup_s"], process_s, reply
        )


def environment(
    side: Side, threads: int, scratch: str, cache: Path | None
) -> dict[str, str]:
    """The same conditions for all sides: a CPU, its threads, cold or warm compilers."""
    count = str(threads)
    warm = {} if cache is None else dict.fromkeys(side.cache, str(cache))
    # What the machine's user has set must not warm a cold process. Bytecode is kept, as
    # pip leaves it: only what is not installed, as in a checkout, would do without.
    own = {k: v for k, v in os.environ.items() if not k.endswith(_UNWANTED)}
    return own | {
        "JAX_PLATFORMS": "cpu",
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "JAX_ENABLE_COMPILATION_CACHE": "true" if warm else "false",
        # As flaxnn.compilation_cache has it: JAX alone keeps slow compilations only.
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "TORCHINDUCTOR_CACHE_DIR": scratch,
        **side.variables,
        **warm,
    }
