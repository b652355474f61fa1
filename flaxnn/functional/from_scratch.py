# SPDX-License-Identifier: Apache-2.0
"""The documents' formulas in NumPy, as an oracle independent of JAX and PyTorch.

Each is written as the textbook has it, for float64 arrays and with nothing done for
numerical stability except where its name says so: `softmax` of large numbers is nan,
with NumPy's RuntimeWarnings, as in the documents. For real use there is
`flaxnn.functional`.

Torch:
    None of these functions is PyTorch's; for ordinary numbers their values are.

Example:
    >>> import numpy as np
    >>> stable_softmax(np.array([1000.0, 1001.0, 1002.0]))
    array([0.09003057, 0.24472847, 0.66524096])
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from flaxnn._typing import ArrayLike

__all__ = [
    "binary_step",
    "cross_entropy",
    "elu",
    "leaky_relu",
    "relu",
    "sigmoid",
    "softmax",
    "softmax_rows",
    "stable_softmax",
    "tanh",
]

# A number stays a number, as with NumPy's own functions.
Numbers: TypeAlias = NDArray[Any] | np.number


def softmax(z: ArrayLike) -> Numbers:
    """Returns ``exp(z) / sum(exp(z))`` over all elements; nan once exp overflows.

    Args:
        z: Numbers of any shape.

    Example:
        >>> softmax([10, 11, 12])
        array([0.09003057, 0.24472847, 0.66524096])
    """
    powers = np.exp(z)
    return powers / powers.sum()


def stable_softmax(z: ArrayLike) -> Numbers:
    """Returns `softmax` with the largest element at 0, so that nothing overflows.

    Args:
        z: Numbers of any shape, at least one.

    Example:
        >>> stable_softmax([1000, 1001, 1002])
        array([0.09003057, 0.24472847, 0.66524096])
    """
    return softmax(np.subtract(z, np.max(z)))


def softmax_rows(z: ArrayLike) -> Numbers:
    """Returns the `softmax` of each row of a ``(N, C)`` array.

    Args:
        z: ``(N, C)`` numbers, a row for each sample.

    Example:
        >>> softmax_rows([[0.0, 0.0], [0.0, 0.0]])
        array([[0.5, 0.5],
               [0.5, 0.5]])
    """
    powers = np.exp(z)
    return powers / powers.sum(axis=1, keepdims=True)


def cross_entropy(y_pred: ArrayLike, y_true: ArrayLike) -> np.float64:
    """Returns ``-sum(y_true * log(y_pred))`` of probabilities and one-hot targets.

    Args:
        y_pred: Probabilities of any shape, above 0.
        y_true: The same shape, 1 for the right class and 0 for the others.

    Example:
        >>> float(cross_entropy([0.25, 0.75], [1.0, 0.0]))
        1.3862943611198906
    """
    return np.float64(-np.sum(np.multiply(np.log(y_pred), y_true)))


def sigmoid(z: ArrayLike) -> Numbers:
    """Returns ``1 / (1 + exp(-z))``.

    Args:
        z: Any shape.

    Example:
        >>> sigmoid([0.0, 1000.0])
        array([0.5, 1. ])
    """
    return 1 / (1 + np.exp(np.negative(z)))


def relu(z: ArrayLike) -> Numbers:
    """Returns ``max(z, 0)``.

    Args:
        z: Any shape.

    Example:
        >>> relu([-1.0, 2.0])
        array([0., 2.])
    """
    return np.maximum(z, 0)


def leaky_relu(z: ArrayLike, alpha: float = 0.01) -> Numbers:
    """Returns ``max(z, alpha * z)``.

    Args:
        z: Any shape.
        alpha: Slope below zero, between 0 and 1.

    Example:
        >>> leaky_relu([-1.0, 2.0])
        array([-0.01,  2.  ])
    """
    return np.maximum(z, np.multiply(alpha, z))


def tanh(z: ArrayLike) -> Numbers:
    """Returns ``(exp(z) - exp(-z)) / (exp(z) + exp(-z))``.

    Args:
        z: Any shape.

    Example:
        >>> float(tanh(0.0))
        0.0
    """
    up, down = np.exp(z), np.exp(np.negative(z))
    return (up - down) / (up + down)


def elu(z: ArrayLike, alpha: float = 1.0) -> Numbers:
    """Returns z where it is positive, else ``alpha * (exp(z) - 1)``.

    Args:
        z: Any shape.
        alpha: What it falls to, negated, as z goes to -inf.

    Example:
        >>> elu([0.0, 2.0])
        array([0., 2.])
    """
    z = np.asarray(z)
    return np.where(z > 0, z, alpha * (np.exp(z) - 1))


def binary_step(z: ArrayLike) -> Numbers:
    """Returns 1 where z is positive, else 0.

    Args:
        z: Any shape.

    Example:
        >>> binary_step([-1.0, 0.0, 2.0])
        array([0., 0., 1.])
    """
    return np.where(np.asarray(z) > 0, 1.0, 0.0)
