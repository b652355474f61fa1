# SPDX-License-Identifier: Apache-2.0
"""What the engine costs beside a bare scan over the same epochs.

    python benchmarks/engine_overhead.py [--data DIR] [--epochs 8] [--repeats 5]
                                         [--json] [--output FILE]

The documents' net on the real Fashion-MNIST, batches of 64, SGD, in one process. Three
sides take turns, each compiled before it is timed:

- a bare `lax.scan` of the training step over each epoch's rows, the order drawn and
  the losses fetched;
- `fit` alone;
- `fit` with a progress bar, the history written as JSON lines, and an asynchronous
  checkpoint every 200 steps, from the call to the last byte on the disk.

The figure is the median of the ratios of neighbouring turns; the last side has to
reach 0.95 of the bare scan's speed. Exits with 1 when it does not, with 2 when there
are no images.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn import data, fit, models, nn, optim
from flaxnn._errors import DataNotFoundError
from flaxnn.bench import machine
from flaxnn.random import Generator
from flaxnn.training import Checkpoints, TrainState, make_train_step
from flaxnn.training._loop import take
from flaxnn.training.callbacks import JSONLines

Side = Callable[..., np.ndarray]

BATCH, LR, EVERY, LIMIT = 64, 1e-3, 200, 0.95


def bare(images: data.Dataset, epochs: int) -> np.ndarray:
    """The losses of a scan written by hand."""
    rngs = Generator(0)
    model = models.NeuralNetwork(rngs=rngs)
    optimizer = optim.sgd(lr=LR)
    step = make_train_step(model, nn.CrossEntropyLoss(), optimizer)
    state = TrainState.create(model, optimizer)
    arrays = tuple(jax.device_put(array) for array in images.arrays)
    table = jnp.asarray(data.pixel_table())
    loader = data.DataLoader(images, BATCH, shuffle=True, rngs=rngs)
    losses = []
    for _ in range(epochs):
        epoch = loader.epoch()
        order = epoch.order().astype(np.int32)
        whole = len(order) // BATCH * BATCH
        rows = order[:whole].reshape(-1, BATCH)
        state, values = _scan(step, state, arrays, table, rows)
        losses.append(values)
        if whole < len(order):
            state, values = _scan(step, state, arrays, table, order[None, whole:])
            losses.append(values)
        epoch.finish()
    return np.concatenate([np.asarray(values) for values in losses])


@jax.jit(donate_argnames="state")
def _scan(step, state, arrays, table, rows):
    def body(state, chosen):
        state, metrics = step(state, take(arrays, chosen, table))
        return state, metrics["loss"]

    return jax.lax.scan(body, state, rows)


def engine(images: data.Dataset, epochs: int, **options) -> np.ndarray:
    """The losses of `fit`."""
    rngs = Generator(0)
    run = fit(
        models.NeuralNetwork(rngs=rngs),
        data.DataLoader(images, BATCH, shuffle=True, rngs=rngs),
        loss=nn.CrossEntropyLoss(),
        optimizer=optim.sgd(lr=LR),
        epochs=epochs,
        **options,
    )
    return run.history["loss"]


def equipped(images: data.Dataset, epochs: int) -> np.ndarray:
    """The losses of `fit` with all that a long run wants."""
    with tempfile.TemporaryDirectory() as name, redirect_stderr(io.StringIO()):
        return engine(
            images,
            epochs,
            progress=True,
            callbacks=[JSONLines(Path(name) / "history.jsonl")],
            checkpoints=Checkpoints(Path(name) / "checkpoints", every=EVERY),
        )


def seconds(
    side: Callable[..., np.ndarray], images: data.Dataset, epochs: int
) -> float:
    """The wall time of one turn."""
    start = time.perf_counter()
    losses = side(images, epochs)
    taken = time.perf_counter() - start
    if not np.isfinite(losses).all():
        raise SystemExit("a loss is not finite")
    return taken


def main() -> int:
    """Times the sides in turns and prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="directory of the images")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--output", type=Path, help="also write the JSON here")
    options = parser.parse_args()
    try:
        images = data.load("fashion_mnist", data_dir=options.data, download=False)
    except DataNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    sides = {"bare scan": bare, "fit": engine, "fit, equipped": equipped}
    losses = {name: side(images, 1) for name, side in sides.items()}
    furthest = max(np.abs(v - losses["bare scan"]).max() for v in losses.values())
    turns = [
        {name: seconds(side, images, options.epochs) for name, side in sides.items()}
        for _ in range(options.repeats)
    ]
    ratios = {
        name: statistics.median(turn["bare scan"] / turn[name] for turn in turns)
        for name in sides
    }
    report = {
        "epochs": options.epochs,
        "seconds_per_epoch": {
            name: statistics.median(turn[name] for turn in turns) / options.epochs
            for name in sides
        },
        "speed_beside_bare_scan": ratios,
        "turns": turns,
        "largest_difference_of_losses": float(furthest),
        "limit": LIMIT,
        "machine": machine(),
    }
    text = json.dumps(report, indent=2)
    if options.output:
        options.output.write_text(text + "\n")
    if options.json:
        print(text)
    else:
        for name, value in report["seconds_per_epoch"].items():
            print(f"{name:14} {value:6.3f} s an epoch, {ratios[name]:.3f} of the speed")
    return 0 if ratios["fit, equipped"] >= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
