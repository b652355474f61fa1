# SPDX-License-Identifier: Apache-2.0
"""PyTorch's half-precision draws: in float32 from the same stream, rounded once."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np

from flaxnn.random import Generator

# What PyTorch's messages call the types: of its own, and of C++.
TYPES = {
    np.dtype(np.float16): ("Half", "c10::Half"),
    np.dtype(jnp.bfloat16): ("BFloat16", "c10::BFloat16"),
}
_BLOCK = 16


def uniform(
    generator: Generator,
    shape: tuple[int, ...],
    low: float,
    high: float,
    dtype: np.dtype,
) -> np.ndarray:
    """Returns numbers in [low, high): what rounds up to ``high`` becomes ``low``."""
    _check_bounds(low, high, dtype)
    drawn = generator.uniform(shape, low, high).astype(dtype)
    return np.where(drawn == dtype.type(high), dtype.type(low), drawn)


def normal(
    generator: Generator,
    shape: tuple[int, ...],
    mean: float,
    std: float,
    dtype: np.dtype,
) -> np.ndarray:
    """Returns normal numbers.

    From 16 on they are drawn block by block, the last 16 anew over the end of the last
    whole block; a float32 tensor draws all its uniform numbers first, also those that
    are then drawn anew.
    """
    count = math.prod(shape)
    rest = count % _BLOCK
    if count < _BLOCK or not rest:
        return generator.normal(shape, mean, std).astype(dtype)
    drawn = np.empty(count, np.float32)
    drawn[: count - rest] = generator.normal((count - rest,), mean, std)
    drawn[-_BLOCK:] = generator.normal((_BLOCK,), mean, std)
    return drawn.reshape(shape).astype(dtype)


def _check_bounds(low: float, high: float, dtype: np.dtype) -> None:
    """Refuses bounds that float32 holds and the type does not."""
    largest = float(jnp.finfo(dtype).max)
    name, c_name = TYPES[dtype]
    for argument, value in (("from", low), ("to", high)):
        if abs(value) > largest:
            raise RuntimeError(f"{argument} is out of bounds for {c_name}: got {value}")
    if high - low > largest:
        raise RuntimeError(
            f"uniform_ expects to-from <= std::numeric_limits<{name}>::max(), but "
            f"found to={high} and from={low} which result in to-from to exceed the "
            "limit"
        )
