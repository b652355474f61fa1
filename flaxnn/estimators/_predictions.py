# SPDX-License-Identifier: Apache-2.0
"""What classifiers that train a network have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from flaxnn.estimators._labels import first_classes
from flaxnn.estimators._network import NetworkEstimator
from flaxnn.estimators._probabilities import (
    Link,
    codes_of,
    decisions,
    log_probabilities,
    probabilities,
)
from flaxnn.estimators._scikit_learn import ClassifierMixin


class NetworkClassifier(ClassifierMixin, NetworkEstimator):
    """Base of the classifiers that train a network."""

    classes_: np.ndarray
    _multilabel: bool = False
    # Of the base that trains, which stands behind this one.
    _fit: Callable[..., None]

    @property
    @abstractmethod
    def _link(self) -> Link:
        """What makes probabilities of the network's outputs."""

    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> Self:
        """Trains for one epoch on these data and returns the estimator.

        The optimiser and the order of batches go on from the last call: k calls with
        the same data are a ``fit`` of k epochs.

        Args:
            X: As for `fit`.
            y: As for `fit`.
            sample_weight: As for `fit`.
            classes: All labels; needed at the first call.

        Raises:
            ValueError: The labels are not known at the first call, or others later;
                else as `fit`.
        """
        known = first_classes(self, y, classes)
        self._fit(X, y, sample_weight, incremental=True, classes=known)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Returns the most probable label of each sample.

        Args:
            X: Inputs, as for `fit`.

        Returns:
            ``(N,)`` labels; for several labels at once ``(N, K)`` of 0 and 1.
        """
        outputs = self._outputs(X)
        if self._multilabel:
            return (outputs > 0).astype(np.int64)
        if len(self.classes_) == 1:
            return np.repeat(self.classes_, len(outputs))
        return self.classes_[codes_of(outputs, self._link)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Returns the probability of each label.

        Args:
            X: Inputs, as for `fit`.

        Returns:
            ``(N, K)`` in the dtype that is computed in.
        """
        outputs = self._outputs(X)
        if len(self.classes_) == 1:
            return np.ones((len(outputs), 1), outputs.dtype)
        return probabilities(outputs, self._link)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Returns the logarithm of the probability of each label.

        Args:
            X: Inputs, as for `fit`.

        Returns:
            ``(N, K)`` in the dtype that is computed in.
        """
        outputs = self._outputs(X)
        if len(self.classes_) == 1:
            return np.zeros((len(outputs), 1), outputs.dtype)
        return log_probabilities(outputs, self._link)

    def decision_function(self, X: Any) -> np.ndarray:
        """Returns the confidence in each label: what probabilities are made of.

        Args:
            X: Inputs, as for `fit`.

        Returns:
            ``(N, K)``; for two classes ``(N,)``, above 0 where the second is predicted.
        """
        outputs = self._outputs(X)
        return outputs if self._multilabel else decisions(outputs, self._link)
