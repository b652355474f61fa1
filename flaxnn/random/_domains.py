# SPDX-License-Identifier: Apache-2.0
"""Where each distribution is defined: bounds, probabilities, weights.

As in `_arguments`, the exceptions are PyTorch's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from flaxnn.random._arguments import FLOATS, SCALAR_TYPES, dtype_of, kind_of
from flaxnn.random._types import Array

_INT64_MAX = (1 << 63) - 1

# What PyTorch's messages about bounds call the types.
_C_TYPES = {
    "bool": "bool", "uint8": "unsigned char", "int8": "signed char",
    "int16": "short int", "int32": "int", "int64": "long int",
    "uint16": "unsigned short", "uint32": "unsigned int", "uint64": "unsigned long",
    "float32": "float", "float64": "double",
}  # fmt: skip


def check_uniform(low: float, high: float, dtype: np.dtype) -> None:
    """Refuses bounds that are out of order or too far apart for ``dtype``."""
    largest = float(np.finfo(dtype).max)
    for argument, value in (("from", low), ("to", high)):
        if not -largest <= value <= largest:
            raise RuntimeError(
                f"{argument} is out of bounds for {_C_TYPES[dtype.name]}: got {value}"
            )
    if low > high:
        raise RuntimeError(
            "uniform_ expects to return a [from, to) range, but found "
            f"from={low} > to={high}"
        )
    if high - low > largest:
        scalar = SCALAR_TYPES[dtype.name]
        raise RuntimeError(
            f"uniform_ expects to-from <= std::numeric_limits<{scalar}>::max(), but "
            f"found to={high} and from={low} which result in to-from to exceed the "
            "limit"
        )


def check_normal(std: float) -> None:
    """Refuses a negative standard deviation, and nan."""
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")


def check_integers(low: int, high: int, dtype: np.dtype) -> None:
    """Refuses bounds that are out of order or that ``dtype`` does not hold."""
    if low >= high:
        raise RuntimeError(
            "random_ expects 'from' to be less than 'to', but got "
            f"from={low} >= to={high}"
        )
    if dtype.kind == "f":
        largest = 1 << (np.finfo(dtype).nmant + 1)
        smallest = -largest
    elif dtype == np.bool_:
        smallest, largest = 0, 1
    else:
        smallest = int(np.iinfo(dtype).min)
        largest = min(int(np.iinfo(dtype).max), _INT64_MAX)
    for argument, value in (("from", low), ("to - 1", high - 1)):
        if not smallest <= value <= largest:
            raise RuntimeError(
                f"{argument} is out of bounds for {_C_TYPES[dtype.name]}: got {value}, "
                f"expected {smallest} to {largest}"
            )


def check_probability(p: float) -> None:
    """Refuses what is no probability."""
    if not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p}")


def probabilities_of(p: Array, shape: tuple[int, ...] | None) -> Array:
    """Returns an array of probabilities, broadcast to ``shape`` if there is one."""
    dtype_of(p.dtype, FLOATS, "bernoulli_tensor_cpu_p_", "bernoulli")
    if shape is not None and shape != p.shape:
        try:
            p = np.broadcast_to(p, shape)
        except ValueError:
            raise RuntimeError(
                f"The expanded size of the tensor {list(shape)} must match the "
                f"existing size {list(p.shape)}: p cannot be broadcast to shape"
            ) from None
    outside = ~((p >= 0) & (p <= 1))
    if outside.any():
        raise RuntimeError(
            "Expected p_in >= 0 && p_in <= 1 to be true, but got false: a probability "
            f"is {p[outside].flat[0]}"
        )
    return p


def check_exponential(lambd: float) -> None:
    """Refuses a rate that is not positive."""
    if not lambd > 0:
        raise RuntimeError(
            f"exponential_ expects lambda > 0.0, but found lambda={lambd}"
        )


def weights_of(weights: Any, samples: int, replacement: bool) -> Array:
    """Returns the weights of a multinomial draw, ``(rows, categories)``."""
    if not hasattr(weights, "__array__"):
        raise TypeError(
            "multinomial(): argument 'weights' must be an array, not "
            f"{kind_of(weights)}: pass np.asarray(weights, np.float32) for what "
            "torch.tensor(weights) holds"
        )
    weights = np.asarray(weights)
    if weights.ndim not in (1, 2):
        raise RuntimeError(f"prob_dist must be 1 or 2 dim, got shape {weights.shape}")
    if weights.dtype not in FLOATS:
        scalar = SCALAR_TYPES.get(weights.dtype.name, weights.dtype.name)
        raise RuntimeError(
            "multinomial only supports floating-point dtypes for input, got: "
            f"{scalar}. Expected float32 or float64"
        )
    categories = weights.shape[-1]
    if samples <= 0:
        raise RuntimeError(f"cannot sample n_sample <= 0 samples, got {samples}")
    if not replacement and samples > categories:
        raise RuntimeError(
            "cannot sample n_sample > prob_dist.size(-1) samples without replacement: "
            f"got {samples} of {categories}"
        )
    if categories > 1 << 24:
        raise RuntimeError(f"number of categories cannot exceed 2^24, got {categories}")
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise RuntimeError(
            "probability tensor contains either `inf`, `nan` or element < 0"
        )
    rows = weights if weights.ndim == 2 else weights[np.newaxis]
    if not (rows > 0).any(axis=1).all():
        raise RuntimeError(
            "invalid multinomial distribution (sum of probabilities <= 0)"
        )
    return rows
