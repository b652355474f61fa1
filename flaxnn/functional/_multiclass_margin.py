# SPDX-License-Identifier: Apache-2.0
"""Margin losses over the classes of a sample."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from flaxnn._typing import Array, ArrayLike, Float, Integer
from flaxnn.functional._checks import (
    as_array,
    check_floating,
    dtype_name,
    host_value,
    widen,
)
from flaxnn.functional._promotion import broadcast, promote
from flaxnn.functional._reduction import check_reduction, reduce
from flaxnn.functional._sigmoids import logsigmoid


def multi_margin_loss(
    input: ArrayLike,
    target: ArrayLike,
    p: int = 1,
    margin: float = 1.0,
    weight: ArrayLike | None = None,
    *,
    reduction: str = "mean",
) -> Float[Array, "..."]:
    """Returns ``Σ max(0, margin - x[y] + x[j])^p / C`` over the classes j ≠ y.

    Args:
        input: Scores x, ``(N, C)`` or ``(C,)``, floating point.
        target: Classes y, ``(N,)`` or ``()``, int64 or int32.
        p: 1 or 2.
        margin: How much higher the right class should score.
        weight: ``(C,)`` factor of the losses of each class, of the input's dtype.
        reduction: 'mean' (over the samples), 'sum' or 'none'.

    Returns:
        A scalar, or for 'none' the target's shape; in the input's dtype.

    Raises:
        RuntimeError: A class is out of range (inside ``jax.jit``, where nothing can
            raise, its loss is nan), or a shape or dtype is wrong.
        NotImplementedError: The input is not floating point.
        ValueError: `p` is neither 1 nor 2, or `reduction` is unknown.

    Torch:
        ``torch.nn.functional.multi_margin_loss``, 2.13.0. T1 in float64; float32
        within 1e-6 relative; T3 in half precision. PyTorch takes no int32, and its
        mean over an empty batch is whatever lay in memory, ours 0. Two deprecated
        arguments stand before `reduction` there.

    Example:
        >>> multi_margin_loss([[0.0, 1.0, 0.25, 0.5]], [1], reduction="sum")
        Array(0.1875, dtype=float32)
    """
    check_reduction(reduction)
    if p not in (1, 2):
        raise ValueError(f"only p == 1 and p == 2 supported, got {p}")
    scores = _scores("multi_margin_loss_cpu_kernel", input)
    labels, given = _as_long(target), as_array(input, "input").shape
    classes = scores.shape[-1]
    if labels.shape not in ({given[:1]} if len(given) == 2 else {(), (1,)}):
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the "
            "number of input samples (batch size). Expected target size "
            f"{[scores.shape[0]]}, but got {list(labels.shape)}. Input has shape "
            f"{list(given)}."
        )
    shape, labels = labels.shape, labels.reshape(-1)
    checked = _are_checked(target, 0, classes, "target out of range")
    chosen = labels[:, None] == jnp.arange(classes)[None, :]
    right = jnp.sum(jnp.where(chosen, scores, 0), axis=1, keepdims=True)
    excess = margin - right + scores
    # The derivative where the excess is exactly 0 is 0.
    excess = jnp.where(chosen | (excess <= 0), 0, excess)
    losses = excess if p == 1 else excess * excess
    if weight is not None:
        losses = losses * _class_weight(weight, input, classes)[labels][:, None]
    per_sample = jnp.sum(losses, axis=1) / classes
    if not checked:
        outside = (labels < 0) | (labels >= classes)
        per_sample = jnp.where(outside, jnp.nan, per_sample)
    return _reduced(per_sample.reshape(shape), reduction, input)


def multilabel_margin_loss(
    input: ArrayLike, target: ArrayLike, *, reduction: str = "mean"
) -> Float[Array, "..."]:
    """Returns ``Σ max(0, 1 - (x[y] - x[j])) / C`` over targets y and other classes j.

    Args:
        input: Scores x, ``(N, C)`` or ``(C,)``, floating point.
        target: Class indices of the input's shape, int64 or int32; those in front of
            the first -1 are the sample's targets.
        reduction: 'mean' (over the samples), 'sum' or 'none'.

    Returns:
        A scalar, or for 'none' ``(N,)`` or ``()``; in the input's dtype.

    Raises:
        RuntimeError: A class is out of range (inside ``jax.jit``, where nothing can
            raise, its sample's loss is nan), or a shape or dtype is wrong.
        NotImplementedError: The input is not floating point.
        ValueError: `reduction` is unknown.

    Torch:
        ``torch.nn.functional.multilabel_margin_loss``, 2.13.0. T1 in float64;
        float32 within 1e-6 relative; T3 in half precision. PyTorch takes no int32,
        and one target row for a whole batch, reading past its end. Two deprecated
        arguments stand before `reduction` there.

    Example:
        >>> multilabel_margin_loss([0.0, 1.0, 0.25, 0.5], [1, -1, 0, 0])
        Array(0.1875, dtype=float32)
    """
    check_reduction(reduction)
    scores = _scores("multilabel_margin_loss_forward_out_frame", input)
    labels = _as_long(target)
    shape = as_array(input, "input").shape
    if labels.shape != shape:
        raise RuntimeError(
            f"inconsistent target size: {list(labels.shape)} for input of size: "
            f"{list(shape)}"
        )
    labels, classes = labels.reshape(scores.shape), scores.shape[-1]
    words = "argument #2 'target' is out of range"
    checked = _are_checked(target, -1, classes, words)
    listed = jnp.cumsum((labels < 0).astype(jnp.int32), axis=1) == 0
    one_hot = labels[:, :, None] == jnp.arange(classes)[None, None, :]
    one_hot &= listed[:, :, None]
    others = ~jnp.any(one_hot, axis=1)[:, None, :]
    right = jnp.sum(jnp.where(one_hot, scores[:, None, :], 0), axis=2, keepdims=True)
    excess = 1 - right + scores[:, None, :]
    counted = listed[:, :, None] & others & (excess > 0)
    per_sample = jnp.sum(jnp.where(counted, excess, 0), axis=(1, 2)) / classes
    if not checked:
        outside = jnp.any((labels < -1) | (labels >= classes), axis=1)
        per_sample = jnp.where(outside, jnp.nan, per_sample)
    return _reduced(per_sample.reshape(shape[:-1]), reduction, input)


def multilabel_soft_margin_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    reduction: str = "mean",
) -> Float[Array, "..."]:
    """Returns the mean over classes of the binary cross entropies of logits.

    Args:
        input: Logits, ``(N, C)`` or ``(C,)``, floating point.
        target: 0 or 1 for each class, broadcast against the input.
        weight: ``(C,)`` factor of each class.
        reduction: 'mean' (over the samples), 'sum' or 'none'.

    Returns:
        A scalar, or for 'none' ``(N,)`` or ``()``; in the promoted dtype.

    Raises:
        NotImplementedError: The input is not floating point.
        RuntimeError: The shapes do not broadcast.
        IndexError: The input has no dimension.
        ValueError: `reduction` is unknown.

    Torch:
        ``torch.nn.functional.multilabel_soft_margin_loss``, 2.13.0. T1 in float64;
        float32 within 1e-6 relative; T3 in half precision. Two deprecated arguments
        stand before `reduction` there.

    Example:
        >>> multilabel_soft_margin_loss([[0.0, 0.0]], [[1.0, 0.0]]).round(4)
        Array(0.6931, dtype=float32)
    """
    check_reduction(reduction)
    x = as_array(input, "input")
    check_floating("log_sigmoid_cpu", input, x.dtype)
    if x.ndim == 0:
        raise IndexError("Dimension specified as -1 but tensor has no dimensions")
    dtype, (x, t) = promote(input=input, target=target)
    x, t = broadcast(x, t)
    losses = -(t * logsigmoid(x) + (1 - t) * logsigmoid(-x))
    if weight is not None:
        dtype, (losses, factor) = promote(losses=losses.astype(dtype), weight=weight)
        losses, factor = broadcast(losses, factor)
        losses = losses * factor
    per_sample = jnp.sum(losses, axis=-1) / x.shape[-1]
    return reduce(per_sample, reduction).astype(dtype)


def _scores(kernel: str, input: ArrayLike) -> Float[Array, "N C"]:
    """Returns the scores as a batch, wide enough to add up."""
    x = as_array(input, "input")
    if x.ndim > 2 or (x.ndim and x.shape[-1] == 0):
        raise RuntimeError(
            "Expected non-empty vector or matrix with optional 0-dim batch size, but "
            f"got: {list(x.shape)}"
        )
    check_floating(kernel, input, x.dtype)
    return widen(x).reshape((-1, x.shape[-1]) if x.ndim == 2 else (1, max(x.size, 1)))


def _as_long(target: ArrayLike) -> Integer[Array, "..."]:
    labels = as_array(target, "target")
    if labels.dtype not in (jnp.int32, jnp.int64):
        raise RuntimeError(
            f"expected scalar type Long but found {dtype_name(target)}: class indices "
            "are int64 or int32"
        )
    return labels


def _are_checked(target: ArrayLike, low: int, classes: int, words: str) -> bool:
    """Returns whether the indices could be read; raises if one is out of range."""
    labels = host_value(target)
    if labels is None:
        return False
    outside = (labels < low) | (labels >= classes)
    if np.any(outside):
        raise RuntimeError(
            f"{words}: got {labels[outside].flat[0]}, expected class indices from "
            f"{low} to {classes - 1}"
        )
    return True


def _class_weight(
    weight: ArrayLike, input: ArrayLike, classes: int
) -> Float[Array, " C"]:
    factor = as_array(weight, "weight")
    if factor.ndim != 1:
        raise ValueError(f"weight must be one-dimensional, got {factor.ndim}D")
    if factor.size != classes:
        raise RuntimeError(
            f"inconsistent weight size, expected {classes} but got {list(factor.shape)}"
        )
    return widen(factor)


def _reduced(
    losses: Float[Array, "..."], reduction: str, input: ArrayLike
) -> Float[Array, "..."]:
    """Returns the reduced losses; the mean over no samples is 0."""
    dtype = as_array(input, "input").dtype
    if losses.size == 0 and reduction == "mean":
        return jnp.zeros((), dtype)
    return reduce(losses, reduction).astype(dtype)
