# SPDX-License-Identifier: Apache-2.0
"""scikit-learn's own checks of estimators, over all of them.

Each check fits on data of a shape of its own, so most of the time is compilation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from flaxnn import estimators, models, nn, optim

pytestmark = [
    pytest.mark.slow,
    # What scikit-learn's own suite lets pass in these checks.
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

# Small and quick, as scikit-learn makes its own in these checks. It expects failures of
# its LogisticRegression and none of the others; none is expected here.
ESTIMATORS: list[Any] = [
    estimators.LogisticRegression(max_iter=50),
    estimators.MLPClassifier((10,), learning_rate_init=0.02, max_iter=100),
    estimators.MLPRegressor(
        hidden_layer_sizes=(10,), learning_rate_init=0.02, max_iter=100
    ),
    estimators.Classifier(
        models.SoftmaxRegression, optimizer=optim.adam, lr=0.1, max_epochs=60
    ),
    estimators.Regressor(nn.Linear, lr=0.1, max_epochs=40, optimizer__momentum=0.5),
]
CASES = [case for each in ESTIMATORS for case in estimator_checks_generator(each)]


def _name(index: int) -> str:
    estimator, check = CASES[index]
    # A check may come twice, with options of its own.
    return f"{type(estimator).__name__}-{check.func.__name__}-{index}"


@pytest.mark.parametrize("index", range(len(CASES)), ids=_name)
def test_scikit_learns_checks(index: int) -> None:
    estimator, check = CASES[index]
    check(estimator)


def test_no_check_is_left_out() -> None:
    checks: dict[str, list[Callable[..., Any]]] = {}
    for estimator, check in CASES:
        checks.setdefault(type(estimator).__name__, []).append(check)
    assert set(checks) == set(estimators.__all__)
    assert min(len(found) for found in checks.values()) > 50
