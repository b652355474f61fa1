# SPDX-License-Identifier: Apache-2.0
"""Every optimiser beside PyTorch (error) and beside optax (time of an update).

    python benchmarks/optimizers.py [NAME ...] [--json] [--output FILE]
        [--skip errors|times] [--rounds 15]

Errors are those of runs of 200 steps on the two nets of the contract tests, for every
optimiser of the table and all its options, against the PyTorch that is installed: in
float64 the largest relative error of a tensor (T1), in float32 the distance of the
losses as a share of T2's limit, four times the distance of PyTorch's own runs from
weights one ulp apart.

A time is the median of one update of a tree of ten million float32 parameters, with
parameters and state donated, beside optax's own counterpart where there is one. Both
sides take turns; the ratio is the median of the rounds' ratios. optax's formulas are
not PyTorch's; their arguments are set as alike as they can be.

Each table has the worst first. Exits with 1 when an error is out of its grade or a
ratio above 1.1.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from rich.console import Console
from rich.table import Table

# The runs are the contract tests' own.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from flaxnn import optim
from flaxnn.bench import machine
from tests.contract import oracle
from tests.contract.registry import RUNS
from tests.contract.training import PROBLEMS, T1, relative_errors, train

SLOWEST, UPDATES = 1.1, 3
# A few large leaves and many small ones, as a transformer's: ten million numbers.
SHAPES = (
    *[(1024, 1024)] * 8,
    *[(512, 512)] * 4,
    *[(256, 256)] * 8,
    *[(1024,)] * 32,
    (1000, 10),
)

Transform = optax.GradientTransformation

# Ours, its name's options, and optax's counterpart.
TIMED: tuple[tuple[str, dict[str, Any], Transform | None], ...] = (
    ("sgd", {}, optax.sgd(1e-3)),
    ("sgd", {"momentum": 0.9}, optax.sgd(1e-3, 0.9)),
    ("sgd", {"momentum": 0.9, "nesterov": True}, optax.sgd(1e-3, 0.9, True)),
    ("adam", {}, optax.adam(1e-3)),
    ("adam", {"amsgrad": True}, optax.amsgrad(1e-3)),
    ("adamw", {}, optax.adamw(1e-3, weight_decay=1e-2)),
    ("adamax", {}, optax.adamax(2e-3)),
    ("nadam", {}, optax.nadam(2e-3)),
    (
        "nadam",
        {"weight_decay": 1e-2, "decoupled_weight_decay": True},
        optax.nadamw(2e-3, weight_decay=1e-2),
    ),
    ("radam", {}, optax.radam(1e-3)),
    ("adagrad", {}, optax.adagrad(1e-2)),
    ("adadelta", {}, optax.adadelta(1.0)),
    ("rmsprop", {}, optax.rmsprop(1e-2, 0.99)),
    ("rmsprop", {"centered": True}, optax.rmsprop(1e-2, 0.99, centered=True)),
    ("rmsprop", {"momentum": 0.9}, optax.rmsprop(1e-2, 0.99, momentum=0.9)),
    ("rprop", {}, optax.rprop(1e-2)),
    ("asgd", {}, None),
)


def errors(names: Sequence[str]) -> list[dict[str, Any]]:
    """Returns a row for each optimiser, options and net, the worst first."""
    rows = []
    for optimizer, case in RUNS:
        if names and optimizer.name not in names:
            continue
        for net in PROBLEMS:
            runs = (f(net, optimizer, case, "float64") for f in (train, oracle.train))
            each = relative_errors(*runs)
            losses = train(net, optimizer, case, "float32")["losses"]
            noise = oracle.noise(net, optimizer, case, losses)
            worst = max(each, key=each.__getitem__)
            rows.append(
                {
                    "optimizer": f"{optimizer.name}-{case.name}",
                    "net": net,
                    "float64": each[worst],
                    "worst tensor": worst,
                    "float32 distance": float(noise.distance[-1]),
                    "PyTorch's own": float(noise.floor[-1]),
                    "share of T2": noise.share,
                    "passed": each[worst] <= T1 and noise.share <= 1,
                }
            )
    return sorted(rows, key=lambda r: max(r["float64"] / T1, r["share of T2"]))[::-1]


class Side:
    """A transformation compiled for the tree, with parameters and state of its own."""

    def __init__(self, transform: Transform, params: Any, grads: Any):
        @partial(jax.jit, donate_argnums=(0, 1))
        def update(params: Any, state: Any, grads: Any) -> tuple[Any, Any]:
            updates, state = transform.update(grads, state, params)
            return optax.apply_updates(params, updates), state

        state = transform.init(params)
        # Two leaves of a state may be one array, which cannot be donated twice.
        self.carry = jax.tree.map(jnp.copy, (params, state))
        self.grads = grads
        started = time.perf_counter()
        self.update: Callable[..., Any] = update.lower(*self.carry, grads).compile()
        self.compile_s = time.perf_counter() - started
        self.seconds()

    def seconds(self) -> float:
        """Returns how long one update takes, the mean of a few."""
        started = time.perf_counter()
        for _ in range(UPDATES):
            self.carry = self.update(*self.carry, self.grads)
        jax.block_until_ready(self.carry)
        return (time.perf_counter() - started) / UPDATES


def timed(
    name: str, options: dict[str, Any], theirs: Transform | None, rounds: int
) -> dict[str, Any]:
    """Returns the medians of both sides and of their ratio, round by round."""
    rng = np.random.default_rng(0)
    params, grads = (
        [jnp.asarray(size * rng.normal(size=s).astype(np.float32)) for s in SHAPES]
        for size in (1.0, 0.01)
    )
    transforms = {"ours": getattr(optim, name)(**options), "optax": theirs}
    sides = {k: Side(t, params, grads) for k, t in transforms.items() if t is not None}
    samples: dict[str, list[float]] = {side: [] for side in sides}
    for number in range(rounds):
        order = list(sides) if number % 2 else list(sides)[::-1]
        for side in order:
            samples[side].append(sides[side].seconds())
    medians = {side: 1e3 * statistics.median(s) for side, s in samples.items()}
    ratio = None
    if theirs is not None:
        pairs = zip(samples["ours"], samples["optax"], strict=True)
        ratio = statistics.median(a / b for a, b in pairs)
    said = ", ".join(f"{k}={v}" for k, v in options.items())
    return {
        "optimizer": f"{name}({said})",
        "ours ms": medians["ours"],
        "optax ms": medians.get("optax"),
        "ratio": ratio,
        "compile s": sides["ours"].compile_s,
        "passed": ratio is None or ratio <= SLOWEST,
    }


def times(names: Sequence[str], rounds: int) -> list[dict[str, Any]]:
    """Returns a row for each optimiser that is timed, the slowest first."""
    chosen = [entry for entry in TIMED if not names or entry[0] in names]
    rows = [timed(*entry, rounds) for entry in chosen]
    return sorted(rows, key=lambda row: -(row["ratio"] or 0.0))


def table(title: str, rows: list[dict[str, Any]]) -> Table:
    """Returns the rows for a terminal."""
    shown = Table(title=title, box=None, header_style="dim", pad_edge=False)
    for index, column in enumerate(rows[0]):
        shown.add_column(column, no_wrap=True, justify="right" if index else "left")
    for row in rows:
        shown.add_row(*map(_text, row.values()))
    return shown


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "NO"
    if isinstance(value, float):
        return f"{value:.2f}" if 0.01 <= value < 1000 else f"{value:.1e}"
    return "" if value is None else str(value)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help="optimisers; all when none")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--output", type=Path, help="file to write the results to")
    parser.add_argument("--skip", choices=("errors", "times"))
    parser.add_argument("--rounds", type=int, default=15)
    return parser.parse_args()


def main() -> int:
    options = arguments()
    torch.set_num_threads(1)
    before = machine()
    results = {}
    # Times first: the processor is warm from nothing but them.
    if options.skip != "times":
        results["times"] = times(options.names, options.rounds)
    if options.skip != "errors":
        results["errors"] = errors(options.names)
    text = json.dumps({"machine": before, **results}, indent=1)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
    if options.json:
        print(text)
    else:
        console = Console(width=max(Console().width, 130))
        titles = {
            "times": f"one update of {sum(map(np.prod, SHAPES)):,} parameters",
            "errors": "200 steps against PyTorch",
        }
        for name, rows in results.items():
            console.print(table(titles[name], rows) if rows else f"no {name}")
    passed = (row["passed"] for rows in results.values() for row in rows)
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
