# SPDX-License-Identifier: Apache-2.0
"""Binary cross entropy, of probabilities and of logits."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero

from flaxnn._typing import Array, ArrayLike, Float
from flaxnn.functional._checks import (
    as_array,
    check_floating,
    dtype_name,
    host_value,
    torch_size,
    widen,
)
from flaxnn.functional._reduction import check_reduction, reduce

# PyTorch's clamps (aten/src/ATen/native/Loss.cpp): of the logarithms in the value, and
# of p(1-p) in the derivative, where the constant is a float32 in float64 too.
LOG_FLOOR = -100.0
VARIANCE_FLOOR = float(np.float32(1e-12))


def binary_cross_entropy(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    reduction: str = "mean",
) -> Float[Array, "..."]:
    """Returns ``-(t log p + (1 - t) log(1 - p))``, each logarithm at least -100.

    Args:
        input: Probabilities p in [0, 1], any shape, floating point.
        target: t in [0, 1], the input's shape and dtype.
        weight: Factor of each loss; broadcasts to the input's shape.
        reduction: 'mean' (over the number of elements), 'sum' or 'none'.

    Returns:
        A scalar, or for 'none' the input's shape.

    Raises:
        RuntimeError: A number lies outside [0, 1] (inside ``jax.jit``, where nothing
            can raise, its loss and gradient become nan instead), dtypes differ, or
            `weight` does not broadcast.
        NotImplementedError: Input and target are not floating point.
        ValueError: Shapes differ, or `reduction` is unknown.

    Torch:
        ``torch.nn.functional.binary_cross_entropy``, 2.13.0, and its derivative
        ``(p - t) / max(p (1 - p), 1e-12)``. T1 in float64; float32 within 1e-6
        relative; T3 in half precision. PyTorch refuses to differentiate by `weight`,
        and has deprecated arguments before `reduction`, which is keyword-only here.

    Example:
        >>> binary_cross_entropy([0.0, 0.0], [0.0, 1.0], reduction="none")
        Array([  0., 100.], dtype=float32)
    """
    check_reduction(reduction)
    p, t = as_array(input, "input"), as_array(target, "target")
    if p.shape != t.shape:
        raise ValueError(
            f"Using a target size ({torch_size(t.shape)}) that is different to the "
            f"input size ({torch_size(p.shape)}) is deprecated. Please ensure they "
            "have the same size."
        )
    if p.dtype != t.dtype:
        raise RuntimeError(
            f"Found dtype {dtype_name(target)} but expected {dtype_name(input)}: "
            f"convert the target with .astype('{p.dtype}')"
        )
    check_floating("binary_cross_entropy", input, p.dtype)
    losses = _probability_losses(widen(p), widen(t))
    for value, array, name in ((input, p, "input"), (target, t, "target")):
        if not _is_checked(value, name):
            losses = losses * jnp.where((array >= 0) & (array <= 1), 1, jnp.nan)
    if weight is not None:
        losses = losses * _broadcast(weight, "weight", losses)
    return reduce(losses, reduction).astype(p.dtype)


def binary_cross_entropy_with_logits(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    reduction: str = "mean",
    pos_weight: ArrayLike | None = None,
) -> Float[Array, "..."]:
    """Returns `binary_cross_entropy` of ``sigmoid(input)``, without overflow.

    Args:
        input: Logits, any shape, floating point.
        target: The input's shape, floating point; any numbers are taken.
        weight: Factor of each loss; broadcasts to the input's shape.
        reduction: 'mean' (over the number of elements), 'sum' or 'none'.
        pos_weight: Factor of the term of the positive class; broadcasts to the
            input's shape.

    Returns:
        A scalar, or for 'none' the input's shape; in the target's dtype.

    Raises:
        RuntimeError: The target is not floating point, or a weight does not broadcast.
        NotImplementedError: The input is not floating point.
        ValueError: Shapes differ, or `reduction` is unknown.

    Torch:
        ``torch.nn.functional.binary_cross_entropy_with_logits``, 2.13.0. T1 in
        float64; float32 within 1e-6 relative; T3 in half precision. PyTorch refuses
        to differentiate by the weights, and has deprecated arguments before
        `reduction`, which is keyword-only here.

    Example:
        >>> binary_cross_entropy_with_logits([-200.0, 200.0], [1.0, 1.0]).round(2)
        Array(100., dtype=float32)
    """
    check_reduction(reduction)
    x, t = as_array(input, "input"), as_array(target, "target")
    if x.shape != t.shape:
        raise ValueError(
            f"Target size ({torch_size(t.shape)}) must be the same as input size "
            f"({torch_size(x.shape)})"
        )
    check_floating("log_sigmoid_cpu", input, x.dtype)
    if not jnp.issubdtype(t.dtype, jnp.floating):
        raise RuntimeError(
            f"result type {dtype_name(input)} can't be cast to the desired output type "
            f"{dtype_name(target)}: convert the target with .astype('{x.dtype}')"
        )
    result_dtype = t.dtype
    x, t = widen(x), widen(t)
    if pos_weight is not None:
        pos_weight = _broadcast(pos_weight, "pos_weight", x)
    losses = _logit_losses(x, t, pos_weight)
    if weight is not None:
        losses = losses * _broadcast(weight, "weight", losses)
    return reduce(losses, reduction).astype(result_dtype)


# JAX calls functions with a derivative of their own with NumPy arrays and Python
# numbers too: hence Any in their annotations.
@jax.custom_jvp
def _probability_losses(p: Any, t: Any) -> Float[Array, "..."]:
    """Returns the loss of each probability, in PyTorch's order of operations."""
    log_p = jnp.maximum(jnp.log(p), LOG_FLOOR)
    log_q = jnp.maximum(jnp.log1p(-p), LOG_FLOOR)
    return (t - 1) * log_q - t * log_p


