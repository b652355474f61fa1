# SPDX-License-Identifier: Apache-2.0
"""How close the learning-rate schedules are to PyTorch's, and what they look like.

    python benchmarks/schedules.py [--json] [--page docs/guide/schedules.md]

Compares the 301 values of every scheduler and option of the contract's table with those
that PyTorch 2.13.0 recorded, so it needs no PyTorch; worst first. With --page it writes
the table at the end of the guide's page, and the picture beside it. Exits with 1 when a
difference in float64 is above 1e-12.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from rich.console import Console
from rich.table import Table

# The schedulers and their options are the contract tests' own.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from flaxnn.optim import lr_scheduler
from tests.compiling import as_people_compile
from tests.contract import goldens
from tests.contract.registry import SCHEDULERS
from tests.contract.scheduler import SchedulerEntry, evaluate

MARK = "<!-- benchmarks/schedules.py writes what follows -->"
LIMIT = 1e-12
STEPS = 100
COLUMNS, WIDTH, HEIGHT, MARGIN, HEADING = 4, 190, 116, 10, 22
RATE, MOMENTUM, FRAME = "#3f51b5", "#9aa0a6", "#d0d4d9"


def shown() -> dict[str, lr_scheduler.Scheduler]:
    """The schedulers of the picture, with options that 100 steps show."""
    s = lr_scheduler
    ramp = s.linear_lr(0.05, total_iters=20)
    return {
        "lambda_lr": s.lambda_lr(lambda step: 1 / (1 + step // 10)),
        "multiplicative_lr": s.multiplicative_lr(lambda step: 0.96),
        "step_lr": s.step_lr(25, 0.5),
        "multi_step_lr": s.multi_step_lr([15, 60, 80], 0.5),
        "constant_lr": s.constant_lr(0.3, 40),
        "linear_lr": s.linear_lr(0.1, total_iters=40),
        "exponential_lr": s.exponential_lr(0.97),
        "polynomial_lr": s.polynomial_lr(80, 2.0),
        "cosine_annealing_lr": s.cosine_annealing_lr(40),
        "cosine_annealing_warm_restarts": s.cosine_annealing_warm_restarts(14, 2),
        "cyclic_lr": s.cyclic_lr(0.1, 1.0, 14, mode="triangular2"),
        "one_cycle_lr": s.one_cycle_lr(1.0, STEPS),
        "reduce_lr_on_plateau": s.reduce_lr_on_plateau(factor=0.5, patience=9),
        "swalr": s.swalr(0.3, anneal_epochs=60),
        "sequential_lr": s.sequential_lr([ramp, s.cosine_annealing_lr(80)], [20]),
        "chained_scheduler": s.chained_scheduler([ramp, s.exponential_lr(0.98)]),
    }


def curves(scheduler: lr_scheduler.Scheduler) -> tuple[np.ndarray, np.ndarray]:
    """Returns ``(STEPS + 1,)`` rates and momenta, from a rate of 1 and momentum 0.9.

    A metric falls for 40 steps, and then no more.
    """
    groups, state = scheduler.init(({"lr": 1.0, "momentum": 0.9},))
    seen, update = [groups[0]], jax.jit(scheduler.update)
    for step in range(STEPS):
        value = float(max(40 - step, 0))
        groups, state = update(state, groups, value=value)
        seen.append(groups[0])
    rates, momenta = (
        np.array([float(group[name]) for group in seen]) for name in ("lr", "momentum")
    )
    return rates, momenta


def picture() -> str:
    """Returns an SVG with a panel for every scheduler."""
    panels = []
    for index, (name, scheduler) in enumerate(shown().items()):
        row, column = divmod(index, COLUMNS)
        panels += _panel(column * WIDTH, row * HEIGHT, name, *curves(scheduler))
    rows = -(-len(shown()) // COLUMNS)
    width, height = COLUMNS * WIDTH, rows * HEIGHT + MARGIN
    body = "\n".join(panels)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" font-family="sans-serif" font-size="12" role="img" '
        'aria-label="Learning rates of every scheduler over 100 steps">\n'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _panel(
    left: int, top: int, name: str, rates: np.ndarray, momenta: np.ndarray
) -> list[str]:
    """A panel: its name, a frame from 0 to the largest rate, and the curves."""
    x, y = left + MARGIN, top + HEADING
    width, height = WIDTH - 2 * MARGIN, HEIGHT - HEADING - MARGIN
    frame = f'x="{x}" y="{y}" width="{width}" height="{height}"'
    # In bold, a letter is at most 0.62 of its size wide.
    size = min(12.0, width / (0.62 * len(name)))
    look = f'font-weight="bold" font-size="{size:.1f}" fill="#202124"'
    heading = f'x="{x}" y="{y - 7}" {look}'
    parts = [
        f"<text {heading}>{name}</text>",
        f'<rect {frame} fill="none" stroke="{FRAME}"/>',
    ]
    lines = [(RATE, 1.5, rates / (1.05 * rates.max()))]
    if np.ptp(momenta) > 0:
        lines.insert(0, (MOMENTUM, 1.0, momenta))
    for colour, stroke, values in lines:
        points = " ".join(
            f"{x + width * k / STEPS:.1f},{y + height * (1 - value):.1f}"
            for k, value in enumerate(values)
        )
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" '
            f'stroke-width="{stroke}"/>'
        )
    return parts


def measured() -> list[dict[str, Any]]:
    """Returns the largest errors of every scheduler, worst in float64 first."""
    recorded = goldens.load()
    rows = [_row(entry, recorded) for entry in SCHEDULERS]
    return sorted(rows, key=lambda row: -row["float64"])


def _row(entry: SchedulerEntry, recorded: Mapping[str, np.ndarray]) -> dict[str, Any]:
    row: dict[str, Any] = {"name": entry.name, "torch": entry.torch}
    row["cases"] = len(entry.cases)
    for dtype in ("float64", "float32"):
        row[dtype] = max(
            _error(array, recorded[f"lr_scheduler.{entry.name}/{case}/{name}"])
            for case, results in evaluate(entry, dtype).items()
            for name, array in results.items()
        )
    return row


def _error(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference of a group's values over the largest of them."""
    scale = np.abs(theirs).max(axis=0)
    difference = np.abs(ours - theirs).max(axis=0)
    return float(np.max(difference / np.where(scale == 0, 1, scale)))


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Returns the page's table, by name."""
    lines = [
        "| flaxnn | PyTorch | options tried | float64 | float32 | an optax schedule |",
        "|---|---|---|---|---|---|",
    ]
    schedulers = shown()
    for row in sorted(rows, key=lambda row: row["name"]):
        name = row["name"]
        stateless = schedulers[name].update.stateless
        lines.append(
            f"| [`{name}`][flaxnn.optim.lr_scheduler.{name}] | `{row['torch']}` | "
            f"{row['cases']} | {_number(row['float64'])} | {_number(row['float32'])} | "
            f"{'yes' if stateless else 'no'} |"
        )
    return "\n".join(lines) + "\n"


def _number(error: float) -> str:
    return "exact" if error == 0 else f"{error:.0e}"


def write_page(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Replaces the table at the end of a page, and the picture beside it."""
    head, mark, _ = path.read_text(encoding="utf-8").partition(MARK)
    if not mark:
        raise ValueError(f"{path} has no line {MARK!r} for the table to follow")
    path.write_text(f"{head}{MARK}\n\n{markdown(rows)}", encoding="utf-8")
    path.with_suffix(".svg").write_text(picture(), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the guide's")
    options = parser.parse_args()
    as_people_compile()
    rows = measured()
    if options.page:
        try:
            write_page(options.page, rows)
        except (OSError, ValueError) as error:
            sys.exit(f"schedules.py: {error}")
    if options.json:
        print(json.dumps({"limit": LIMIT, "rows": rows}))
    else:
        table = Table("scheduler", "options", "float64", "float32")
        for row in rows:
            errors = (f"{row[dtype]:.1e}" for dtype in ("float64", "float32"))
            table.add_row(row["name"], str(row["cases"]), *errors)
        Console(highlight=False).print(table)
    return 0 if all(row["float64"] <= LIMIT for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
