# SPDX-License-Identifier: Apache-2.0
"""Losses of real numbers: squared and absolute errors."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import lax

from flaxnn._typing import Array, ArrayLike, Float
from flaxnn.functional._checks import as_array, dtype_name, torch_size, widen
from flaxnn.functional._promotion import broadcast_pair
from flaxnn.functional._reduction import check_reduction, reduce


def mse_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: str = "mean",
    weight: ArrayLike | None = None,
) -> Float[Array, "..."]:
    """Returns the squared error ``(x - t)²``.

    Args:
        input: Any shape, real numbers.
        target: The input's shape; another warns and is broadcast. At least one of
            the two is floating point.
        reduction: 'mean', 'sum' or 'none'. With `weight` the mean divides by the
            weights' sum.
        weight: Factor of each error; the input's shape.

    Returns:
        A scalar, or for 'none' the broadcast shape; in the promoted dtype.

    Raises:
        RuntimeError: The shapes do not broadcast.
        NotImplementedError: Neither is floating point.
        ValueError: `weight` has another shape, or `reduction` is unknown.

    Torch:
        ``torch.nn.functional.mse_loss``, 2.13.0. T1 in float64; float32 within 1e-6
        relative; T3 in half precision. ``optax.l2_loss`` is half of it. PyTorch has
        two deprecated arguments before `reduction`, which is keyword-only here.

    Example:
        >>> mse_loss([1.0, 4.0], [1.0, 2.0])
        Array(2., dtype=float32)
    """
    check_reduction(reduction)
    x, t = broadcast_pair(input, target)
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise NotImplementedError(
            f'"mse_cpu" not implemented for {dtype_name(input)!r}: convert input or '
            "target to floating point"
        )
    return _weighted(jnp.square(widen(x) - widen(t)), x.dtype, weight, reduction)


def l1_loss(
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: str = "mean",
    weight: ArrayLike | None = None,
) -> Float[Array, "..."]:
    """Returns the absolute error ``|x - t|``; its derivative at 0 is 0.

    Args:
        input: Any shape, real numbers but not bools.
        target: The input's shape; another warns and is broadcast. At least one of
            the two is floating point.
        reduction: 'mean', 'sum' or 'none'. With `weight` the mean divides by the
            weights' sum.
        weight: Factor of each error; the input's shape.

    Returns:
        A scalar, or for 'none' the broadcast shape; in the promoted dtype.

    Raises:
        RuntimeError: The shapes do not broadcast, one is bool, or neither is floating
            point.
        ValueError: `weight` has another shape, or `reduction` is unknown.

    Torch:
        ``torch.nn.functional.l1_loss``, 2.13.0. T1 in float64; float32 within 1e-6
        relative; T3 in half precision. PyTorch takes two integer arrays for 'sum' and
        'none', and has two deprecated arguments before `reduction`, which is
        keyword-only here.

    Example:
        >>> l1_loss([1.0, 4.0], [1.0, 2.0])
        Array(1., dtype=float32)
    """
    check_reduction(reduction)
    if "Bool" in (dtype_name(input), dtype_name(target)):
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported: "
            "convert input and target to floating point"
        )
    x, t = broadcast_pair(input, target)
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise RuntimeError(
            "mean(): could not infer output dtype. Input dtype must be either a "
            f"floating point or complex dtype. Got: {dtype_name(input)}: convert input "
            "or target to floating point"
        )
    return _weighted(absolute(widen(x) - widen(t)), x.dtype, weight, reduction)


def absolute(error: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Returns |error| with derivative 0 at 0 and nan; that of jnp.abs at 0 is 1."""
    sign = jnp.where(error > 0, 1, jnp.where(error < 0, -1, 0)).astype(error.dtype)
    return error * lax.stop_gradient(sign)


def _weighted(
    errors: Float[Array, "*shape"],
    dtype: np.dtype,
    weight: ArrayLike | None,
    reduction: str,
) -> Float[Array, "..."]:
    """Returns the reduced errors in the dtype that they and the weight have."""
    if weight is None:
        return reduce(errors, reduction).astype(dtype)
    factor = as_array(weight, "weight")
    if factor.shape != errors.shape:
        raise ValueError(
            "Weights and input must have the same size. Got weight "
            f"{torch_size(factor.shape)}, errors {torch_size(errors.shape)}"
        )
    dtype = jnp.promote_types(dtype, factor.dtype)
    errors = errors * factor
    if reduction == "mean":
        return (jnp.sum(errors) / jnp.sum(factor)).astype(dtype)
    return reduce(errors, reduction).astype(dtype)
