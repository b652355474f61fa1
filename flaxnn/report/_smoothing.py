# SPDX-License-Identifier: Apache-2.0
"""Means of noisy curves."""

from __future__ import annotations

import numpy as np

# A curve this many times longer than its range is noise about a mean.
_NOISY = 5.0
# The parts of a noisy curve that are averaged.
_MEANS = 50


def smoothing_window(values: np.ndarray) -> int:
    """How many neighbours to average; 1 for a curve that is smooth by itself."""
    noisy = np.abs(np.diff(values)).sum() > _NOISY * np.ptp(values) > 0
    return max(2, len(values) // _MEANS) if noisy else 1


def means(values: np.ndarray, window: int) -> np.ndarray:
    """Means of so many neighbours, ``(N - window + 1,)``."""
    sums = np.cumsum(np.concatenate([[0.0], values]))
    return (sums[window:] - sums[:-window]) / window
