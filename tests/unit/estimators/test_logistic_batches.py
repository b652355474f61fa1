# SPDX-License-Identifier: Apache-2.0
"""LogisticRegression's mini-batch solvers: the same objective, through fit."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.linear_model import LogisticRegression as Reference

from flaxnn.estimators import LogisticRegression


def data(classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = rng.integers(0, classes, 60)
    return rng.standard_normal((60, 4)) + y[:, None], y


@pytest.mark.parametrize(
    ("solver", "classes", "fit_intercept"),
    [
        pytest.param("sgd", 2, False, marks=pytest.mark.slow),
        ("adam", 3, True),
    ],
)
def test_full_batches_come_to_the_minimum(solver, classes, fit_intercept):
    """With C and weights that matter: the decay is the penalty of the objective."""
    x, y = data(classes)
    weight = np.random.default_rng(1).uniform(0.5, 2, len(y))
    options = {"C": 0.02, "fit_intercept": fit_intercept, "class_weight": {0: 2.0}}
    steps = {"max_iter": 1500, "learning_rate_init": 0.2 if solver == "sgd" else 0.02}
    found = LogisticRegression(
        solver=solver, batch_size=60, random_state=0, **options, **steps
    ).fit(x, y, weight)
    with warnings.catch_warnings():
        # It takes a tolerance below its rounding for a failure.
        warnings.simplefilter("ignore")
        expected = Reference(tol=1e-9, solver="newton-cholesky", **options).fit(
            x, y, weight
        )
    assert_allclose(found.coef_, expected.coef_, atol=1e-4)
    # The sum of the scores of several classes is as it was drawn.
    shift = (found.intercept_ - expected.intercept_)[:1]
    if classes == 2 or not fit_intercept:
        shift = 0 * shift
    assert_allclose(found.intercept_ - shift, expected.intercept_, atol=1e-4)
    assert_allclose(found.predict_proba(x), expected.predict_proba(x), atol=1e-4)
    assert_array_equal(found.n_iter_, [1500])


def test_partial_fits_are_the_epochs_of_fit():
    x, y = data()
    options = {"solver": "adam", "batch_size": 16, "random_state": 3}
    whole = LogisticRegression(max_iter=3, **options).fit(x, y)
    part = LogisticRegression(**options)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        part.partial_fit(x, y)
    for _ in range(3):
        part.partial_fit(sparse.csr_array(x), y, classes=[0, 1, 2])
        part = pickle.loads(pickle.dumps(part))
    assert_array_equal(part.coef_, whole.coef_)
    assert_array_equal(part.intercept_, whole.intercept_)
    with pytest.raises(ValueError, match=r"labels \[5\]"):
        part.partial_fit(x, np.where(y == 1, 5, y))


def test_lbfgs_has_no_partial_fit():
    assert not hasattr(LogisticRegression(), "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit") as error:
        LogisticRegression().partial_fit(*data())
    assert "minimises over all data at once" in str(error.value.__cause__)


def test_a_seed_is_a_run_and_float32_stays():
    x, y = data()
    x = x.astype(np.float32)
    options = {"solver": "sgd", "batch_size": 16, "max_iter": 3}
    first, again, other = (
        LogisticRegression(random_state=seed, **options).fit(x, y) for seed in (1, 1, 2)
    )
    assert first.coef_.dtype == first.decision_function(x).dtype == np.float32
    assert_array_equal(first.coef_, again.coef_)
    assert (first.coef_ != other.coef_).all()


def test_warm_start_begins_with_another_solvers_coefficients():
    x, y = data()
    model = LogisticRegression(warm_start=True).fit(x, y)
    before = model.coef_
    tiny = {"solver": "sgd", "learning_rate_init": 1e-9, "max_iter": 1}
    model.set_params(**tiny).fit(x, y)
    assert_allclose(model.coef_, before, atol=1e-6)
    assert_array_equal(model.module_.weight.get_value(), model.coef_)
    assert model.set_params(solver="lbfgs", max_iter=100).fit(x, y).n_iter_[0] < 3
    assert not hasattr(model, "module_")
