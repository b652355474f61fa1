# SPDX-License-Identifier: Apache-2.0
"""What it costs to record a PyTorch run.

    python benchmarks/recording.py [--steps 200] [--turns 7] [--threads 1] [--json]
        [--output FILE] [--data DIRECTORY]

The Fashion-MNIST MLP, 784-512-512-10 at batch 64 in shuffled batches, is trained with
SGD and with Adam, plain and recorded, in turns that change their order. A time is that
of the whole loop, closing the trace included, and the figures are medians of the ratios
of neighbouring turns. Random pixels stand in where the images are not found. Exits with
1 when recording doubles the time or writes 200 MB, at default sampling, or changes the
parameters that come out.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from flaxnn import data, parity  # noqa: E402
from flaxnn.bench import machine  # noqa: E402

BATCH = 64
MOST_TIME, MOST_BYTES = 2.0, 200e6
OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "SGD": lambda parameters: torch.optim.SGD(parameters, lr=0.01),
    "Adam": lambda parameters: torch.optim.Adam(parameters, lr=0.001),
}


def recorder() -> Any:
    """The recorder as a user has it: a file of its own."""
    spec = importlib.util.spec_from_file_location("recorder", parity.recorder_path())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def images(folder: Path | None) -> tuple[str, torch.Tensor, torch.Tensor]:
    """What the data are, and the pixels and labels."""
    try:
        pixels, labels = data.load("fashion_mnist", data_dir=folder).arrays
        name = "Fashion-MNIST"
    except FileNotFoundError:
        chance = np.random.default_rng(0)
        pixels = chance.integers(0, 256, (60_000, 28, 28), np.uint8)
        labels, name = chance.integers(0, 10, 60_000), "random pixels"
    inputs = torch.tensor(np.asarray(pixels), dtype=torch.float32).div_(255)
    return name, inputs, torch.tensor(np.asarray(labels), dtype=torch.int64)


def run(
    kind: str, inputs: torch.Tensor, target: torch.Tensor, steps: int, path: Path | None
) -> tuple[float, list[torch.Tensor]]:
    """Trains; returns the seconds of the loop, and the parameters."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Flatten(),
        torch.nn.Linear(784, 512),
        torch.nn.ReLU(),
        torch.nn.Linear(512, 512),
        torch.nn.ReLU(),
        torch.nn.Linear(512, 10),
    )
    optimizer = OPTIMIZERS[kind](model.parameters())
    criterion = torch.nn.CrossEntropyLoss()
    order = torch.randperm(len(inputs)).split(BATCH)
    recording = (
        nullcontext() if path is None else RECORDER.record(model, optimizer, path)
    )
    start = time.perf_counter()
    with recording:
        for step in range(steps):
            rows = order[step % (len(order) - 1)]
            optimizer.zero_grad()
            criterion(model(inputs[rows]), target[rows]).backward()
            optimizer.step()
    return time.perf_counter() - start, [p.detach() for p in model.parameters()]


def measure(
    kind: str, inputs: torch.Tensor, target: torch.Tensor, steps: int, turns: int
) -> dict[str, Any]:
    """Plain and recorded runs in turns."""
    times: dict[bool, list[float]] = {False: [], True: []}
    size, same = 0, True
    run(kind, inputs, target, steps, None)
    for turn in range(turns):
        ends = []
        for recorded in (False, True) if turn % 2 else (True, False):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "run.trace")
                place = path if recorded else None
                seconds, parameters = run(kind, inputs, target, steps, place)
                times[recorded].append(seconds)
                if recorded:
                    size = sum(file.stat().st_size for file in path.iterdir())
                    assert parity.Trace.open(path).ended == "finished"
            ends.append(parameters)
        same &= all(torch.equal(a, b) for a, b in zip(*ends, strict=True))
    ratios = [b / a for a, b in zip(times[False], times[True], strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return {
        "ms per step": 1e3 * statistics.median(times[False]) / steps,
        "ms per recorded step": 1e3 * statistics.median(times[True]) / steps,
        "ratio": {"median": middle, "from": low, "to": high},
        "bytes": size,
        "same parameters": same,
    }


def failures(found: dict[str, dict[str, Any]]) -> list[str]:
    """What falls short."""
    wrong = []
    for kind, one in found.items():
        if one["ratio"]["median"] >= MOST_TIME:
            wrong.append(f"{kind}: {one['ratio']['median']:.2f} times the time")
        if one["bytes"] >= MOST_BYTES:
            wrong.append(f"{kind}: {one['bytes'] / 1e6:.0f} MB")
        if not one["same parameters"]:
            wrong.append(f"{kind}: recording changes the parameters")
    return wrong


def main() -> int:
    """Measures and prints what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--output", type=Path, help="also write the JSON here")
    parser.add_argument("--data", type=Path, help="where Fashion-MNIST is")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    name, inputs, target = images(options.data)
    found = {
        kind: measure(kind, inputs, target, options.steps, options.turns)
        for kind in OPTIMIZERS
    }
    wrong = failures(found)
    report = {
        "machine": {**machine(), "torch": torch.__version__},
        "threads": torch.get_num_threads(),
        "data": name,
        "batch": BATCH,
        "steps": options.steps,
        "turns": options.turns,
        "optimizers": found,
        "limits": {"time": MOST_TIME, "bytes": MOST_BYTES},
        "passed": not wrong,
    }
    text = json.dumps(report, indent=1)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
    if options.json:
        print(text)
    else:
        print(f"{name}, {options.steps} steps, torch {torch.__version__}, ", end="")
        print(f"{torch.get_num_threads()} threads")
        for kind, one in found.items():
            print(
                f"{kind}: {one['ms per step']:.2f} ms a step, recorded "
                f"{one['ms per recorded step']:.2f} ms ({one['ratio']['median']:.2f} "
                f"times), {one['bytes'] / 1e6:.0f} MB"
            )
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


RECORDER = recorder()

if __name__ == "__main__":
    sys.exit(main())
