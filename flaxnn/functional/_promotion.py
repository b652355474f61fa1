# SPDX-License-Identifier: Apache-2.0
"""Several arguments brought to one shape and one floating-point dtype."""

from __future__ import annotations

from functools import reduce as fold

import jax.numpy as jnp
import numpy as np

from flaxnn._typing import Array, ArrayLike, Float, Shaped
from flaxnn.functional._checks import (
    as_array,
    dtype_name,
    torch_size,
    warn_caller,
    widen,
)


def common_shape(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """Returns the broadcast shape; raises in PyTorch's words where there is none."""
    try:
        return np.broadcast_shapes(a, b)
    except ValueError:
        pass
    ndim = max(len(a), len(b))
    padded = zip((1,) * (ndim - len(a)) + a, (1,) * (ndim - len(b)) + b, strict=True)
    dim, (m, n) = max(
        (dim, pair) for dim, pair in enumerate(padded) if 1 != pair[0] != pair[1] != 1
    )
    raise RuntimeError(
        f"The size of tensor a ({m}) must match the size of tensor b ({n}) at "
        f"non-singleton dimension {dim}"
    )


def broadcast(
    *arrays: Shaped[Array, "..."],
) -> tuple[Shaped[Array, "*shape"], ...]:
    """Returns the arrays in their common shape."""
    shape = fold(common_shape, (array.shape for array in arrays))
    return tuple(jnp.broadcast_to(array, shape) for array in arrays)


def broadcast_pair(
    input: ArrayLike, target: ArrayLike
) -> tuple[Shaped[Array, "*shape"], Shaped[Array, "*shape"]]:
    """Returns both in their common shape and dtype; warns where the shapes differ."""
    x, t = as_array(input, "input"), as_array(target, "target")
    if x.shape != t.shape:
        warn_caller(
            f"Using a target size ({torch_size(t.shape)}) that is different to the "
            f"input size ({torch_size(x.shape)}). This will likely lead to incorrect "
            "results due to broadcasting. Please ensure they have the same size."
        )
    dtype = jnp.promote_types(x.dtype, t.dtype)
    x, t = broadcast(x, t)
    return x.astype(dtype), t.astype(dtype)


def promote(
    **arguments: ArrayLike,
) -> tuple[np.dtype, tuple[Float[Array, "..."], ...]]:
    """Returns the promoted dtype, and the named arguments in it; half becomes float32.

    Raises PyTorch's error of a mean where none of them is floating point.
    """
    arrays = [as_array(value, name) for name, value in arguments.items()]
    dtype = fold(jnp.promote_types, (array.dtype for array in arrays))
    if not jnp.issubdtype(dtype, jnp.floating):
        names = ", ".join(arguments)
        raise RuntimeError(
            "mean(): could not infer output dtype. Input dtype must be either a "
            "floating point or complex dtype. Got: "
            f"{dtype_name(next(iter(arguments.values())))}: convert one of {names} to "
            "floating point"
        )
    return dtype, tuple(widen(array.astype(dtype)) for array in arrays)
