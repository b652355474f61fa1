# SPDX-License-Identifier: Apache-2.0
"""What streaming costs in time, and what it leaves of the memory.

    python benchmarks/streaming.py [--data DIR] [--epochs 3] [--repeats 7]
                                   [--gigabytes 4] [--folder DIR] [--json]
                                   [--output FILE]

Time: the documents' net on the real Fashion-MNIST, batches of 64, SGD, in one process.
Three sides take turns, each compiled before it is timed, and their losses are equal to
the bit: the data set on the device for the whole run; the same arrays streamed; the
data set streamed from .npy files. The figure is the median of the ratios of
neighbouring turns; the streamed arrays may take at most 1.3 times as long. The side
from disk has no limit: it reads each row by itself, which keeps a core busy that XLA
would use where there are two.

Memory: a data set of 4 GB (10⁹ bytes each), images of 3x64x64 pixels, is written to
.npy files piece by piece. A process of its own trains on it for one epoch, streamed, in
a shuffled order; the most resident memory that it ever had (VmHWM) has to stay within
1.5 GB. RssAnon leaves out what the system could take back, such as the code of
libraries.

Exits with 1 when a figure falls short, with 2 when there are no images.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

BATCH, LR, MOST_TIME = 64, 1e-3, 1.3
SHAPE, CLASSES, MEMORY_BATCH, MOST_BYTES = (3, 64, 64), 10, 256, 1.5e9
# Images are written in pieces of so many.
PIECE = 4096

Side = Callable[[int], np.ndarray]


def trained(arrays: Any, epochs: int, *, stream: bool) -> np.ndarray:
    """The losses of a run on images."""
    from flaxnn import data, fit, models, nn, optim
    from flaxnn.random import Generator

    rngs = Generator(0)
    run = fit(
        models.NeuralNetwork(rngs=rngs),
        data.DataLoader(arrays, BATCH, shuffle=True, rngs=rngs),
        loss=nn.CrossEntropyLoss(),
        optimizer=optim.sgd(lr=LR),
        epochs=epochs,
        stream=stream,
        progress=False,
    )
    return run.history["loss"]


def compared(sides: dict[str, Side], epochs: int, repeats: int) -> dict[str, Any]:
    """Each side's time against the first one's."""
    losses = {name: side(1) for name, side in sides.items()}
    first = next(iter(sides))
    turns = []
    for turn in range(repeats):
        # The order changes, so that a drift of the machine's speed meets every side.
        names = sorted(sides, key=lambda name: name != first, reverse=bool(turn % 2))
        turns.append({name: seconds(sides[name], epochs) for name in names})
    ratios = {
        name: statistics.median(turn[name] / turn[first] for turn in turns)
        for name in sides
    }
    return {
        "epochs": epochs,
        "seconds an epoch": {
            name: statistics.median(turn[name] for turn in turns) / epochs
            for name in sides
        },
        f"times {first}": ratios,
        "of each turn": {
            name: [round(turn[name] / turn[first], 3) for turn in turns]
            for name in sides
        },
        "same losses": all(
            np.array_equal(values, losses[first]) for values in losses.values()
        ),
        "limit": MOST_TIME,
    }


def seconds(side: Side, epochs: int) -> float:
    """The wall time of one turn."""
    start = time.perf_counter()
    side(epochs)
    return time.perf_counter() - start


def speed(folder: Path | None, epochs: int, repeats: int) -> dict[str, Any]:
    """The time of an epoch, resident and streamed."""
    from flaxnn import data

    images = data.load("fashion_mnist", data_dir=folder, download=False)
    with tempfile.TemporaryDirectory() as name:
        paths = [Path(name, f"{field}.npy") for field in ("images", "labels")]
        for path, array in zip(paths, images.arrays, strict=True):
            np.save(path, array)
        on_disk = data.from_npy(*paths)
        sides: dict[str, Side] = {
            "resident": lambda n: trained(images, n, stream=False),
            "streamed": lambda n: trained(images, n, stream=True),
            "streamed from disk": lambda n: trained(on_disk, n, stream=True),
        }
        return compared(sides, epochs, repeats)


def written(folder: Path, gigabytes: float) -> int:
    """Writes images and labels; a class is as bright as its number. Their bytes."""
    rows = math.ceil(gigabytes * 1e9 / math.prod(SHAPE))
    stream = np.random.default_rng(0)
    labels = stream.integers(0, CLASSES, rows)
    np.save(folder / "labels.npy", labels)
    with (folder / "images.npy").open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (rows, *SHAPE)}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, rows, PIECE):
            classes = labels[start : start + PIECE, None, None, None]
            noise = stream.integers(0, 128, (len(classes), *SHAPE), np.uint8)
            file.write((noise + 12 * classes.astype(np.uint8)).data)
    return sum(path.stat().st_size for path in folder.iterdir())


def train_on(folder: Path) -> None:
    """Trains on the written images; prints memory, time and losses as JSON."""
    from flaxnn import data, fit, nn, optim
    from flaxnn.random import Generator

    rngs = Generator(0)
    model = nn.Sequential(
        nn.Flatten(),
        nn.Linear(math.prod(SHAPE), 32, rngs=rngs),
        nn.ReLU(),
        nn.Linear(32, CLASSES, rngs=rngs),
    )
    images = data.from_npy(folder / "images.npy", folder / "labels.npy")
    start = time.perf_counter()
    with Watch() as watch:
        run = fit(
            model,
            data.DataLoader(images, MEMORY_BATCH, shuffle=True, rngs=rngs),
            loss=nn.CrossEntropyLoss(),
            optimizer=optim.sgd(lr=0.05),
            epochs=1,
            stream=True,
            progress=False,
        )
    losses = run.history["loss"]
    last = losses[-max(1, len(losses) // 10) :]
    report = {
        "rows": len(images),
        "steps": len(losses),
        "seconds": time.perf_counter() - start,
        "first loss": float(losses[0]),
        "mean of the last tenth": float(last.mean()),
        "VmHWM": status("VmHWM"),
        "RssAnon, largest seen": watch.most,
    }
    print(json.dumps(report))


class Watch:
    """The largest anonymous memory of this process, of which the system keeps none."""

    def __init__(self) -> None:
        self.most = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(0.02):
            self.most = max(self.most, status("RssAnon"))


def status(name: str) -> int:
    """A figure of this process's memory, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise SystemExit(f"this system does not say {name}")


