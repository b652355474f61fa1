"""scikit-learn's own checks of estimators, over all of them.

Each check fits on data of a shape of its own, so most of the time is compilation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn.utils.estimator_checks import parametrize_with_checks

from flaxnn import estimators, models, nn

pytestmark = [
    pytest.mark.slow,
    # What scikit-learn's own suite lets pass in these checks.
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

# Small and quick, as scikit-learn makes its own in these checks.
ESTIMATORS: list[Any] = [
    estimators.MLPClassifier((10,), learning_rate_init=0.02, max_iter=100),
    estimators.MLPRegressor(
        hidden_layer_sizes=(10,), learning_rate_init=0.02, max_iter=100
    ),
    estimators.Classifier(
        models.SoftmaxRegression, lr=0.3, max_epochs=40, optimizer__momentum=0.9
    ),
    estimators.Regressor(nn.Linear, lr=0.1, max_epochs=40),
]


@parametrize_with_checks(ESTIMATORS)
def test_scikit_learns_checks(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)
