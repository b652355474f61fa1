# SPDX-License-Identifier: Apache-2.0
"""Inputs and targets as arrays, in the dtype that an estimator computes in."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import validate_data

# What computing in the dtype of X means: these two stay, all else becomes the first.
FLOATS = (np.float64, np.float32)


def checked_inputs(estimator: Any, X: Any, *, allow_nd: bool = False) -> np.ndarray:
    """Returns the inputs of a fitted estimator as a dense float array.

    Args:
        estimator: The estimator, which knows the number and names of its features.
        X: Inputs ``(N, D)``: an array, a data frame or a sparse matrix.
        allow_nd: Whether inputs may have more than two axes.
    """
    checked = validate_data(
        estimator,
        X,
        accept_sparse="csr",
        dtype=FLOATS,
        reset=False,
        allow_nd=allow_nd,
    )
    return _dense(checked)


def checked_data(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    reset: bool,
    allow_nd: bool = False,
    multi_output: bool = False,
    y_numeric: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns inputs and targets as dense arrays; the inputs are float.

    Args:
        estimator: The estimator.
        X: Inputs ``(N, D)``: an array, a data frame or a sparse matrix. float32 stays
            float32, all else becomes float64.
        y: Targets ``(N,)``, or ``(N, K)`` with several outputs.
        reset: Whether the estimator learns the number and names of its features.
        allow_nd: Whether inputs may have more than two axes.
        multi_output: Whether targets may have two axes.
        y_numeric: Whether targets must be numbers.
    """
    X, y = validate_data(
        estimator,
        X,
        y,
        accept_sparse="csr",
        dtype=FLOATS,
        reset=reset,
        allow_nd=allow_nd,
        multi_output=multi_output,
        y_numeric=y_numeric,
    )
    return _dense(X), np.asarray(_dense(y))


def _dense(X: Any) -> np.ndarray:
    """All rows at once: the whole of a sparse matrix has to fit into memory."""
    return X.toarray() if sparse.issparse(X) else X
