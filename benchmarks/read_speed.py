# SPDX-License-Identifier: Apache-2.0
"""How long it takes to read large files, against PyTorch and safetensors.

    python benchmarks/read_speed.py [--gigabytes 1] [--turns 15] [--json]
        [--output FILE] [--folder DIRECTORY]

PyTorch writes a .pt file, safetensors the same tensors to a .safetensors file. Each
reader has a process of its own, with one thread, and they take turns, in the other
order each time, while the files are in the page cache. Two times are taken of a turn:
until the tensors are there, and until every byte of them was read, by the same sum in
NumPy on all sides. The figures are medians of the ratios of neighbouring turns; the
noise is what flaxnn shows against itself in another process. Memory is the largest
that a process ever had (VmHWM, mapped pages included) beyond what it had before the
first turn, over the bytes of the tensors. Needs Linux, PyTorch and safetensors. Exits
with 1 when flaxnn takes more than 1.05 times as long as another reader or more than 1.1
times the tensors' bytes, or when what is read differs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

MOST_TIME, MOST_MEMORY = 1.05, 1.1
LAYERS, WIDTH = 100, 1024
# The same reader in a second process shows the noise.
OURS, AGAIN = "flaxnn", "flaxnn again"
# The readers of each file; the first is held against the others.
READERS = {
    "model.pt": (OURS, "torch.load(mmap=True)", AGAIN),
    "model.safetensors": (OURS, "safetensors.torch", "safetensors.numpy", AGAIN),
}
TIMES = ("opened", "every byte read")


def write(folder: Path, gigabytes: float) -> int:
    """Writes both files; returns the bytes of the tensors."""
    import safetensors.torch
    import torch

    rows = max(1, round(gigabytes * 1e9 / LAYERS / WIDTH / 4))
    generator = torch.Generator().manual_seed(0)
    tensors = {}
    for layer in range(LAYERS):
        weight = torch.randn(rows, WIDTH, generator=generator)
        tensors[f"layers.{layer}.weight"] = weight
        tensors[f"layers.{layer}.bias"] = torch.randn(WIDTH, generator=generator)
    torch.save(tensors, folder / "model.pt")
    safetensors.torch.save_file(tensors, folder / "model.safetensors")
    return sum(tensor.nbytes for tensor in tensors.values())


def reader(name: str) -> Callable[[Path], dict[str, Any]]:
    """The function that reads a file; it imports what it needs."""
    if name in (OURS, AGAIN):
        from flaxnn import interop

        return interop.load
    if name == "safetensors.numpy":
        import safetensors.numpy

        return safetensors.numpy.load_file
    import torch

    torch.set_num_threads(1)
    if name == "safetensors.torch":
        import safetensors.torch

        return safetensors.torch.load_file
    return lambda path: torch.load(path, mmap=True, weights_only=True)


def total(tensors: dict[str, Any]) -> int:
    """The sum of all bytes, eight at a time, as NumPy has it."""
    arrays = (
        value if isinstance(value, np.ndarray) else value.numpy()
        for value in tensors.values()
    )
    return sum(int(array.reshape(-1).view(np.uint64).sum()) for array in arrays)


def turn(read: Callable[[Path], dict[str, Any]], path: Path) -> dict[str, Any]:
    """The times of reading a file once, and the sum of its bytes."""
    start = time.perf_counter()
    tensors = read(path)
    opened = time.perf_counter()
    found = total(tensors)
    end = time.perf_counter()
    return {TIMES[0]: opened - start, TIMES[1]: end - start, "sum": found}


def work(name: str, path: Path) -> None:
    """Takes a turn for each line of the input, and says what came of it."""
    read = reader(name)
    idle = status("VmRSS")
    for _ in sys.stdin:
        found = turn(read, path)
        print(json.dumps({**found, "memory": status("VmHWM") - idle}), flush=True)


def status(name: str) -> int:
    """A figure of this process's memory, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise SystemExit(f"this system does not say {name}")


