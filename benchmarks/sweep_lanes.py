"""Hundreds of runs in one call: against PyTorch one by one, and a lane against `fit`.

    python benchmarks/sweep_lanes.py [--json] [--output FILE] [--quick]
        [--data DIR] [--threads N]

1. 256 seeds of the multinomial run of document 002, 10,001 steps each. Eight lanes are
   compared with PyTorch's own eager runs of their seeds, losses and parameters. The
   time is that of the whole call of `flaxnn.sweep`, models built and results returned;
   the first call, which compiles, is told apart. PyTorch's is the median of its eight
   runs times 256.
2. 64 seeds at four learning rates on wine, and eight seeds of the Fashion-MNIST
   perceptron for an epoch: sampled lanes against `fit` of that seed, in float32 (T2:
   four times the distance of PyTorch's own runs from weights one ulp apart) and in
   float64 (T1, the perceptron for 50 steps), and a lane's time against one `fit`.
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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from flaxnn.bench import machine

Arrays = tuple[np.ndarray, np.ndarray]

# What the first part wants: the largest difference, and PyTorch's time in ours.
CLOSE, FASTER = 1.5e-6, 400.0
# A lane's time in that of one `fit`, for small models and for wide ones.
SMALL, WIDE = 0.5, 1.0
RATES = (0.003, 0.01, 0.03, 0.1)
FLOAT64_STEPS = 50


@dataclass(frozen=True)
class Size:
    """How much is run.

    Attributes:
        seeds: Of the multinomial runs.
        steps: Of each of them.
        sampled: How many lanes are compared.
        wine_seeds: Of the runs on wine, at each learning rate.
        wine_steps: Of each of them.
        image_seeds: Of the perceptron.
        rows: Images of its epoch; all when None.
        judged: Whether times are.
    """

    seeds: int = 256
    steps: int = 10_001
    sampled: int = 8
    wine_seeds: int = 64
    wine_steps: int = 1_001
    image_seeds: int = 8
    rows: int | None = None
    judged: bool = True


QUICK = Size(16, 501, 2, 4, 101, 2, 1_000, judged=False)


def timed(call: Callable[[], Any], times: int) -> tuple[Any, float]:
    """Returns the last result and the median time."""
    seconds, result = [], None
    for _ in range(times):
        started = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - started)
    return result, statistics.median(seconds)


class TorchRun:
    """PyTorch's eager run of a seed."""

    def __init__(self, build: Callable[[Any], Any], seed: int, moved: float = 0.0):
        import torch

        torch.manual_seed(seed)
        self.model = build(torch.nn)
        if moved:
            with torch.no_grad():
                for parameter in self.model.parameters():
                    parameter.copy_(
                        torch.nextafter(parameter, torch.full_like(parameter, moved))
                    )

    def full_batches(self, data: Arrays, lr: float, steps: int) -> np.ndarray:
        """Returns the losses of so many steps on all rows."""
        import torch

        x, y = map(torch.from_numpy, data)
        return self._train(((x, y) for _ in range(steps)), lr)

    def epoch(self, data: Arrays, lr: float, batch_size: int) -> np.ndarray:
        """Returns the losses of one epoch of shuffled mini-batches."""
        import torch
        from torch.utils.data import DataLoader, TensorDataset

        images, labels = map(torch.from_numpy, data)
        x = images.to(torch.float32).div(255)
        loader = DataLoader(TensorDataset(x, labels), batch_size, shuffle=True)
        return self._train(loader, lr)

    def _train(self, batches: Any, lr: float) -> np.ndarray:
        import torch

        optimizer = torch.optim.SGD(self.model.parameters(), lr=lr)
        criterion, losses = torch.nn.CrossEntropyLoss(), []
        for x, y in batches:
            loss = criterion(self.model(x), y)
            losses.append(loss.detach())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return torch.stack(losses).numpy()

    def state(self) -> dict[str, np.ndarray]:
        """Returns the parameters."""
        return {name: t.numpy() for name, t in self.model.state_dict().items()}


def softmax(
    features: int, classes: int, n: Any, drawn_before: int = 0, **options: Any
) -> Any:
    """A softmax regression of either side's modules, as the document builds it."""
    if drawn_before:
        n.Linear(drawn_before, 1, **options)
    return n.Sequential(n.Linear(features, classes, **options))


def perceptron(n: Any, **options: Any) -> Any:
    """The document's perceptron, plain logits, of either side's modules."""
    return n.Sequential(
        n.Flatten(),
        n.Linear(28 * 28, 512, **options),
        n.ReLU(),
        n.Linear(512, 512, **options),
        n.ReLU(),
        n.Linear(512, 10, **options),
    )


