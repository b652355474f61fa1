# SPDX-License-Identifier: Apache-2.0
"""Losses that are squared near zero and linear far from it."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from flaxnn._typing import Array, ArrayLike, Float
from flaxnn.functional._checks import as_array, dtype_name, torch_size, widen
from flaxnn.functional._promotion import broadcast_pair
from flaxnn.functional._reduction import check_reduction, reduce
from flaxnn.functional._regression import absolute


def smooth_l1_loss(
    input: ArrayLike, target: ArrayLike, *, reduction: str = "mean", beta: float = 1.0
) -> Float[Array, "..."]:
    """Returns ``e² / (2 beta)`` where ``|e| < beta``, else ``|e| - beta / 2``.

    Args:
        input: Any shape, real numbers; ``e`` is input minus target.
        target: The input's shape; another warns and is broadcast. At least one of
            the two is floating point.
        reduction: 'mean', 'sum' or 'none'.
        beta: Where the square becomes a line, 0 or more; 0 gives `l1_loss`.

    Returns:
        A scalar, or for 'none' the broadcast shape; in the promoted dtype.

    Raises:
        RuntimeError: `beta` is negative, or the shapes do not broadcast.
        NotImplementedError: Neither is floating point.
        ValueError: `reduction` is unknown.

    Torch:
        ``torch.nn.functional.smooth_l1_loss``, 2.13.0. T1 in float64; float32 within
        1e-6 relative; T3 in half precision. Two deprecated arguments stand before
        `reduction` there.

    Example:
        >>> smooth_l1_loss([0.5, 3.0], [0.0, 0.0], reduction="none")
        Array([0.125, 2.5  ], dtype=float32)

    References:
        Girshick, "Fast R-CNN", 2015, equation 3.
    """
    check_reduction(reduction)
    if beta < 0:
        raise RuntimeError(
            f"smooth_l1_loss does not support negative values for beta. Got {beta}"
        )
    x, t = broadcast_pair(input, target)
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise _not_floating("smooth_l1_cpu", input)
    error = widen(x) - widen(t)
    losses = absolute(error) if beta == 0 else _smooth_l1(error, beta)
    return reduce(losses, reduction).astype(x.dtype)


def huber_loss(
    input: ArrayLike,
    target: ArrayLike,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: ArrayLike | None = None,
) -> Float[Array, "..."]:
    """Returns ``e² / 2`` where ``|e| < delta``, else ``delta (|e| - delta / 2)``.

    Args:
        input: Any shape, real numbers; ``e`` is input minus target.
        target: The input's shape; another warns and is broadcast. At least one of
            the two is floating point.
        reduction: 'mean' (over the number of elements, with `weight` too), 'sum' or
            'none'.
        delta: Where the square becomes a line, positive.
        weight: Factor of each loss; the input's shape.

    Returns:
        A scalar, or for 'none' the broadcast shape; in the promoted dtype.

    Raises:
        RuntimeError: `delta` is not positive, or the shapes do not broadcast.
        NotImplementedError: Neither is floating point.
        ValueError: `weight` has another shape, or `reduction` is unknown.

    Torch:
        ``torch.nn.functional.huber_loss``, 2.13.0. T1 in float64; float32 within
        1e-6 relative; T3 in half precision.

    Example:
        >>> huber_loss([0.5, 3.0], [0.0, 0.0], reduction="none", delta=2.0)
        Array([0.125, 4.   ], dtype=float32)

    References:
        Huber, "Robust Estimation of a Location Parameter", 1964.
    """
    check_reduction(reduction)
    if delta <= 0:
        raise RuntimeError(
            f"huber_loss does not support non-positive values for delta. Got {delta}"
        )
    x, t = broadcast_pair(input, target)
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise _not_floating("huber_cpu", input)
    dtype, losses = x.dtype, delta * _smooth_l1(widen(x) - widen(t), delta)
    if weight is not None:
        factor, shape = as_array(weight, "weight"), as_array(input, "input").shape
        if factor.shape != shape:
            raise ValueError(
                "Weights and input must have the same size. Got weight "
                f"{torch_size(factor.shape)}, input {torch_size(shape)}"
            )
        dtype = jnp.promote_types(dtype, factor.dtype)
        losses = losses * jnp.broadcast_to(factor, losses.shape)
    return reduce(losses, reduction).astype(dtype)


def _smooth_l1(error: Float[Array, "*shape"], beta: Any) -> Float[Array, "*shape"]:
    """Returns the loss of each error; Huber's is beta times as much."""
    size = absolute(error)
    # The square's branch must stay finite for its derivative where it is not taken.
    near = jnp.minimum(size, beta)
    return jnp.where(size < beta, 0.5 * near * near / beta, size - 0.5 * beta)


def _not_floating(kernel: str, input: ArrayLike) -> NotImplementedError:
    return NotImplementedError(
        f'"{kernel}" not implemented for {dtype_name(input)!r}: convert input or '
        "target to floating point"
    )
