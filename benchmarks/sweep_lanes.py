# SPDX-License-Identifier: Apache-2.0
"""Hundreds of runs in one call: against PyTorch one by one, and a lane against `fit`.

    python benchmarks/sweep_lanes.py [--json] [--output FILE] [--quick]
        [--data DIR] [--threads N]

1. 256 seeds of the multinomial run of document 002, 10,001 steps each. Eight lanes are
   compared with PyTorch's own eager runs of their seeds, losses and parameters. The
   time is that of the whole call of `flaxnn.sweep`, models built and results returned;
   the first call, which compiles, is told apart. PyTorch's is the median of its eight
   runs times 256.
2. 64 seeds at four learning rates on wine, and eight seeds of the Fashion-MNIST
   perceptron for an epoch: sampled lanes against `fit` of that seed and against
   PyTorch, in float32 (T2: four times the distance between PyTorch's own runs, with
   other threads and from weights one ulp apart), and against `fit` in float64 (T1, the
   perceptron for 50 steps); and a lane's time against one `fit`.
3. Wine with so little memory that the sweep is split: the numbers of the whole.

`--quick` takes fewer runs and steps, images drawn from a seed, and judges no times.
Exits with 1 when a number is out of its grade, or a time is not what was wanted.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

# The file beside this one is a module of the project's scripts.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.sweep_sides import (
    QUICK,
    VARIANTS,
    Size,
    TorchRun,
    difference,
    images,
    ours,
    perceptron,
    relative,
    share_of_limit,
    softmax,
    spread_over,
    wine_data,
)
from flaxnn.bench import machine

# What the first part wants: the largest difference, and PyTorch's time in ours.
CLOSE, FASTER = 1.5e-6, 400.0
# A lane's time in that of one `fit`, for small models and for wide ones.
SMALL, WIDE = 0.5, 1.0
RATES = (0.003, 0.01, 0.03, 0.1)
FLOAT64_STEPS = 50


def timed(call: Callable[[], Any], times: int) -> tuple[Any, float]:
    """Returns the last result and the median time."""
    seconds, result = [], None
    for _ in range(times):
        started = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - started)
    return result, statistics.median(seconds)


def taking_turns(
    one: Callable[[], Any], other: Callable[[], Any], turns: int
) -> tuple[Any, float, float]:
    """Returns the first call's last result, and the median time of each."""
    for call in (one, other):  # Both are compiled.
        call()
    pairs, result = [], None
    for _ in range(turns):
        result, first = timed(one, 1)
        pairs.append((first, timed(other, 1)[1]))
    firsts, seconds = zip(*pairs, strict=True)
    return result, statistics.median(firsts), statistics.median(seconds)


def row(what: str, value: float, wanted: str, passed: bool | None) -> dict[str, Any]:
    return {"what": what, "value": value, "wanted": wanted, "passed": passed}


def multinomial(size: Size) -> list[dict[str, Any]]:
    """Every seed of the document's run in one call, against PyTorch one by one."""
    import flaxnn
    from flaxnn.data import documents

    build = partial(softmax, 4, 3, drawn_before=1)
    data = documents.multinomial()
    call = partial(
        flaxnn.sweep,
        ours(build),
        data,
        loss=flaxnn.nn.CrossEntropyLoss(),
        optimizer=flaxnn.optim.sgd,
        lr=0.01,
        seeds=range(size.seeds),
        steps=size.steps,
    )
    _, first = timed(call, 1)
    result, seconds = timed(call, 3)
    lanes = spread_over(size.seeds, size.sampled)
    furthest, theirs_s = 0.0, []
    TorchRun(build, 0).full_batches(data, 0.01, 100)  # the first steps are slower
    for lane in lanes:
        started = time.perf_counter()
        run = TorchRun(build, lane)
        losses = run.full_batches(data, 0.01, size.steps)
        theirs_s.append(time.perf_counter() - started)
        ours_state = result.model(lane).state_dict()
        furthest = max(
            furthest,
            difference(result.history["loss"][:, lane], losses),
            *(difference(ours_state[n], t) for n, t in run.state().items()),
        )
    theirs = statistics.median(theirs_s) * size.seeds
    name = f"multinomial, {size.seeds} seeds × {size.steps:,} steps"
    ratio, again = theirs / seconds, theirs / first
    return [
        row(
            f"{name}: largest difference of {len(lanes)} lanes from PyTorch",
            furthest,
            f"≤ {CLOSE:g}",
            furthest <= CLOSE,
        ),
        row(f"{name}: seconds of the call", seconds, "", None),
        row(f"{name}: seconds of the first call, with compilation", first, "", None),
        row(
            f"{name}: seconds of PyTorch eager, the median of {len(lanes)} scaled",
            theirs,
            "",
            None,
        ),
        row(
            f"{name}: PyTorch's time in ours",
            ratio,
            f"≥ {FASTER:g}",
            ratio >= FASTER if size.judged else None,
        ),
        row(f"{name}: the same with our compilation", again, "", None),
    ]


