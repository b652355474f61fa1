# SPDX-License-Identifier: Apache-2.0
"""A data set in arrays of a few sizes, so that one program serves many data sets."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jax.experimental.sparse import BCOO
from scipy import sparse

# Where XLA on a CPU takes over an array of NumPy's without a copy.
_ALIGNMENT = 64
# Sizes begin here: a program takes seconds to compile, and so few numbers microseconds
# to compute.
_LEAST_ROWS, _LEAST_ENTRIES = 256, 1024
# Up to so many features their number is rounded up to the next multiple of 16.
_FEW_FEATURES = 64


def held(
    inputs: Any, codes: np.ndarray, shares: np.ndarray
) -> tuple[jax.Array | BCOO, jax.Array, jax.Array]:
    """Returns a data set on the device, with zeros behind up to the next size.

    There are eight sizes from one power of two to the next. The folds of a
    cross-validation, which differ by a row, have the same; small data sets all have.

    Args:
        inputs: ``(N, D)`` float32 or float64, dense or sparse.
        codes: ``(N,)`` class of each sample.
        shares: ``(N,)`` weight of each sample, over the sum of all.

    Returns:
        ``(M, F)`` inputs, ``(M,)`` int32 codes and ``(M,)`` shares.
    """
    rows = max(size_for(inputs.shape[0]), _LEAST_ROWS)
    features = features_for(inputs.shape[1])
    labels = _filled(codes.astype(np.int32), rows)
    weights = _filled(shares.astype(inputs.dtype), rows)
    if not sparse.issparse(inputs):
        return _filled(inputs, rows, features), labels, weights
    entries = inputs.tocoo()
    places = np.stack([entries.row, entries.col], axis=1).astype(np.int32)
    number = max(size_for(len(places)), _LEAST_ENTRIES)
    pair = _filled(entries.data, number), _filled(places, number)
    return BCOO(pair, shape=(rows, features)), labels, weights


def size_for(number: int) -> int:
    """Returns the next size for so many rows, at most an eighth more.

    Args:
        number: How many there are.
    """
    step = 1 << max(0, (number - 1).bit_length() - 4)
    return -(-number // step) * step


def features_for(number: int) -> int:
    """Returns how many columns so many features are held in.

    Args:
        number: How many there are.
    """
    return number if number > _FEW_FEATURES else -(-number // 16) * 16


def _filled(array: np.ndarray, rows: int, columns: int | None = None) -> jax.Array:
    """The array with zeros behind, in memory that JAX takes over as it is."""
    shape = (rows, *array.shape[1:]) if columns is None else (rows, columns)
    count = int(np.prod(shape))
    memory = np.zeros(count * array.itemsize + _ALIGNMENT, np.uint8)
    first = -memory.ctypes.data % _ALIGNMENT
    bytes_of = memory[first : first + count * array.itemsize]
    whole = bytes_of.view(array.dtype).reshape(shape)
    whole[tuple(slice(size) for size in array.shape)] = array
    return jax.device_put(whole, may_alias=True)
