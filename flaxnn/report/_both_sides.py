# SPDX-License-Identifier: Apache-2.0
"""Two runs' losses, checked before they are drawn over each other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from flaxnn.report._arrays import numbers, same_length, vector


def steps_and_losses(
    reference: ArrayLike | Mapping[int, float], count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the steps that the reference has, and its losses there.

    Args:
        reference: ``(count,)``, or a mapping from some of the steps to their losses.
        count: How many steps the run has.

    Raises:
        ValueError: A shape or a step is wrong, or a number is not finite.
    """
    if not isinstance(reference, Mapping):
        theirs = vector("reference", reference)
        if len(theirs) != count:
            raise ValueError(
                f"expected as many losses in the reference as the {count} of the run, "
                f"or a mapping from steps to losses, got {len(theirs)}"
            )
        return np.arange(count), theirs
    steps = sorted(reference)
    theirs = vector("reference", [reference[step] for step in steps])
    fractions = [step for step in steps if step != int(step)]
    if fractions:
        raise ValueError(
            f"reference: expected whole numbers as steps, got {fractions[0]}"
        )
    off = [step for step in steps if not 0 <= step < count]
    if off:
        raise ValueError(
            f"reference: step {off[0]} is out of range, the run has steps 0 to "
            f"{count - 1}"
        )
    return np.array(steps, np.int64), theirs


def noise_floor(floor: ArrayLike | None, count: int) -> np.ndarray | None:
    """Returns the noise floor at each step, ``(count,)``; None where there is none.

    Args:
        floor: One number, ``(count,)``, or None.
        count: How many steps the run has.

    Raises:
        ValueError: A shape is wrong, or a number negative or not finite.
    """
    if floor is None:
        return None
    values = numbers("floor", floor).ravel()
    if values.size == 1:
        values = np.full(count, values[0])
    same_length(losses=np.empty(count), floor=values)
    if (values < 0).any():
        raise ValueError(f"floor: expected no negative number, got {values.min():g}")
    return values
