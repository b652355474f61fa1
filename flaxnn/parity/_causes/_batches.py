# SPDX-License-Identifier: Apache-2.0
"""Mistakes in the data: their order, their ends, their scale."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from flaxnn.parity._finding import Cause

Batch = tuple[np.ndarray, ...]

ORDER = Cause(
    "order of the batches",
    "the same rows come in another order: build flaxnn.data.DataLoader with "
    "shuffle=True and the run's Generator, drawn from as often as PyTorch's was",
)
LAST = Cause(
    "last batch dropped or kept",
    "PyTorch's DataLoader keeps the short last batch unless drop_last=True",
)
CONSTANTS = Cause(
    "normalisation constants",
    "scale the inputs as the original does: the same mean, deviation and division by "
    "255",
)
SIZE = Cause("batch size", "pass the original's batch_size")


def cause_of_batch(
    sizes: Sequence[int],
    port: Batch,
    recorded: Sequence[np.ndarray] | None,
    index: int,
    upcoming: Callable[[], Iterable[Batch]],
    *,
    before: bool,
) -> Cause | None:
    """Returns the mistake that gives the port's batch.

    Args:
        sizes: The recorded batch's rows.
        port: The port's arrays.
        recorded: The recorded arrays, if the step is a whole one.
        index: Which array differs.
        upcoming: Gives the port's batches, to look for the recorded rows in.
        before: Whether everything agreed so far.
    """
    if index >= len(port):
        return None
    ours = port[index]
    if len(ours) != sizes[index]:
        return LAST if before and _is_later(upcoming) else SIZE
    if recorded is None or index >= len(recorded):
        # What came before agreed, so the rows are made alike.
        return ORDER if before else None
    theirs = recorded[index]
    if theirs.shape != ours.shape:
        return None
    rows = {row.tobytes() for row in theirs}
    known = {row.tobytes() for batch in upcoming() for row in batch[index]}
    if len(rows & known) > 0.5 * len(rows):
        return ORDER
    return CONSTANTS if _affine(theirs, ours) else None


def _is_later(upcoming: Callable[[], Iterable[Batch]]) -> bool:
    """Whether the port has batches of several sizes, or was at an epoch's end."""
    return len(list(upcoming())) > 1


def _affine(theirs: np.ndarray, ours: np.ndarray) -> bool:
    """Whether one is the other, scaled and shifted, each channel by itself or all."""
    if theirs.dtype.kind != "f" or theirs.size < 3:
        return False
    x, y = theirs.astype(np.float64), ours.astype(np.float64)
    if _line(x, y):
        return True
    for axis in (1, -1) if x.ndim > 1 else ():
        pairs = zip(np.moveaxis(x, axis, 0), np.moveaxis(y, axis, 0), strict=True)
        if all(_line(a, b) for a, b in pairs):
            return True
    return False


def _line(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether `y` is a line over `x`."""
    mean = x.mean()
    spread = float(((x - mean) ** 2).sum())
    if spread == 0:
        return bool(np.ptp(y) <= 1e-5 * (np.abs(y).max() + 1e-12))
    slope = float(((x - mean) * (y - y.mean())).sum()) / spread
    left = y - y.mean() - slope * (x - mean)
    return bool(np.abs(left).max() <= 1e-4 * (np.abs(y).max() + 1e-12))
