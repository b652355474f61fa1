# SPDX-License-Identifier: Apache-2.0
"""flaxnn's estimators beside scikit-learn's: accuracy, minimum and time.

    python benchmarks/estimators_vs_sklearn.py [--json] [--output FILE] [--data DIR]
        [--quick] [--rounds 3] [--threads 1] [--only mlp|logistic]

MLPClassifier on Fashion-MNIST's 60,000 images in float32: one hidden layer of 100
units, Adam at 0.001, 20 epochs in batches of 200, which are scikit-learn's defaults but
for the number of epochs, and nothing stops either side before. Each side is a process
of its own on the same processors, with as many threads; they take turns, each turn with
a seed of its own. The first fit, which compiles, is apart: ``compile_s`` is what it
took more than the median of the others, ``ratio_with_compilation`` has the median and
the compilation. The mean accuracy on the 10,000 test images may differ by half a per
cent; from one epoch to the next it moves by as much, so it is the mean of nine seeds.

The rows of LogisticRegression are those of `logistic_vs_sklearn.py`.

``--data`` is a folder with ``fashion_mnist/train-images-idx3-ubyte.gz`` and its three
companions. ``--quick`` takes 5,000 images and 3 epochs, to see that all of it runs, and
holds no times.

Exits with 1 when an accuracy, a coefficient or an objective is off, or the time more
than half of scikit-learn's.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

# The package and the other scripts, also where the package is not installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.sklearn_sides import SIDES, Worker, pin, serve

ACCURACY, TIME = 0.005, 0.5
SEEDS = 9


def mlp_row(
    *, samples: int, epochs: int, rounds: int, threads: int, timed: bool = True
) -> dict[str, Any]:
    """Returns the comparison of both sides' MLPClassifier.

    Args:
        samples: How many images.
        epochs: How many epochs.
        rounds: How often both sides take turns after the first fit.
        threads: Processors, and threads, of each side.
        timed: Whether the times are held to the limit.
    """
    task = {"samples": samples, "epochs": epochs, "threads": threads}
    sides = {name: Worker(__file__, {**task, "side": name}) for name in SIDES}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in SIDES}
    try:
        for seed in range(rounds + 1):
            # The side that begins changes from turn to turn.
            for name in SIDES if seed % 2 else SIDES[::-1]:
                found[name].append(sides[name].fit(seed))
    finally:
        for side in sides.values():
            side.close()
    seconds = {
        name: statistics.median(fit["seconds"] for fit in fits[1:])
        for name, fits in found.items()
    }
    accuracy = {
        name: statistics.mean(fit["accuracy"] for fit in fits)
        for name, fits in found.items()
    }
    compiling = max(0.0, found["flaxnn"][0]["seconds"] - seconds["flaxnn"])
    ratio = seconds["flaxnn"] / seconds["scikit-learn"]
    included = (seconds["flaxnn"] + compiling) / seconds["scikit-learn"]
    apart = abs(accuracy["flaxnn"] - accuracy["scikit-learn"])
    return {
        "what": "MLPClassifier, fashion_mnist",
        "dtype": "float32",
        "samples": samples,
        "epochs": epochs,
        "rounds": rounds,
        "threads": threads,
        "sklearn_s": seconds["scikit-learn"],
        "flaxnn_s": seconds["flaxnn"],
        "compile_s": compiling,
        "ratio": ratio,
        "ratio_with_compilation": included,
        "sklearn_accuracy": accuracy["scikit-learn"],
        "flaxnn_accuracy": accuracy["flaxnn"],
        "accuracies_apart": apart,
        "limit_of_accuracy": ACCURACY,
        "limit_of_time": TIME if timed else None,
        # In a quick run the few images make the accuracies noisy.
        "passed": not timed or (apart <= ACCURACY and ratio <= TIME),
    }


def work(task: dict[str, Any]) -> None:
    """What a worker does with its task."""
    pin(task["threads"])
    x, y = _images("train", task["samples"])
    test_x, test_y = _images("test", None)
    if task["side"] == "flaxnn":
        from flaxnn.estimators import MLPClassifier
    else:
        from sklearn.neural_network import MLPClassifier
    # That so few epochs do not converge is known.
    warnings.simplefilter("ignore")

    def fit(seed: int) -> dict[str, float]:
        net = MLPClassifier(
            max_iter=task["epochs"],
            n_iter_no_change=task["epochs"] + 1,
            random_state=seed,
        )
        start = time.perf_counter()
        net.fit(x, y)
        seconds = time.perf_counter() - start
        assert net.n_iter_ == task["epochs"]
        return {"seconds": seconds, "accuracy": float(net.score(test_x, test_y))}

    serve(fit)


def _images(split: str, samples: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Pixels in [0, 1] and classes of Fashion-MNIST."""
    from flaxnn import data

    images, y = data.load("fashion_mnist", split).arrays
    x = images[:samples].reshape(-1, 784).astype(np.float32)
    return x / np.float32(255), y[:samples].astype(np.int64)


def lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Returns a line for each row of MLPClassifier, for a reader.

    Args:
        rows: Of `mlp_row`.
    """
    found = []
    for row in rows:
        mark = "ok " if row["passed"] else "OFF"
        found.append(
            f"{mark} {row['what']}, {row['samples']:,} images, {row['epochs']} epochs: "
            f"{row['flaxnn_s']:.2f} s and {row['compile_s']:.2f} s of compiling, "
            f"scikit-learn {row['sklearn_s']:.2f} s: ratio {row['ratio']:.2f}, with "
            f"compiling {row['ratio_with_compilation']:.2f}; accuracy "
            f"{row['flaxnn_accuracy']:.4f}, scikit-learn {row['sklearn_accuracy']:.4f}"
        )
    return found


def main() -> int:
    """Runs all rows; returns 1 when one is off."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", choices=("mlp", "logistic"))
    parser.add_argument("--worker", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker)
        return 0
    if options.data is not None:
        os.environ["FLAXNN_DATA_DIR"] = str(options.data.resolve())
    from benchmarks import logistic_vs_sklearn as logistic
    from flaxnn.bench import machine

    quick, rounds = options.quick, 1 if options.quick else options.rounds
    networks, regressions = [], []
    if options.only != "logistic":
        networks = [
            mlp_row(
                samples=5_000 if quick else 60_000,
                epochs=3 if quick else 20,
                rounds=rounds if quick else max(rounds, SEEDS - 1),
                threads=options.threads,
                timed=not quick,
            )
        ]
    if options.only != "mlp":
        regressions = logistic.coefficient_rows()
        if not quick:
            regressions += logistic.speed_rows(60_000, rounds, options.threads)
    rows = networks + regressions
    text = json.dumps({"machine": machine(), "rows": rows}, indent=2)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
    said = [*lines(networks), *logistic.lines(regressions)]
    print(text if options.json else "\n".join(said))
    return 0 if all(row["passed"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
