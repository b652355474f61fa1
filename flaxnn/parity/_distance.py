# SPDX-License-Identifier: Apache-2.0
"""How far two arrays are apart, and how much of it is rounding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

# What sums in another order explain, relative to an array's largest value: a tenth of
# the smallest effect of any usual mistake, and three times what was measured.
_FLOORS = {"float64": 1e-12, "float32": 2e-6, "float16": 4e-3, "bfloat16": 3e-2}
# Both sides round: theirs may be this many times the port's own rounding away.
_ROUNDINGS = 8
# A float32 computation that is this far from its float64 one is not float32's.
_COARSE = 1e-4


@dataclass(frozen=True)
class Distance:
    """Two arrays compared.

    Attributes:
        largest: The largest absolute difference; infinite where one side alone is nan
            or the shapes differ.
        limit: What rounding explains.
        coarse: Whether the port's arithmetic is coarser than its dtype.
    """

    largest: float
    limit: float
    coarse: bool = False

    @property
    def differs(self) -> bool:
        """Whether rounding does not explain it."""
        return not self.largest <= self.limit


def floor_of(dtype: Any) -> float:
    """What rounding may do in a dtype, relative to an array's largest value."""
    return _FLOORS.get(str(dtype), 0.0)


def distance(
    recorded: np.ndarray, port: np.ndarray, rounded: np.ndarray | None = None
) -> Distance:
    """Compares a recorded array with the port's.

    Args:
        recorded: What PyTorch had, in the run's dtype.
        port: What the port computes in float64 from the recorded inputs.
        rounded: The same in the run's dtype; what is between the two is rounding.
    """
    floor = floor_of(recorded.dtype)
    theirs, ours = wide(recorded), wide(port)
    if theirs.shape != ours.shape:
        return Distance(np.inf, 0.0)
    if theirs.size == 0:
        return Distance(0.0, 0.0)
    unlike = np.isfinite(theirs) != np.isfinite(ours)
    finite = np.isfinite(theirs) & np.isfinite(ours)
    largest = _largest(theirs[finite] - ours[finite])
    scale = max(_largest(theirs[finite]), _largest(ours[finite]))
    limit, coarse = floor * scale, False
    if rounded is not None and wide(rounded).shape == ours.shape:
        noise = _largest(wide(rounded)[finite] - ours[finite])
        coarse = (
            recorded.dtype == "float32"
            and noise > _COARSE * scale
            and noise > 2 * _ROUNDINGS * largest
        )
        limit = max(limit, _ROUNDINGS * noise)
    return Distance(np.inf if unlike.any() else largest, limit, coarse)


def wide(array: Any) -> np.ndarray:
    """An array in float64; integers and booleans too."""
    return np.asarray(array).astype(np.float64)


def _largest(array: np.ndarray) -> float:
    return float(np.abs(array).max()) if array.size else 0.0
