# SPDX-License-Identifier: Apache-2.0
"""What a picture is made from is checked here, before anything is drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike


def numbers(name: str, array: ArrayLike) -> np.ndarray:
    """Returns an array as float64.

    Raises:
        TypeError: It does not hold real numbers.
        ValueError: It is empty, or holds nan or an infinity.
    """
    values = np.asarray(array)
    try:
        if values.dtype.kind in "cOSUM":
            raise TypeError
        values = values.astype(np.float64)
    except TypeError:
        raise TypeError(
            f"{name}: expected an array of real numbers, got {values.dtype}"
        ) from None
    if not values.size:
        raise ValueError(f"{name}: expected numbers, got an empty array")
    finite = np.isfinite(values)
    if not finite.all():
        where = np.unravel_index(np.argmin(finite), values.shape)
        index = ", ".join(str(int(k)) for k in where)
        raise ValueError(
            f"{name}: expected finite numbers, got {values[where]} at index ({index})"
        )
    return values


def vector(name: str, array: ArrayLike) -> np.ndarray:
    """Returns `(N,)` float64 from an array of N numbers, `(N, 1)` for instance."""
    values = numbers(name, array)
    if max(values.shape, default=1) != values.size:
        raise ValueError(f"{name}: expected one number for each, got {values.shape}")
    return values.ravel()


def matrix(name: str, array: ArrayLike) -> np.ndarray:
    """Returns `(N, D)` float64."""
    values = numbers(name, array)
    if values.ndim != 2:
        raise ValueError(f"{name}: expected two dimensions, got shape {values.shape}")
    return values


def probability_rows(name: str, array: ArrayLike) -> np.ndarray:
    """Returns `(N, C)` float64 numbers from 0 to 1."""
    values = matrix(name, array)
    if values.min() < 0 or values.max() > 1 + 1e-6:
        raise ValueError(
            f"{name}: expected numbers from 0 to 1, got {values.min():g} to "
            f"{values.max():g}; apply a softmax to logits first"
        )
    return values


def indices(name: str, array: ArrayLike, classes: int | None = None) -> np.ndarray:
    """Returns `(N,)` int64 class indices, each below the number of classes."""
    given = np.asarray(array)
    if given.ndim > 1:
        hint = " (take argmax over the last dimension)" if given.shape[-1] > 1 else ""
        raise ValueError(
            f"{name}: expected one class for each sample, got shape {given.shape}{hint}"
        )
    values = vector(name, given)
    fractions = values[values != np.round(values)]
    if fractions.size:
        raise ValueError(f"{name}: expected class indices, got {fractions[0]:g}")
    bound = math.inf if classes is None else classes
    off = (values < 0) | (values >= bound)
    if off.any():
        k = int(np.argmax(off))
        allowed = "0 and above" if classes is None else f"0 to {classes - 1}"
        raise ValueError(
            f"{name}: class {values[k]:.0f} at index {k} is out of range, expected "
            f"{allowed}"
        )
    return values.astype(np.int64)


def same_length(**arrays: np.ndarray) -> None:
    """Raises ValueError unless the arrays, by their names, are equally long."""
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = ", ".join(f"{name} {len(array)}" for name, array in arrays.items())
        raise ValueError(f"expected equal lengths, got {lengths}")


def checked_names(
    names: Sequence[str] | None, count: int, *, argument: str = "class_names"
) -> list[str] | None:
    """Returns names as a list; there must be as many as there are things to name."""
    if names is None:
        return None
    if isinstance(names, str) or len(names) != count:
        got = repr(names) if isinstance(names, str) else len(names)
        raise ValueError(f"{argument}: expected {count} names, got {got}")
    return [str(name) for name in names]
