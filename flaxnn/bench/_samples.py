# SPDX-License-Identifier: Apache-2.0
"""Medians, spreads and ratios."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

Samples = Sequence[float]

# Enough to tell samples apart; more digits are noise.
_DIGITS = 5


def summary(samples: Samples) -> dict[str, Any]:
    """Median, smallest and largest of samples, and the samples in their order."""
    return {
        "median": rounded(statistics.median(samples)),
        "min": rounded(min(samples)),
        "max": rounded(max(samples)),
        "samples": [rounded(value) for value in samples],
    }


def ratios(theirs: Samples, ours: Samples) -> list[float]:
    """Theirs over ours, round by round."""
    return [a / b for a, b in zip(theirs, ours, strict=True)]


def turn(names: Sequence[Any], number: int) -> list[Any]:
    """The order of a round: each begins one further along than the last."""
    start = number % max(1, len(names))
    return [*names[start:], *names[:start]]


def rounded(value: float) -> float:
    """The number with five significant digits."""
    return float(f"{value:.{_DIGITS}g}")
