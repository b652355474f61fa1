# SPDX-License-Identifier: Apache-2.0
"""The arrays that the five PyTorch documents train on and print.

Each function returns new arrays, so that they may be changed.
"""

from __future__ import annotations

import numpy as np

__all__ = [
    "multinomial",
    "multinomial_query",
    "neuron",
    "output_layer_labels",
    "softmax_inputs",
    "univariate",
    "univariate_query",
]


def softmax_inputs() -> tuple[np.ndarray, np.ndarray]:
    """Returns the scores of documents 000 and 001: harmless ones, then overflowing.

    Returns:
        `(3,)` int64 each. The documents pass them to their own NumPy functions as they
        are, and to PyTorch as float32.

    Example:
        >>> softmax_inputs()
        (array([10, 11, 12]), array([1000, 1001, 1002]))
    """
    return np.array([10, 11, 12]), np.array([1000, 1001, 1002])


def output_layer_labels() -> np.ndarray:
    """Returns the labels of documents 000 and 001's four random inputs.

    Returns:
        `(4,)` int64, of three classes.

    Example:
        >>> output_layer_labels()
        array([0, 2, 1, 0])
    """
    return np.array([0, 2, 1, 0], np.int64)


def neuron() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the inputs, weights and bias of document 002's single neuron.

    Returns:
        x: `(3,)` float32.
        w: `(3,)` float32.
        b: `()` float32.

    Example:
        >>> x, w, b = neuron()
        >>> print(f"{np.dot(w, x) + b:.4f}")
        1.9000
    """
    x = np.array([1.0, 2.0, 3.0], np.float32)
    w = np.array([0.1, 0.2, 0.3], np.float32)
    return x, w, np.array(0.5, np.float32)


def univariate() -> tuple[np.ndarray, np.ndarray]:
    """Returns document 002's training set for univariate logistic regression.

    Returns:
        x: `(8, 1)` float32, hours of study.
        y: `(8, 1)` float32, 1 for a pass and 0 for a fail.

    Example:
        >>> x, y = univariate()
        >>> x.ravel()
        array([ 0.,  1.,  3.,  5.,  8., 11., 15., 20.], dtype=float32)
        >>> y.ravel()
        array([0., 0., 0., 0., 1., 1., 1., 1.], dtype=float32)
    """
    x = np.array([[0], [1], [3], [5], [8], [11], [15], [20]], np.float32)
    y = np.array([[0], [0], [0], [0], [1], [1], [1], [1]], np.float32)
    return x, y


def univariate_query() -> np.ndarray:
    """Returns the input on which document 002 tries its univariate model.

    Returns:
        `(1, 1)` float32.

    Example:
        >>> univariate_query()
        array([[10.]], dtype=float32)
    """
    return np.array([[10]], np.float32)


def multinomial() -> tuple[np.ndarray, np.ndarray]:
    """Returns document 002's training set for multinomial logistic regression.

    Returns:
        x: `(10, 4)` float32.
        y: `(10,)` int64, of three classes.

    Example:
        >>> x, y = multinomial()
        >>> x[0], y
        (array([1., 2., 1., 1.], dtype=float32), array([0, 0, 0, 1, 1, 1, 2, 2, 2, 2]))
    """
    x = np.array(
        [
            [1, 2, 1, 1],
            [2, 1, 3, 2],
            [3, 1, 3, 4],
            [4, 2, 5, 5],
            [1, 6, 5, 5],
            [1, 4, 5, 8],
            [1, 7, 7, 7],
            [2, 8, 7, 8],
            [2, 7, 6, 7],
            [2, 6, 6, 6],
        ],
        np.float32,
    )
    return x, np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 2], np.int64)


def multinomial_query() -> np.ndarray:
    """Returns the input on which document 002 tries its multinomial model.

    Returns:
        `(1, 4)` float32.

    Example:
        >>> multinomial_query()
        array([[1., 9., 9., 8.]], dtype=float32)
    """
    return np.array([[1, 9, 9, 8]], np.float32)