def _probability_losses_jvp(
    primals: tuple[Any, ...], tangents: tuple[Any, ...]
) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
    """Takes PyTorch's derivatives: bounded by p, unclamped by t."""
    (p, t), (dp, dt) = primals, tangents
    losses = _probability_losses(p, t)
    change = jnp.zeros_like(losses)
    if not isinstance(dp, SymbolicZero):
        change += (p - t) / jnp.maximum(p * (1 - p), VARIANCE_FLOOR) * dp
    if not isinstance(dt, SymbolicZero):
        change += (jnp.log1p(-p) - jnp.log(p)) * dt
    return losses, change


# Symbolic zeros: the derivative by t is infinite at p = 0, and 0 * inf would be nan.
_probability_losses.defjvp(_probability_losses_jvp, symbolic_zeros=True)


@jax.custom_jvp
def _logit_losses(x: Any, t: Any, pos_weight: Any | None) -> Float[Array, "..."]:
    """Returns the loss of each logit, in PyTorch's order of operations."""
    log_p = jax.nn.log_sigmoid(x)
    if pos_weight is not None:
        log_p = ((pos_weight - 1) * t + 1) * log_p
    return (1 - t) * x - log_p


def _logit_losses_jvp(
    primals: tuple[Any, ...], tangents: tuple[Any, ...]
) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
    """Takes PyTorch's derivative: 1 - t - sigmoid(-x) would cancel for small x."""
    (x, t, pos_weight), (dx, dt, dpos) = primals, tangents
    losses = _logit_losses(x, t, pos_weight)
    change = jnp.zeros_like(losses)
    if not isinstance(dx, SymbolicZero):
        positive = t if pos_weight is None else pos_weight * t
        by_x = (positive + 1 - t) * jax.nn.sigmoid(x) - positive
        change += (jax.nn.sigmoid(x) - t if pos_weight is None else by_x) * dx
    if not isinstance(dt, SymbolicZero):
        by_t = -x
        if pos_weight is not None:
            by_t -= (pos_weight - 1) * jax.nn.log_sigmoid(x)
        change += by_t * dt
    if dpos is not None and not isinstance(dpos, SymbolicZero):
        change -= t * jax.nn.log_sigmoid(x) * dpos
    return losses, change


_logit_losses.defjvp(_logit_losses_jvp, symbolic_zeros=True)


def _is_checked(value: ArrayLike, name: str) -> bool:
    """Returns whether the numbers could be read; raises if one is outside [0, 1]."""
    numbers = host_value(value)
    if numbers is None:
        return False
    outside = ~((numbers >= 0) & (numbers <= 1))
    if outside.any():
        raise RuntimeError(
            f"all elements of {name} should be between 0 and 1, but one is "
            f"{numbers[outside].flat[0]}; binary_cross_entropy_with_logits takes logits"
        )
    return True


def _broadcast(
    weight: ArrayLike, name: str, losses: Float[Array, "*shape"]
) -> Float[Array, "*shape"]:
    """Returns a weight in the losses' shape and dtype."""
    array = as_array(weight, name)
    try:
        return jnp.broadcast_to(array, losses.shape).astype(losses.dtype)
    except ValueError:
        pass
    raise RuntimeError(
        f"{name} of {torch_size(array.shape)} does not broadcast to the input's "
        f"{torch_size(losses.shape)}"
    )
