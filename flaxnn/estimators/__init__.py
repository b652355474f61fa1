# SPDX-License-Identifier: Apache-2.0
"""Models and runs behind scikit-learn's interface.

Importing this package loads neither JAX nor scikit-learn; an estimator is imported when
it is first touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flaxnn import _lazy
from flaxnn._errors import MissingPackageError

if TYPE_CHECKING:
    from flaxnn.estimators._classifier import Classifier as Classifier
    from flaxnn.estimators._logistic import LogisticRegression as LogisticRegression
    from flaxnn.estimators._mlp_classifier import MLPClassifier as MLPClassifier
    from flaxnn.estimators._mlp_regressor import MLPRegressor as MLPRegressor
    from flaxnn.estimators._regressor import Regressor as Regressor

__all__ = [
    "Classifier",
    "LogisticRegression",
    "MLPClassifier",
    "MLPRegressor",
    "Regressor",
]

if not TYPE_CHECKING:
    _load, __dir__ = _lazy.attach(
        __name__,
        subpackages=(),
        names={
            "Classifier": "flaxnn.estimators._classifier",
            "LogisticRegression": "flaxnn.estimators._logistic",
            "MLPClassifier": "flaxnn.estimators._mlp_classifier",
            "MLPRegressor": "flaxnn.estimators._mlp_regressor",
            "Regressor": "flaxnn.estimators._regressor",
        },
    )

    def __getattr__(name: str) -> object:
        try:
            return _load(name)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "sklearn":
                raise
            raise MissingPackageError(
                f"flaxnn.estimators.{name} needs scikit-learn, which is not installed: "
                'pip install "flaxnn[estimators]"'
            ) from error
