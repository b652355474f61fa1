# SPDX-License-Identifier: Apache-2.0
"""One side of one case in a process of its own: ``python -m flaxnn.bench._worker``.

The argument is JSON: the side's module, function, options and packages, the folder of
the problem, and the number of threads. The process imports, makes ready and says so;
then every number of steps that it reads from standard input is run, and timed, from
the start. Replies are lines of JSON; it ends when its input does.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

# The large libraries, of which a side loads its own.
_LARGE = ("flax", "jax", "keras", "sklearn", "tensorflow", "torch")


def main() -> None:
    """Serves one parent until it closes the pipe."""
    task = json.loads(sys.argv[1])
    pin(task["threads"])
    # Whatever a library prints must not come between the replies.
    channel = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def reply(**fields: Any) -> None:
        print(json.dumps(fields), file=channel, flush=True)

    started = time.perf_counter()
    try:
        for package in task["packages"]:
            importlib.import_module(package)
    except ModuleNotFoundError as error:
        from flaxnn.bench._side import not_installed

        reply(missing=not_installed(error.name or str(error)))
        return
    imported = time.perf_counter()
    run = _ready(task)
    if isinstance(run, str):
        reply(missing=run)
        return
    ready = time.perf_counter()
    reply(import_s=imported - started, setup_s=ready - imported)
    for line in sys.stdin:
        started = time.perf_counter()
        losses = run(int(line))
        seconds = time.perf_counter() - started
        save(Path(task["folder"], f"losses-{os.getpid()}.npy"), losses)
        reply(seconds=seconds, peak_mib=peak_mib(), modules=loaded())


def _ready(task: dict[str, Any]) -> Any:
    """The side's run, or what is missing for it."""
    from flaxnn.bench._problem import read
    from flaxnn.bench._side import NotHereError

    function = getattr(importlib.import_module(task["module"]), task["function"])
    try:
        return function(read(Path(task["folder"])), **task["options"])
    except NotHereError as error:
        return str(error)


def save(path: Path, losses: Any) -> None:
    """Leaves the losses of a run where the parent finds them."""
    import numpy as np

    np.save(path, losses)


def loaded() -> list[str]:
    """The large libraries that this process has imported."""
    return [name for name in _LARGE if name in sys.modules]


def pin(threads: int) -> None:
    """Keeps the process on so many processors; XLA starts a thread for each."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def peak_mib() -> float:
    """The most memory this process has held so far, in MiB."""
    try:
        # On Linux, ru_maxrss starts with the memory of the process that forked.
        status = Path("/proc/self/status").read_text()
        (line,) = (row for row in status.splitlines() if row.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    except (OSError, ValueError):
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


if __name__ == "__main__":
    main()