def ours(build: Callable[..., Any], dtype: str = "float32") -> Callable[..., Any]:
    """Makes a run's model from its Generator."""
    import flaxnn

    def made(*, rngs: Any) -> Any:
        model = build(flaxnn.nn, rngs=rngs)
        return model if dtype == "float32" else flaxnn.astype(model, dtype)

    return made


def spread_over(count: int, sampled: int) -> list[int]:
    """So many lanes, the first and the last among them."""
    return sorted({int(k) for k in np.linspace(0, count - 1, sampled).round()})


def difference(one: Any, other: Any) -> float:
    one, other = (np.asarray(each).astype(np.float64) for each in (one, other))
    return float(np.abs(one - other).max())


def relative(one: Any, other: Any) -> float:
    return difference(one, other) / float(np.abs(np.asarray(other)).max())


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


def wine_data() -> Arrays:
    """The document's training split, standardised."""
    from flaxnn.data import load, train_test_split

    features, cultivars = load("wine").arrays
    x, _, y, _ = train_test_split(features, cultivars, test_size=0.3, random_state=0)
    return ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32), y


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

    together()
    result, seconds = timed(together, 3)
    alone(0)
    _, one = timed(partial(alone, 0), 5)
    lanes = spread_over(len(result), size.sampled)
    name = f"wine, {size.wine_seeds} seeds × {len(RATES)} rates"
    double = together("float64")
    shares, proof = [], 0.0
    for lane in lanes:
        lr, seed = result.records[lane]["lr"], result.records[lane]["seed"]
        variants = [
            TorchRun(build, seed, moved).full_batches(data, lr, size.wine_steps)
            for moved in (0.0, np.inf, -np.inf)
        ]
        mine = result.history["loss"][:, lane]
        shares += [
            share_of_limit(mine, alone(lane).history["loss"], variants),
            share_of_limit(mine, variants[0], variants),
        ]
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
        *lane_rows(name, max(shares), proof, seconds / len(result), one, SMALL, size),
        split_row(name, result, together),
    ]


def share_of_limit(
    ours: np.ndarray, theirs: np.ndarray, variants: Sequence[np.ndarray]
) -> float:
    """The largest distance so far as a share of what T2 lets pass."""
    from flaxnn._criteria import FLOORS, distances, spread

    limits = FLOORS * np.maximum(spread(variants), np.spacing(np.abs(theirs)))
    return float((np.maximum.accumulate(distances(theirs, ours)) / limits).max())


def lane_rows(
    name: str,
    share: float,
    proof: float,
    lane_s: float,
    one: float,
    wanted: float,
    size: Size,
) -> list[dict[str, Any]]:
    """The rows that both models of the second part have."""
    ratio = lane_s / one
    return [
        row(
            f"{name}: lanes against fit and PyTorch, share of T2's limit",
            share,
            "≤ 1",
            share <= 1,
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
        "0, and a warning",
        furthest == 0 and any("of memory at once" in text for text in said),
    )


def images(data: Path | None, rows: int | None) -> Arrays:
    """Fashion-MNIST's training images, or images drawn from a seed."""
    if rows is not None:
        rng = np.random.default_rng(0)
        drawn = rng.integers(0, 256, (rows, 28, 28), dtype=np.uint8)
        return drawn, rng.integers(0, 10, rows)
    from flaxnn.data import load

    raw = data if data and any(data.glob("train-images-idx3-ubyte*")) else None
    x, y = load(
        "fashion_mnist",
        data_dir=None if raw else data,
        raw_dir=raw,
        download=False,
    ).arrays
    return x, y


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

    together()
    result, seconds = timed(together, 3)
    alone(0)
    _, one = timed(partial(alone, 0), 3)
    steps = min(FLOAT64_STEPS, len(arrays[0]) // batch_size)
    double = together("float64", steps=steps)
    shares, proof = [], 0.0
    for lane in spread_over(size.image_seeds, 2):
        variants = [
            TorchRun(perceptron, lane, moved).epoch(arrays, lr, batch_size)
            for moved in (0.0, np.inf, -np.inf)
        ]
        mine = result.history["loss"][:, lane]
        shares += [
            share_of_limit(mine, alone(lane).history["loss"], variants),
            share_of_limit(mine, variants[0], variants),
        ]
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
    return lane_rows(name, max(shares), proof, seconds / len(result), one, WIDE, size)


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
