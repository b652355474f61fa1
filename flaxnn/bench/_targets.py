# SPDX-License-Identifier: Apache-2.0
"""The figures that the project set itself, against a result."""

from __future__ import annotations

from typing import Any

_DOCUMENTS = ("output-layer", "univariate", "multinomial", "wine")
_FIVE_EPOCHS = "fashion-mnist-5-epochs"
_EPOCH = "fashion-mnist-epoch-64"

# Case, side, measure, and the least that the side's time over ours has to be.
TARGETS: tuple[tuple[str, str, str, float], ...] = (
    (_EPOCH, "flax", "run_s", 1.6),
    (_EPOCH, "keras", "run_s", 2.0),
    (_EPOCH, "scan", "run_s", 0.95),
    *(
        (case, "torch", measure, 1.0)
        for case in (*_DOCUMENTS, _FIVE_EPOCHS)
        for measure in ("process_s", "warm_s")
    ),
)

_MEASURES = {
    "run_s": "steady run",
    "process_s": "new process, cold",
    "warm_s": "new process, warm cache",
}


def targets(result: dict[str, Any]) -> str:
    """Returns a table in Markdown: what was to be reached, and what was measured.

    Missed figures come first; one that the result does not have is said to be missing.

    Args:
        result: What `measure` returned, or its file.
    """
    rows = sorted((_row(result, target) for target in TARGETS), key=lambda row: row[0])
    lines = ["| case | against | measure | wanted | measured | |", "|" + "---|" * 6]
    lines += [f"| {' | '.join(cells)} |" for _, cells in rows]
    return "\n".join(lines) + "\n"


def _row(
    result: dict[str, Any], target: tuple[str, str, str, float]
) -> tuple[int, list[str]]:
    """A rank, missed figures first, and the cells."""
    name, side, measure, least = target
    case = result["cases"].get(name, {"ratios": {}})
    ratio = case["ratios"].get(side, {}).get(measure)
    cells = [f"`{name}`", f"`{side}`", _MEASURES[measure], f"≥ {least:g} ×"]
    if ratio is None:
        return 1, [*cells, "", "not measured"]
    low, high = f"{ratio['min']:.3f}", f"{ratio['max']:.3f}"
    spread = f"{ratio['median']:.3f} ({low}–{high})"
    kind = case["ratios"][side]["kind"]
    if ratio["median"] < least:
        return 0, [*cells, spread, f"**missed**, {kind}"]
    return 2, [*cells, spread, f"reached, {kind}"]