class Worker:
    """A process that reads one file with one reader."""

    def __init__(self, name: str, path: Path):
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--work", name, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
        )

    def turn(self) -> dict[str, Any]:
        """Takes a turn."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("a reader ended before its turn")
        return json.loads(line)

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()


def compare(path: Path, turns: int, size: int) -> dict[str, Any]:
    """The readers of one file against the first of them."""
    names = READERS[path.name]
    workers = {name: Worker(name, path) for name in names}
    # The first turn fills caches, those of the programs too.
    sums = {worker.turn()["sum"] for worker in workers.values()}
    taken: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for number in range(turns):
        for name in names[:: -1 if number % 2 else 1]:
            taken[name].append(workers[name].turn())
    for worker in workers.values():
        worker.close()
    found: dict[str, Any] = {
        "same bytes": len(sums) == 1,
        "memory over the tensors' bytes": {
            name: round(taken[name][-1]["memory"] / size, 4) for name in names
        },
    }
    for kind in TIMES:
        times = {name: [one[kind] for one in taken[name]] for name in names}
        found[kind] = {
            "seconds": {name: statistics.median(times[name]) for name in names},
            f"{OURS} over": {
                name: _quartiles(times[OURS], times[name]) for name in names[1:]
            },
        }
    return found


def _quartiles(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, float]:
    """The ratios of neighbouring turns: their median and quartiles."""
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return {"median": round(middle, 4), "from": round(low, 4), "to": round(high, 4)}


def failures(report: dict[str, Any]) -> list[str]:
    """What falls short."""
    found = []
    for name, file in report["files"].items():
        if not file["same bytes"]:
            found.append(f"{name}: the readers read different bytes")
        if (most := file["memory over the tensors' bytes"][OURS]) > MOST_MEMORY:
            found.append(f"{name}: {most:.2f} times the tensors' bytes of memory")
        found += [
            f"{name}, {kind}: {ratio['median']:.3f} times the time of {other}"
            for kind in TIMES
            for other, ratio in file[kind][f"{OURS} over"].items()
            if other != AGAIN and ratio["median"] > MOST_TIME
        ]
    return found


def show(report: dict[str, Any]) -> None:
    """Prints a line for each figure."""
    for name, file in report["files"].items():
        for kind in TIMES:
            for reader, seconds in file[kind]["seconds"].items():
                print(f"{name}, {kind}, {reader}: {seconds * 1e3:.2f} ms")
    for name, file in report["files"].items():
        for kind in TIMES:
            for other, ratio in file[kind][f"{OURS} over"].items():
                print(
                    f"{name}, {kind}: {ratio['median']:.3f} times {other} "
                    f"(quartiles {ratio['from']:.3f} to {ratio['to']:.3f})"
                )
        most = file["memory over the tensors' bytes"][OURS]
        print(f"{name}: {most:.3f} times the tensors' bytes of memory")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--output", type=Path, help="also write the JSON here")
    parser.add_argument("--folder", type=Path, help="where to write files for a while")
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    """Measures the readers and prints what was found."""
    options = arguments()
    if options.work:
        work(options.work[0], Path(options.work[1]))
        return 0
    from flaxnn.bench import machine

    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        size = write(Path(name), options.gigabytes)
        files = {
            file: compare(Path(name, file), options.turns, size) for file in READERS
        }
    report: dict[str, Any] = {
        "machine": {**machine(), "safetensors": metadata.version("safetensors")},
        "threads": 1,
        "tensors": 2 * LAYERS,
        "bytes": size,
        "turns": options.turns,
        "files": files,
        "limits": {"time": MOST_TIME, "memory": MOST_MEMORY},
    }
    wrong = failures(report)
    report["passed"] = not wrong
    text = json.dumps(report, indent=1)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
    if options.json:
        print(text)
    else:
        show(report)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
