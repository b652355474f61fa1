# SPDX-License-Identifier: Apache-2.0
"""Inputs, labels, weights and seeds on their way into an estimator."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from scipy import sparse
from sklearn.base import BaseEstimator

from flaxnn.estimators import _process
from flaxnn.estimators._inputs import checked_data, checked_inputs
from flaxnn.estimators._labels import encoded, sample_weights, weights_of
from flaxnn.estimators._process import check_process
from flaxnn.estimators._seeds import generator_of, seed_of
from flaxnn.random import Generator


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("float32", "float32"),
        ("float64", "float64"),
        ("float16", "float64"),
        ("int64", "float64"),
        ("uint8", "float64"),
    ],
)
@pytest.mark.parametrize("wrap", [np.asarray, sparse.csr_array, sparse.coo_array])
def test_the_dtype_of_inputs(given: str, kept: str, wrap) -> None:
    X = np.array([[1, 0], [0, 2], [3, 0]], given)
    if given == "float16" and wrap is not np.asarray:
        X = X.astype("int32")  # SciPy has no sparse float16.
    estimator = BaseEstimator()
    found, y = checked_data(estimator, wrap(X), ["a", "b", "a"], reset=True)
    assert isinstance(found, np.ndarray)
    assert found.dtype == kept
    np.testing.assert_array_equal(found, X)
    assert y.tolist() == ["a", "b", "a"]
    again = checked_inputs(estimator, wrap(X))
    np.testing.assert_array_equal(again, found)
    with pytest.raises(ValueError, match="expecting 2 features"):
        checked_inputs(estimator, X[:, :1])


def test_labels_of_any_kind() -> None:
    classes, codes = encoded(np.array(["b", "a", "b"], object))
    assert classes.tolist() == ["a", "b"]
    assert codes.tolist() == [1, 0, 1]
    classes, codes = encoded([2, 0], [0, 1, 2])
    assert (classes.tolist(), codes.tolist()) == ([0, 1, 2], [2, 0])
    with pytest.raises(ValueError, match=r"labels \[3\] that are not among"):
        encoded([3, 0], [0, 1, 2])
    with pytest.raises(ValueError, match="Unknown label type"):
        encoded([0.5, 1.5])


def test_weights_of_samples_and_classes() -> None:
    classes, codes = encoded(["a", "a", "a", "b"])
    weights = weights_of([1, 1, 2, 4], "balanced", classes, codes, np.float32)
    assert weights.dtype == np.float32
    # Both classes weigh the same, and all samples together what they did.
    np.testing.assert_allclose(weights, [1, 1, 2, 4])
    np.testing.assert_allclose(
        weights_of(None, "balanced", classes, codes, np.float64), [2 / 3] * 3 + [2]
    )
    np.testing.assert_allclose(
        weights_of(3.0, {"a": 1, "b": 5}, classes, codes, np.float64), [3, 3, 3, 15]
    )
    assert sample_weights(None, 2, np.float32).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], "expected"),
        ([[1.0, 2.0]], "1D array or scalar"),
        ([1.0, -1.0], "not negative"),
        ([1.0, np.inf], "finite"),
        ([0.0, 0.0], "zero for every sample"),
    ],
)
def test_bad_sample_weights(weights, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sample_weights(weights, 2, np.float64)


@pytest.mark.parametrize("weight", ["balance", 2.0, {"a": -1, "b": 1}, {"c": 1}])
def test_bad_class_weights(weight) -> None:
    classes, codes = encoded(["a", "b"])
    with pytest.raises(ValueError, match="class_weight"):
        weights_of(None, weight, classes, codes, np.float64)


def test_a_random_state_is_a_seed() -> None:
    np.testing.assert_array_equal(generator_of(7).rand(3), Generator(7).rand(3))
    assert seed_of(np.int64(7)) == 7
    first, second = (seed_of(np.random.RandomState(3)) for _ in range(2))
    assert first == second
    assert len({seed_of(None) for _ in range(4)}) == 4
    with pytest.raises(ValueError, match="seed"):
        seed_of("seven")


def test_a_fork_of_a_computing_process_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(_process, "_computing_in", [])
    check_process()
    check_process()
    monkeypatch.setattr(_process.os, "getpid", lambda: -1)
    with pytest.raises(RuntimeError, match="loky"):
        check_process()


def test_a_missing_scikit_learn_is_named() -> None:
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import flaxnn\n"
        "try: flaxnn.estimators.MLPClassifier\n"
        "except flaxnn._errors.MissingPackageError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 'pip install "flaxnn[estimators]"' in done.stdout, done.stderr
