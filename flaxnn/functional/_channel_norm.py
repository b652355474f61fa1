# SPDX-License-Identifier: Apache-2.0
"""What batch and instance norm share: the arithmetic of one number per channel."""

from __future__ import annotations

import numpy as np

from flaxnn._typing import Array, ArrayLike, Float
from flaxnn.functional._checks import as_array, check_floating, widen
from flaxnn.functional._moments import check_same_kind, inverse_deviation
from flaxnn.functional._options import Option


def with_channels(
    input: ArrayLike,
    running_mean: ArrayLike | None,
    running_var: ArrayLike | None,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
) -> Float[Array, "N C *d"]:
    """Returns the input, checked together with what there is one of per channel."""
    x = as_array(input, "input")
    if x.ndim < 2:
        raise RuntimeError(
            f"batch and instance norm expect an input of (N, C, *), got {x.ndim}D"
        )
    if (running_mean is None) != (running_var is None):
        raise ValueError(
            "running_mean and running_var must either both be None or neither be None"
        )
    given = {
        "running_mean": running_mean,
        "running_var": running_var,
        "weight": weight,
        "bias": bias,
    }
    arrays = {k: as_array(v, k) for k, v in given.items() if v is not None}
    for name, array in arrays.items():
        if array.shape != (x.shape[1],):
            raise RuntimeError(
                f"{name} should contain {x.shape[1]} elements not {array.size}: "
                f"expected ({x.shape[1]},), the channels of an input of {x.shape}, got "
                f"{array.shape}"
            )
    check_floating("batch_norm", input, x.dtype)
    check_same_kind(x, arrays)
    return x


def spread(array: ArrayLike, x: Float[Array, "N C *d"]) -> Float[Array, "..."]:
    """Returns an array of one number per channel in a shape that meets the input's."""
    return widen(as_array(array, "array").reshape(1, -1, *(1,) * (x.ndim - 2)))


def normalized(
    x: Float[Array, "N C *d"],
    dtype: np.dtype,
    mean: Float[Array, "..."],
    var: Float[Array, "..."],
    weight: ArrayLike | None,
    bias: ArrayLike | None,
    eps: Option,
) -> Float[Array, "N C *d"]:
    """Returns the wide input normalised, scaled and shifted, in a dtype."""
    y = (x - mean) * inverse_deviation(var, eps)
    if weight is not None:
        y = y * spread(weight, x)
    if bias is not None:
        y = y + spread(bias, x)
    return y.astype(dtype)


def moved(
    running: ArrayLike, new: Float[Array, " C"], momentum: Option, size: int
) -> Float[Array, " C"]:
    """Returns a running statistic moved towards the new one."""
    old = as_array(running, "running")
    if size == 0:
        return old
    moved = momentum * new + (1 - momentum) * widen(old)
    return moved.astype(old.dtype)
