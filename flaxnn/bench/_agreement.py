# SPDX-License-Identifier: Apache-2.0
"""Sides are compared in speed only where they compute the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# How many losses of a run are kept for those who come without PyTorch.
_FIRST, _SPREAD = 8, 57


class DifferentResultsError(RuntimeError):
    """Two sides of a case compute different losses, so their times say nothing."""


@dataclass(frozen=True)
class Standard:
    """The losses that a case's sides are held to.

    Attributes:
        title: Whose they are.
        steps: The steps they belong to.
        losses: One for each of these steps.
        length: How many steps the run has.
    """

    title: str
    steps: np.ndarray
    losses: np.ndarray
    length: int

    @classmethod
    def of_run(cls, title: str, losses: np.ndarray) -> Standard:
        """The losses of a whole run."""
        return cls(title, np.arange(len(losses)), losses, len(losses))

    @classmethod
    def recorded(cls, title: str, fields: dict[str, Any], length: int) -> Standard:
        """What `kept` keeps of a run."""
        losses = np.array(fields["losses"], np.float32)
        return cls(title, np.array(fields["steps"]), losses, length)

    def averaged(self, shares: Sequence[np.ndarray]) -> Standard | None:
        """The average losses of epochs; None where some steps are not known.

        Args:
            shares: For each epoch, the share of each of its steps in the average.
        """
        if len(self.steps) != self.length:
            return None
        ends = np.cumsum([len(share) for share in shares])[:-1]
        parts = np.split(self.losses.astype(np.float64), ends)
        means = [part @ share for part, share in zip(parts, shares, strict=True)]
        return Standard.of_run(f"{self.title}, averaged", np.array(means))

    def check(
        self, case: str, title: str, losses: np.ndarray, tolerance: float
    ) -> float:
        """The largest absolute difference to another side's losses.

        Raises:
            DifferentResultsError: It is beyond the tolerance, or nan, or the number
                of steps differs.
        """
        if losses.shape != (self.length,):
            raise DifferentResultsError(
                f"{case}: {title} returned losses of shape {losses.shape}, where "
                f"{self.title} has ({self.length},); no time is reported"
            )
        ours, theirs = (a.astype(np.float64) for a in (losses[self.steps], self.losses))
        apart = np.abs(ours - theirs)
        if np.all(apart <= tolerance):
            return float(apart.max())
        first = int(np.argmax(~(apart <= tolerance)))
        raise DifferentResultsError(
            f"{case}: {title} computes other losses than {self.title}: at step "
            f"{self.steps[first]} {ours[first]:.8g} against {theirs[first]:.8g}, "
            f"{apart[first]:.3g} apart where {tolerance:g} is allowed, and "
            f"{apart.max():.3g} at the most; no time is reported"
        )

    def kept(self) -> dict[str, Any]:
        """Some of the losses with their steps, to check another run against."""
        spread = np.linspace(0, self.length - 1, _SPREAD).round().astype(int)
        wanted = np.union1d(np.arange(_FIRST), spread)
        chosen = np.isin(self.steps, wanted)
        return {
            "steps": self.steps[chosen].tolist(),
            # Nine digits give every float32 back.
            "losses": [float(f"{loss:.9g}") for loss in self.losses[chosen]],
        }
