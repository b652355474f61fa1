# SPDX-License-Identifier: Apache-2.0
"""Searches over parameters: what they compile, and where they may run."""

from __future__ import annotations

import subprocess
import sys

import joblib
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score

from flaxnn.estimators import MLPClassifier
from flaxnn.training._loop import run_chunk

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

_stream = np.random.RandomState(0)
X = _stream.randn(52, 3)
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)


def _net(**options) -> MLPClassifier:
    return MLPClassifier((4,), max_iter=2, random_state=0, **options)


def test_a_grid_of_learning_rates_compiles_once_for_each_shape() -> None:
    rates = np.geomspace(1e-4, 1e-1, 20)
    before = run_chunk._cache_size()
    search = GridSearchCV(_net(), {"learning_rate_init": rates}, cv=KFold(5))
    search.fit(X, Y)
    assert len(search.cv_results_["params"]) == 20
    # Parts of 41 and of 42 rows, and all 52 for the best: 101 runs, three shapes.
    assert run_chunk._cache_size() - before == 3
    GridSearchCV(_net(), {"alpha": rates[:3]}, cv=KFold(5)).fit(X, Y)
    assert run_chunk._cache_size() - before == 3


def test_threads_give_the_same_scores() -> None:
    alone = cross_val_score(_net(), X, Y, cv=3)
    with joblib.parallel_config("threading", n_jobs=2):
        np.testing.assert_array_equal(cross_val_score(_net(), X, Y, cv=3), alone)


SCRIPT = """
import multiprocessing, sys, warnings
import joblib, numpy as np
from sklearn.model_selection import cross_val_score
from flaxnn.estimators import MLPClassifier

warnings.simplefilter("ignore")
X = np.random.RandomState(0).randn(30, 3)
y = (X[:, 0] > 0).astype(int)
net = MLPClassifier((4,), max_iter=2, random_state=0)
alone = cross_val_score(net, X, y, cv=2)
with joblib.parallel_config("loky", n_jobs=2):
    assert (cross_val_score(net, X, y, cv=2) == alone).all()
if sys.platform == "linux":
    try:
        with joblib.parallel_config("multiprocessing", n_jobs=2):
            cross_val_score(net, X, y, cv=2, error_score="raise")
    except RuntimeError as error:
        assert "forked from one that computes with JAX" in str(error), error
    else:
        raise AssertionError("a fork was not refused")
print("done")
"""


@pytest.mark.slow
def test_processes_of_their_own_give_the_same_scores_and_forks_are_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "done\n"
