# SPDX-License-Identifier: Apache-2.0
"""LogisticRegression's L-BFGS: scikit-learn's minimum, whatever the data look like."""

from __future__ import annotations

import pickle
import warnings

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression as Reference
from sklearn.preprocessing import StandardScaler

from flaxnn.estimators import LogisticRegression
from flaxnn.estimators import _logistic_objective as objective
from flaxnn.estimators import _logistic_solver as solver

TIGHT = {"tol": 1e-10, "max_iter": 2000}
NAMES = np.array(["barbera", "barolo", "grignolino"])


def scaled(load) -> tuple[np.ndarray, np.ndarray]:
    x, y = load(return_X_y=True)
    return StandardScaler().fit_transform(x), y


@pytest.fixture(scope="module")
def wine() -> tuple[np.ndarray, np.ndarray]:
    x, y = scaled(load_wine)
    return x, NAMES[y]


def reference(x, y, **options) -> Reference:
    """scikit-learn's minimum: its L-BFGS cannot go below 1e-7."""
    sample_weight = options.pop("sample_weight", None)
    options = {"tol": 1e-12, "max_iter": 1000, "solver": "newton-cholesky"} | options
    with warnings.catch_warnings():
        # It takes a tolerance below its rounding for a failure.
        warnings.simplefilter("ignore")
        return Reference(**options).fit(x, y, sample_weight)


def same(found: LogisticRegression, expected: Reference, atol: float = 1e-6) -> None:
    assert_allclose(found.coef_, expected.coef_, rtol=0, atol=atol)
    assert_allclose(found.intercept_, expected.intercept_, rtol=0, atol=atol)


