# SPDX-License-Identifier: Apache-2.0
"""The criteria of the grades T1 and T2, on plain arrays.

Whoever judges a run takes the arithmetic from here: the figures of `reproduce` and the
certificates of `parity`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# T1: largest difference over largest magnitude of the reference, in float64.
PROOF = 1e-12
# T2: how many times the distance between PyTorch's own variants.
FLOORS = 4.0


@dataclass(frozen=True)
class Worst:
    """The element of a comparison that is nearest to its limit, or furthest beyond it.

    Attributes:
        index: Which one, counted through the flattened array.
        error: Its error.
        limit: The largest error that passes there.
        passed: Whether every element passes; nan does not.
    """

    index: int
    error: float
    limit: float
    passed: bool


def worst(
    theirs: np.ndarray,
    ours: np.ndarray,
    limits: np.ndarray,
    *,
    scale: float = 1.0,
    running: bool = False,
) -> Worst:
    """Returns the worst element of a series, each held to a limit of its own.

    Args:
        theirs: ``(n,)`` the reference.
        ours: ``(n,)`` what is judged.
        limits: ``(n,)`` largest errors that pass.
        scale: What errors are divided by.
        running: Whether an element's error is the largest so far, as T2 asks.
    """
    errors = distances(theirs, ours)
    errors = np.where(errors == 0, 0.0, errors / scale if scale else np.inf)
    judged = np.maximum.accumulate(errors) if running else errors
    limits = limits.astype(np.float64)
    excess = np.where(judged == 0, -1.0, judged / np.maximum(limits, 1e-300))
    index = int(np.argmax(np.nan_to_num(excess, nan=np.inf)))
    # nan must fail, so the comparison asks for what passes.
    passed = bool((judged <= limits).all())
    return Worst(index, float(judged[index]), float(limits[index]), passed)


def distances(theirs: np.ndarray, ours: np.ndarray) -> np.ndarray:
    """Returns the absolute differences in float64; equal infinities have none.

    Args:
        theirs: The reference.
        ours: What is judged, of the same shape.
    """
    theirs, ours = theirs.astype(np.float64), ours.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return np.where(theirs == ours, 0.0, np.abs(theirs - ours))


def spread(series: Sequence[np.ndarray]) -> np.ndarray:
    """Returns the largest distance between any two series, up to each step.

    Args:
        series: ``(n,)`` arrays, the losses of a run's variants.
    """
    return np.maximum.accumulate(np.ptp(np.stack(series), axis=0))


def at_least_a_digit(floor: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """Returns a noise floor that is nowhere below the last digit of the losses.

    A float32 loss can be no nearer to another without being equal to it.

    Args:
        floor: ``(n,)`` the floor.
        losses: ``(n,)`` the reference's losses, in the dtype of the run.
    """
    return np.maximum(floor, np.maximum.accumulate(np.spacing(np.abs(losses))))


def moved(array: np.ndarray, seed: int) -> np.ndarray:
    """Returns weights moved by one unit in the last place, up or down by chance.

    Args:
        array: The weights.
        seed: What the directions are drawn from, the same for every array.
    """
    up = np.random.default_rng(seed).random(array.shape) < 0.5
    return np.nextafter(array, np.where(up, np.inf, -np.inf).astype(array.dtype))