def memory(gigabytes: float, parent: Path | None) -> dict[str, Any]:
    """The memory of a process that trains on so much data."""
    with tempfile.TemporaryDirectory(dir=parent) as name:
        size = written(Path(name), gigabytes)
        command = [sys.executable, __file__, "--train-on", name]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    report = json.loads(done.stdout)
    rate = size / report["seconds"] / 1e6
    return {"bytes": size, **report, "MB a second": rate, "limit": MOST_BYTES}


def failures(report: dict[str, Any]) -> list[str]:
    """What falls short."""
    time_, memory_ = report["time"], report["memory"]
    found = []
    if (ratio := time_["times resident"]["streamed"]) > MOST_TIME:
        found.append(f"streamed takes {ratio:.2f} times as long as resident")
    if not time_["same losses"]:
        found.append("the losses differ")
    if memory_["VmHWM"] > MOST_BYTES:
        found.append(f"the process had {memory_['VmHWM'] / 1e9:.2f} GB")
    if not memory_["mean of the last tenth"] < memory_["first loss"]:
        found.append("the run on the large data set did not learn")
    return found


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, help="directory of the images")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--gigabytes", type=float, default=4.0)
    parser.add_argument("--folder", type=Path, help="where to write them for a while")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--output", type=Path, help="also write the JSON here")
    parser.add_argument("--train-on", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    """Measures both and prints them."""
    options = arguments()
    if options.train_on:
        train_on(options.train_on)
        return 0
    from flaxnn._errors import DataNotFoundError
    from flaxnn.bench import machine

    try:
        timed = speed(options.data, options.epochs, options.repeats)
    except DataNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    report: dict[str, Any] = {
        "machine": machine(),
        "time": timed,
        "memory": memory(options.gigabytes, options.folder),
    }
    wrong = failures(report)
    report["passed"] = not wrong
    text = json.dumps(report, indent=1)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
    if options.json:
        print(text)
    else:
        for name, ratio in timed["times resident"].items():
            print(f"{name}: {ratio:.2f} times as long as resident")
        most, size = report["memory"]["VmHWM"], report["memory"]["bytes"]
        print(f"{size / 1e9:.2f} GB of data, {most / 1e9:.2f} GB of memory")
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