def wine(size: Size) -> list[dict[str, Any]]:
    """Seeds times learning rates on wine: lanes against `fit`, whole and split."""
    import flaxnn
    from flaxnn.random import Generator

    build, data = partial(softmax, 13, 3), wine_data()
    loss = flaxnn.nn.CrossEntropyLoss()

    def alone(lane: int, dtype: str = "float32") -> Any:
        record = result.records[lane]
        return flaxnn.fit(
            ours(build, dtype)(rngs=Generator(record["seed"])),
            data,
            loss=loss,
            optimizer=flaxnn.optim.sgd(lr=record["lr"]),
            steps=size.wine_steps,
        )

    def together(dtype: str = "float32", **options: Any) -> Any:
        return flaxnn.sweep(
            ours(build, dtype),
            data,
            loss=loss,
            optimizer=flaxnn.optim.sgd,
            lr=list(RATES),
            seeds=range(size.wine_seeds),
            steps=size.wine_steps,
            **options,
        )

    result = together()
    result, seconds, one = taking_turns(together, partial(alone, 0), 5)
    lanes = spread_over(len(result), size.sampled)
    name = f"wine, {size.wine_seeds} seeds × {len(RATES)} rates"
    double = together("float64")
    to_fit, to_torch, proof = [], [], 0.0
    for lane in lanes:
        lr, seed = result.records[lane]["lr"], result.records[lane]["seed"]
        variants = [
            TorchRun(build, seed, variant).full_batches(data, lr, size.wine_steps)
            for variant in VARIANTS
        ]
        mine = result.history["loss"][:, lane]
        to_fit.append(share_of_limit(mine, alone(lane).history["loss"], variants))
        to_torch.append(share_of_limit(mine, variants[0], variants))
        run = alone(lane, "float64")
        theirs = run.model.state_dict()
        proof = max(
            proof,
            relative(double.history["loss"][:, lane], run.history["loss"]),
            *(
                relative(v, theirs[n])
                for n, v in double.model(lane).state_dict().items()
            ),
        )
    return [
        *lane_rows(
            name,
            (max(to_fit), max(to_torch), proof),
            seconds / len(result),
            one,
            SMALL,
            size,
        ),
        split_row(name, result, together),
    ]


def lane_rows(
    name: str,
    found: tuple[float, float, float],
    lane_s: float,
    one: float,
    wanted: float,
    size: Size,
) -> list[dict[str, Any]]:
    """The rows that both models of the second part have."""
    ratio = lane_s / one
    to_fit, to_torch, proof = found
    return [
        row(f"{name}: lanes against fit, of T2's limit", to_fit, "≤ 1", to_fit <= 1),
        row(
            f"{name}: lanes against PyTorch, of T2's limit",
            to_torch,
            "≤ 1",
            to_torch <= 1,
        ),
        row(
            f"{name}: lanes against fit in float64, relative",
            proof,
            "≤ 1e-12",
            proof <= 1e-12,
        ),
        row(f"{name}: seconds for each lane", lane_s, "", None),
        row(f"{name}: seconds of one fit", one, "", None),
        row(
            f"{name}: a lane's time in that of one fit",
            ratio,
            f"≤ {wanted:g}",
            ratio <= wanted if size.judged else None,
        ),
    ]


