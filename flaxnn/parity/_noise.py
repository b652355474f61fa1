# SPDX-License-Identifier: Apache-2.0
"""The noise floor: how far apart runs are that differ by nothing but rounding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from flaxnn._criteria import at_least_a_digit, distances, spread
from flaxnn.parity._recording import Recording


@dataclass(frozen=True)
class NoiseFloor:
    """The largest distance between any two variants of a float32 run.

    Attributes:
        losses: ``(n,)`` of the losses, up to each step.
        tensors: Of the tensors at the end, the largest over each one's entries.
        source: Whose variants they are.
        members: How the variants differ from each other.
        distances: How far the losses of each are from those of the first, at most.
    """

    losses: np.ndarray
    tensors: Mapping[str, float]
    source: str
    members: tuple[str, ...]
    distances: tuple[float, ...]

    @classmethod
    def of(cls, runs: Mapping[str, Recording], source: str) -> NoiseFloor:
        """Returns the floor of runs under their names, the plain one first.

        Args:
            runs: Two runs or more, of equal length.
            source: Whose they are.

        Raises:
            ValueError: The runs differ in length.
        """
        first, *_ = members = list(runs.values())
        lengths = {name: len(run.losses) for name, run in runs.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(
                f"variants of a run must have the same number of steps, got {lengths}"
            )
        return cls(
            spread([run.losses for run in members]),
            {
                name: _largest_spread([run.tensors[name].entries for run in members])
                for name in first.tensors
            },
            source,
            tuple(runs),
            tuple(float(distances(first.losses, run.losses).max()) for run in members),
        )

    def for_losses(self, losses: np.ndarray) -> np.ndarray:
        """Returns the floor of the losses, which is at least their last digit.

        Args:
            losses: ``(m,)`` the reference's losses, of any length up to the floor's.
        """
        return at_least_a_digit(self.losses[: len(losses)], losses)

    def for_tensor(self, name: str, largest: float) -> float | None:
        """Returns the floor of a tensor, at least a last digit; None where unknown.

        Args:
            name: Its name.
            largest: The largest magnitude of the reference's tensor.
        """
        if name not in self.tensors:
            return None
        return max(self.tensors[name], float(np.spacing(np.float32(largest))))


def _largest_spread(arrays: Sequence[np.ndarray]) -> float:
    return float(np.ptp(np.stack(arrays), axis=0).max(initial=0))