@pytest.mark.parametrize("C", [0.01, 1.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_minimum_of_several_classes(wine, C, fit_intercept):
    options = {"C": C, "fit_intercept": fit_intercept}
    same(LogisticRegression(**options, **TIGHT).fit(*wine), reference(*wine, **options))


@pytest.mark.parametrize("classes", [2, 3])
def test_rows_in_blocks_count_once(classes, monkeypatch):
    """Of 50 rows that are held 45 count, in blocks of 7: the last ones overlap."""
    rng = np.random.default_rng(0)
    rows = 1 if classes == 2 else classes
    shares = np.where(np.arange(50) < 45, rng.uniform(size=50), 0).astype(np.float32)
    inputs = rng.normal(size=(50, 3)).astype(np.float32)
    args = (
        rng.normal(size=(rows, 3)).astype(np.float32),
        rng.normal(size=rows).astype(np.float32),
        inputs,
        rng.integers(0, classes, 50).astype(np.int32),
        shares,
    )
    for samples in (np.int32(45), np.int32(50)):
        whole = objective._loss_and_gradients(*args, samples)
        with monkeypatch.context() as patched:
            patched.setattr(objective, "_BLOCK_BYTES", 7 * inputs[0].nbytes)
            blocks = objective._loss_and_gradients(*args, samples)
        for found, expected in zip(blocks, whole, strict=True):
            assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("C", [0.01, 1.0])
def test_minimum_of_two_classes_is_one_row(C):
    data = scaled(load_breast_cancer)
    found = LogisticRegression(C=C, **TIGHT).fit(*data)
    assert found.coef_.shape == (1, 30)
    assert found.intercept_.shape == (1,)
    same(found, reference(*data, C=C))


@pytest.mark.slow
@pytest.mark.parametrize("C", [0.1, 1.0])
def test_minimum_on_digits(C):
    data = load_digits(return_X_y=True)
    found = LogisticRegression(C=C, **TIGHT).fit(*data)
    same(found, reference(*data, C=C), atol=1e-4)


def test_weights_of_samples_and_classes(wine):
    x, y = wine
    weight = np.random.default_rng(0).uniform(0, 2, len(y))
    weight[::7] = 0
    for class_weight in ("balanced", {"barolo": 3.0, "barbera": 0.5}):
        options = {"class_weight": class_weight}
        found = LogisticRegression(**options, **TIGHT).fit(x, y, weight)
        same(found, reference(x, y, sample_weight=weight, **options))


def test_repeated_samples_are_weights(wine):
    x, y = wine
    times = np.ones(len(y), int)
    times[::30], times[7::20] = 0, 3
    by_weight = LogisticRegression().fit(x, y, times)
    repeated = LogisticRegression().fit(x.repeat(times, 0), y.repeat(times))
    assert_allclose(by_weight.coef_, repeated.coef_, rtol=1e-9, atol=1e-12)


def test_inputs_need_no_scaling():
    """scikit-learn's L-BFGS is far from this minimum after its 100 steps."""
    x, y = load_wine(return_X_y=True)
    found = LogisticRegression().fit(x, y)
    assert found.n_iter_[0] < 50
    expected = reference(x, y)
    assert_allclose(
        found.predict_proba(x), expected.predict_proba(x), rtol=0, atol=2e-2
    )
    same(LogisticRegression(**TIGHT).fit(x, y), expected, atol=1e-5)


def test_sparse_inputs_stay_sparse(wine):
    x, y = wine
    x = sparse.csr_array(np.where(np.abs(x) > 1, x, 0))
    found = LogisticRegression(**TIGHT).fit(x, y)
    same(found, reference(x, y))
    scores = found.decision_function(x)
    assert_allclose(found.decision_function(x.toarray()), scores, atol=1e-12)


@pytest.mark.slow
def test_many_features_are_only_scaled(wine, monkeypatch):
    monkeypatch.setattr("flaxnn.estimators._logistic_metric._MOST_FEATURES", 4)
    x, y = wine
    same(LogisticRegression(**TIGHT).fit(x, y), reference(x, y))
    x = sparse.csr_matrix(np.where(np.abs(x) > 1, x, 0))
    same(LogisticRegression(**TIGHT).fit(x, y), reference(x, y))


def test_constant_and_repeated_features(wine):
    x, y = wine
    x = np.column_stack([x[:, :11], np.full(len(y), 7.0), x[:, 0]])
    found = LogisticRegression(**TIGHT).fit(x, y)
    assert_allclose(found.coef_[:, 11], 0, atol=1e-12)
    same(found, reference(x, y))


def test_float32_stays_float32_and_ends_at_its_limit(wine):
    """1e-10 is out of reach, which is no failure; neither is x64 for all of JAX."""
    x, y = wine
    expected = reference(x, y)
    for wide in (False, True):
        with jax.enable_x64(wide):
            found = LogisticRegression(**TIGHT).fit(x.astype(np.float32), y)
        assert found.coef_.dtype == found.intercept_.dtype == np.float32
        assert found.n_iter_[0] < 200
        same(found, expected, atol=1e-5)
    assert found.predict_proba(x.astype(np.float32)).dtype == np.float32


def test_another_number_or_a_few_more_rows_is_no_other_program(wine):
    x, y = wine
    LogisticRegression().fit(x, y)
    before = solver._minimum._cache_size()
    LogisticRegression(C=3, tol=1e-3, max_iter=20).fit(x[1:], y[1:])
    LogisticRegression(fit_intercept=False, warm_start=True).fit(x[:-1], y[:-1])
    assert solver._minimum._cache_size() == before


def test_warm_start_goes_on(wine):
    model = LogisticRegression(warm_start=True).fit(*wine)
    cold = model.n_iter_[0]
    assert model.fit(*wine).n_iter_[0] < cold / 4
    x, y = wine
    with pytest.raises(ValueError, match=r"warm_start=True has .* of shape \(3, 13\)"):
        model.fit(x[:, :5], y)


def test_too_few_steps_warn(wine):
    with pytest.warns(ConvergenceWarning, match="3 steps .* raise max_iter or tol"):
        model = LogisticRegression(max_iter=3).fit(*wine)
    assert_array_equal(model.n_iter_, [3])


def test_no_penalty(wine):
    """Classes that overlap have a minimum without one."""
    x, y = wine
    y = np.where(np.random.default_rng(2).random(len(y)) < 0.3, NAMES[0], y)
    found = LogisticRegression(C=np.inf, **TIGHT).fit(x, y)
    same(found, reference(x, y, C=np.inf), atol=1e-5)


def test_predictions_agree_with_each_other(wine, capsys):
    x, y = wine
    model = LogisticRegression(verbose=1).fit(x, y)
    assert "steps to an objective of 0.067" in capsys.readouterr().out
    probabilities = model.predict_proba(x)
    assert_allclose(probabilities.sum(axis=1), 1)
    assert_allclose(model.predict_log_proba(x), np.log(probabilities))
    assert_array_equal(model.predict(x), NAMES[model.decision_function(x).argmax(1)])
    assert model.score(x, y) == np.mean(model.predict(x) == y)
    for copy in (pickle.loads(pickle.dumps(model)), clone(model).fit(x, y)):
        assert_array_equal(copy.predict_proba(x), probabilities)
    assert "LogisticRegression" in model._repr_html_()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"C": 0}, r"C must be in the range \(0, inf\]"),
        ({"C": -1.0}, "C must be in the range"),
        ({"tol": -1}, "tol must be"),
        ({"max_iter": 0}, "max_iter must be"),
        ({"solver": "lbgfs"}, "Did you mean 'lbfgs'"),
        ({"batch_size": "all"}, "batch_size must be one of"),
        ({"class_weight": "even"}, "class_weight must be"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_bad_parameters(wine, options, message):
    with pytest.raises(ValueError, match=message):
        LogisticRegression(**options).fit(*wine)


def test_bad_data(wine):
    x, y = wine
    model = LogisticRegression()
    with pytest.raises(NotFittedError):
        model.predict(x)
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match=r"NaN|infinity"):
            model.fit(np.where(x > 2, bad, x), y)
    with pytest.raises(ValueError, match="only one class: 'barolo'"):
        model.fit(x, np.full(len(y), "barolo"))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(x, y[:-1])
    with pytest.raises(ValueError, match="not negative"):
        model.fit(x, y, -np.ones(len(y)))
    with pytest.raises(ValueError, match="too large for float64"):
        model.fit(x * 1e300, y)
    with pytest.raises(ValueError, match="expecting 13 features"):
        model.fit(x, y).predict(x[:, :4])