def split_row(name: str, whole: Any, together: Callable[..., Any]) -> dict[str, Any]:
    """A sweep that does not fit the memory gives the numbers of one that does."""
    memory, split, said = 2.0**30, whole, []
    while len(split.groups) == 1:
        memory /= 2
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            split = together(memory=memory)
        said = [str(warning.message) for warning in caught]
    furthest = max(
        difference(split.history["loss"], whole.history["loss"]),
        *(
            difference(a, b)
            for k in range(len(whole))
            for a, b in zip(
                split.model(k).state_dict().values(),
                whole.model(k).state_dict().values(),
                strict=True,
            )
        ),
    )
    return row(
        f"{name}: split into {len(split.groups)} groups by {memory / 2**20:g} MiB, "
        "largest difference",
        furthest,
        f"≤ {CLOSE:g}, told",
        furthest <= CLOSE and any("of memory at once" in text for text in said),
    )


def fashion_mnist(size: Size, data: Path | None) -> list[dict[str, Any]]:
    """Seeds of the perceptron for an epoch: lanes against `fit` of their seed."""
    import flaxnn
    from flaxnn.data import DataLoader
    from flaxnn.random import Generator

    arrays, lr, batch_size = images(data, size.rows), 0.1, 64
    loss = flaxnn.nn.CrossEntropyLoss()

    def alone(seed: int, dtype: str = "float32", **length: Any) -> Any:
        generator = Generator(seed)
        model = ours(perceptron, dtype)(rngs=generator)
        loader = DataLoader(arrays, batch_size, shuffle=True, rngs=generator)
        optimizer = flaxnn.optim.sgd(lr=lr)
        length = length or {"epochs": 1}
        return flaxnn.fit(model, loader, loss=loss, optimizer=optimizer, **length)

    def together(dtype: str = "float32", **length: Any) -> Any:
        length = length or {"epochs": 1}
        return flaxnn.sweep(
            ours(perceptron, dtype),
            arrays,
            loss=loss,
            optimizer=flaxnn.optim.sgd,
            lr=lr,
            seeds=range(size.image_seeds),
            batch_size=batch_size,
            shuffle=True,
            **length,
        )

    result, seconds, one = taking_turns(together, partial(alone, 0), 3)
    steps = min(FLOAT64_STEPS, len(arrays[0]) // batch_size)
    double = together("float64", steps=steps)
    to_fit, to_torch, proof = [], [], 0.0
    for lane in spread_over(size.image_seeds, 2):
        variants = [
            TorchRun(perceptron, lane, variant).epoch(arrays, lr, batch_size)
            for variant in VARIANTS
        ]
        mine = result.history["loss"][:, lane]
        to_fit.append(share_of_limit(mine, alone(lane).history["loss"], variants))
        to_torch.append(share_of_limit(mine, variants[0], variants))
        run = alone(lane, "float64", steps=steps)
        theirs = run.model.state_dict()
        proof = max(
            proof,
            relative(double.history["loss"][:, lane], run.history["loss"]),
            *(
                relative(v, theirs[n])
                for n, v in double.model(lane).state_dict().items()
            ),
        )
    name = f"perceptron, {size.image_seeds} seeds × {len(arrays[0]):,} images"
    found = max(to_fit), max(to_torch), proof
    return lane_rows(name, found, seconds / len(result), one, WIDE, size)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--output", type=Path, help="file to write the results to")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--data", type=Path, help="folder with fashion_mnist/")
    parser.add_argument("--threads", type=int, help="of both sides; all cores if not")
    return parser.parse_args()


def pin(threads: int | None) -> int:
    """Holds both sides to so many cores; before JAX and PyTorch are loaded."""
    cores = sorted(os.sched_getaffinity(0))
    count = min(threads or len(cores), len(cores))
    os.sched_setaffinity(0, cores[:count])
    os.environ["OMP_NUM_THREADS"] = str(count)
    return count


def main() -> int:
    options = arguments()
    threads = pin(options.threads)
    import torch

    torch.set_num_threads(threads)
    size = QUICK if options.quick else Size()
    before = machine()
    rows = [*multinomial(size), *wine(size), *fashion_mnist(size, options.data)]
    result = {
        "machine": before,
        "threads": threads,
        "quick": options.quick,
        "rows": rows,
        "passed": all(each["passed"] is not False for each in rows),
    }
    text = json.dumps(result, indent=1, ensure_ascii=False)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
    if options.json:
        print(text)
    else:
        print(f"{before['processor']}, {threads} threads, {before['versions']}")
        for each in rows:
            verdict = {True: "passed", False: "NOT PASSED", None: ""}[each["passed"]]
            judged = f"{each['wanted']:<18}{verdict:<12}"
            print(f"{each['value']:>12.4g}  {judged}{each['what']}")
    return 0 if result["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
