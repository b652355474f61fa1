# SPDX-License-Identifier: Apache-2.0
"""When an estimator's run has converged, by scikit-learn's rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from flaxnn.training import RunState
from flaxnn.training.callbacks import Callback


class Convergence(Callback):
    """Follows the loss, or the score of a validation, and stops the run.

    An epoch counts as bad when its loss is not lower than the best by more than ``tol``
    or its score not higher than the best by at least ``tol``. The run stops when there
    were more than ``patience`` bad epochs in a row.

    Args:
        samples: How many samples an epoch has.
        batch_size: How many of them are in a batch; the last may have fewer.
        tol: By how much an epoch must be better; None for never to stop.
        patience: How many bad epochs in a row are borne.
        score: Gives the score of a validation from its metrics; None to follow losses.
        verbose: Whether to print a line for each epoch.
        best_loss: The best loss of earlier runs.
        best_score: The best score of earlier runs.

    Raises:
        ValueError: In `epoch`, a loss is nan or infinite.

    Attributes:
        losses: The mean loss of each epoch.
        scores: The score after each epoch.
        best_loss: The least of the losses.
        best_score: The greatest of the scores.
        best_state: The state after the epoch with the best score.
        stopped: Whether it has stopped the run.
    """

    def __init__(
        self,
        samples: int,
        batch_size: int,
        *,
        tol: float | None,
        patience: float,
        score: Callable[[Mapping[str, np.ndarray]], float] | None = None,
        verbose: bool = False,
        best_loss: float = np.inf,
        best_score: float = -np.inf,
    ):
        self.losses: list[float] = []
        self.scores: list[float] = []
        self.best_loss = best_loss
        self.best_score = best_score
        self.best_state: RunState | None = None
        self.stopped = False
        self._rows = [
            min(batch_size, samples - first) for first in range(0, samples, batch_size)
        ]
        self._tol = tol
        self._patience = patience
        self._score = score
        self._verbose = verbose
        self._parts: list[np.ndarray] = []
        self._bad = 0
        self._improved = False

    def go_on(self) -> None:
        """Forgets the bad epochs, such as after a change of the learning rate."""
        self.stopped = False
        self._bad = 0

    def steps(self, first: int, values: Mapping[str, np.ndarray]) -> None:
        """Gathers the losses of the epoch's batches."""
        self._parts.append(values["loss"])

    def epoch(self, epoch: int, step: int, values: Mapping[str, np.ndarray]) -> bool:
        """Compares the epoch with the best."""
        losses, self._parts = np.concatenate(self._parts), []
        _check_finite(losses, epoch)
        loss = float(np.average(losses.astype(np.float64), weights=self._rows))
        self.losses.append(loss)
        tol = self._tol or 0.0
        if self._score is None:
            bad = loss > self.best_loss - tol
        else:
            score = self._score(values)
            self.scores.append(score)
            bad = score < self.best_score + tol
            self._improved = score > self.best_score or self.best_state is None
            self.best_score = max(score, self.best_score)
        self.best_loss = min(loss, self.best_loss)
        self._bad = self._bad + 1 if bad else 0
        if self._verbose:
            scored = f", validation score {self.scores[-1]:.6f}" if self.scores else ""
            print(f"epoch {epoch}: loss {loss:.8f}{scored}")
        self.stopped = self._tol is not None and self._bad > self._patience
        return self.stopped

    def state(self, epoch: int, state: Callable[[], RunState]) -> None:
        """Keeps the state after the epoch with the best score."""
        if self._improved:
            self.best_state, self._improved = state(), False


def _check_finite(losses: np.ndarray, epoch: int) -> None:
    finite = np.isfinite(losses)
    if not finite.all():
        bad = int(np.argmin(finite))
        raise ValueError(
            f"the loss is {losses[bad]} in batch {bad} of epoch {epoch}: scale the "
            "features, or lower the learning rate"
        )
