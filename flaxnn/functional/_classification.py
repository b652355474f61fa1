# SPDX-License-Identifier: Apache-2.0
"""Losses over classes: cross entropy and the negative log-likelihood."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp

from flaxnn._counted import counted
from flaxnn._typing import Array, ArrayLike, Bool, DTypeLike, Float, Integer, Num
from flaxnn.functional._checks import as_array, check_floating, dtype_name, widen
from flaxnn.functional._labels import as_labels, labels_are_checked
from flaxnn.functional._reduction import check_reduction, reduce
from flaxnn.functional._softmax import log_softmax


def cross_entropy(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Float[Array, "..."]:
    """Returns the cross entropy of logits with class indices or probabilities.

    A target of the input's shape holds probabilities; any numbers are taken, they
    need not be normalised. Any other target holds class indices.

    Args:
        input: Logits, ``(C,)``, ``(N, C)`` or ``(N, C, d1, ...)``.
        target: Indices in [0, C) of shape ``()``, ``(N,)`` or ``(N, d1, ...)``,
            int64, int32 or uint8; or floating-point probabilities.
        weight: ``(C,)`` weight of each class.
        ignore_index: Index whose targets count nothing; it need not be a class.
        reduction: 'mean', 'sum' or 'none'. The mean of indices divides by the sum of
            the targets' weights, that of probabilities by the number of targets.
        label_smoothing: In [0, 1], the share of the uniform distribution.

    Returns:
        A scalar, or for 'none' the shape of the indices. The mean over no targets is
        nan; its gradient is 0 where all are ignored.

    Raises:
        IndexError: An index is out of range. Inside ``jax.jit``, where nothing can
            raise, value and gradient become nan instead.
        NotImplementedError: The input is not floating point.
        ValueError: Batch sizes differ, or `reduction` is unknown.
        RuntimeError: Another shape, a dtype, `weight` or `label_smoothing` is wrong.

    Torch:
        ``torch.nn.functional.cross_entropy``, 2.13.0. T1 in float64; float32 within
        1e-6 relative; T3 in half precision. PyTorch does not take int32 indices, takes
        uint8 for ``(C,)`` and ``(N, C)`` only, ignores a negative `label_smoothing`
        that is refused here, and has two deprecated arguments in front of
        `ignore_index` and `reduction`, which are keyword-only here.

    Example:
        >>> cross_entropy([[0.0, 0.0], [0.0, 0.0]], [0, 1]).round(4)
        Array(0.6931, dtype=float32)
    """
    check_reduction(reduction)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(
            f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}"
        )
    logits = as_array(input, "input")
    if logits.shape == as_array(target, "target").shape:
        return _with_probabilities(
            input, target, weight, ignore_index, reduction, label_smoothing
        )
    log_prob = log_softmax(input, 0 if logits.ndim == 1 else 1)
    return _with_indices(
        log_prob, target, weight, ignore_index, reduction, label_smoothing
    )


def nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Float[Array, "..."]:
    """Returns the negative log-likelihood of class indices.

    Args:
        input: Log-probabilities, ``(C,)``, ``(N, C)`` or ``(N, C, d1, ...)``.
        target: Indices in [0, C) of shape ``()``, ``(N,)`` or ``(N, d1, ...)``;
            int64, int32 or uint8.
        weight: ``(C,)`` weight of each class, of the input's dtype.
        ignore_index: Index whose targets count nothing; it need not be a class.
        reduction: 'mean', 'sum' or 'none'. The mean divides by the sum of the
            targets' weights.

    Returns:
        A scalar, or for 'none' the target's shape. The mean over no targets is nan;
        its gradient is 0 where all are ignored.

    Raises:
        IndexError: An index is out of range. Inside ``jax.jit``, where nothing can
            raise, value and gradient become nan instead.
        NotImplementedError: The input is not floating point.
        ValueError: Batch sizes differ, or `reduction` is unknown.
        RuntimeError: Another shape, a dtype or `weight` is wrong.

    Torch:
        ``torch.nn.functional.nll_loss``, 2.13.0. T1 in float64; float32 within 1e-6
        relative; T3 in half precision. The differences are `cross_entropy`'s.

    Example:
        >>> nll_loss([[-0.5, -2.0], [-1.0, -1.5]], [0, 1])
        Array(1., dtype=float32)
    """
    check_reduction(reduction)
    log_prob = as_array(input, "input")
    check_floating("nll_loss_out_frame", input, log_prob.dtype)
    return _with_indices(log_prob, target, weight, ignore_index, reduction, 0.0)


def _with_indices(
    log_prob: Float[Array, "..."],
    target: ArrayLike,
    weight: ArrayLike | None,
    ignore_index: int,
    reduction: str,
    smoothing: float,
) -> Float[Array, "..."]:
    """Returns the loss of class indices from log-probabilities."""
    labels = as_labels(target, log_prob.shape)
    shape, dtype = labels.shape, log_prob.dtype
    if log_prob.ndim == 1:
        log_prob, labels, shape = log_prob[None], labels.reshape(1), ()
    classes = log_prob.shape[1]
    class_weight = None
    if weight is not None:
        class_weight = _as_class_weight(weight, classes)
        if class_weight.dtype != dtype:
            raise RuntimeError(
                f"expected scalar type {dtype_name(log_prob)} but found "
                f"{dtype_name(weight)}: convert the class weights to the input's dtype"
            )
        class_weight = widen(class_weight)
    log_prob = widen(log_prob)
    checked = labels_are_checked(target, classes, ignore_index)

    def weighed(labels: Integer[Array, "N *d"]) -> _Weighed:
        return _weigh(
            labels, class_weight, classes, ignore_index, checked, log_prob.dtype
        )

    weights, ignored, outside = weighed(labels)
    losses = weights * _label_losses(log_prob, labels, ignored, outside)
    if (whole := counted(labels)) is not labels:
        weights = weighed(whole).weights

    def reduced(losses: Float[Array, "N *d"]) -> Float[Array, "..."]:
        if reduction == "mean":
            # Not jnp.mean: the divisor is the sum of the targets' weights.
            return jnp.sum(losses) / jnp.sum(weights)
        return reduce(losses.reshape(shape), reduction)

    result = reduced(losses)
    if smoothing > 0:
        uniform = reduced(_uniform_losses(log_prob, class_weight, ignored))
        result = (1 - smoothing) * result + smoothing / classes * uniform
    return result.astype(dtype)


class _Weighed(NamedTuple):
    """Each target's weight in the mean, whether it is ignored, and whether no class."""

    weights: Float[Array, "N *d"]
    ignored: Bool[Array, "N *d"]
    outside: Bool[Array, "N *d"] | None


def _weigh(
    labels: Integer[Array, "N *d"],
    class_weight: Float[Array, " C"] | None,
    classes: int,
    ignore_index: int,
    checked: bool,
    dtype: DTypeLike,
) -> _Weighed:
    """Returns what each target counts; a label outside the classes weighs nan."""
    ignored = labels == ignore_index
    if class_weight is None:
        weights = jnp.ones(labels.shape, dtype)
    else:
        weights = jnp.take(class_weight, labels, mode="clip")
    weights = jnp.where(ignored, 0, weights)
    if checked:
        return _Weighed(weights, ignored, None)
    outside = ~ignored & ((labels < 0) | (labels >= classes))
    return _Weighed(jnp.where(outside, jnp.nan, weights), ignored, outside)


def _label_losses(
    log_prob: Float[Array, "N C *d"],
    labels: Integer[Array, "N *d"],
    ignored: Bool[Array, "N *d"],
    outside: Bool[Array, "N *d"] | None,
) -> Float[Array, "N *d"]:
    """Returns every target's loss before it is weighed.

    An ignored target's class is chosen nowhere, so that its gradient is exactly 0
    even where the mean divides by 0. A label outside the classes chooses them all, so
    that with its weight its value and its gradient are nan.
    """
    classes = jnp.arange(log_prob.shape[1]).reshape(1, -1, *(1,) * (labels.ndim - 1))
    chosen = jnp.expand_dims(labels, 1) == classes
    if outside is not None:
        chosen |= jnp.expand_dims(outside, 1)
    chosen &= ~jnp.expand_dims(ignored, 1)
    return jnp.sum(jnp.where(chosen, -log_prob, 0), axis=1)


def _uniform_losses(
    log_prob: Float[Array, "N C *d"],
    class_weight: Float[Array, " C"] | None,
    ignored: Bool[Array, "N *d"],
) -> Float[Array, "N *d"]:
    """Returns every target's summed loss over all classes, for label smoothing."""
    if class_weight is not None:
        shape = (1, -1, *(1,) * (ignored.ndim - 1))
        log_prob = log_prob * class_weight.reshape(shape)
    return jnp.where(ignored, 0, -jnp.sum(log_prob, axis=1))


def _with_probabilities(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None,
    ignore_index: int,
    reduction: str,
    smoothing: float,
) -> Float[Array, "..."]:
    """Returns the loss of class probabilities, which need not be normalised."""
    probabilities = as_array(target, "target")
    if not jnp.issubdtype(probabilities.dtype, jnp.floating):
        raise RuntimeError(
            "Expected floating point type for target with class probabilities, got "
            f"{dtype_name(target)}: a target of the input's shape holds probabilities, "
            "class indices have no class dimension"
        )
    if ignore_index >= 0:
        raise RuntimeError(
            "ignore_index is not supported for floating point target: got "
            f"ignore_index={ignore_index}"
        )
    class_dim = 0 if probabilities.ndim == 1 else 1
    log_prob = log_softmax(input, class_dim)
    classes = log_prob.shape[class_dim]
    if smoothing > 0:
        probabilities = probabilities * (1 - smoothing) + smoothing / classes
    terms = log_prob * probabilities
    if weight is not None:
        shape = [1] * terms.ndim
        shape[class_dim] = classes
        class_weight = _as_class_weight(weight, classes, "cross_entropy: ")
        terms = terms * class_weight.reshape(shape)
    losses = -jnp.sum(terms, axis=class_dim)
    if reduction == "mean" and terms.size == 0:
        return jnp.full((), jnp.nan, terms.dtype)
    return reduce(losses, reduction)


def _as_class_weight(
    weight: ArrayLike, classes: int, prefix: str = ""
) -> Num[Array, " C"]:
    """Returns the class weights, which must be one per class."""
    array = as_array(weight, "weight")
    if array.shape != (classes,):
        raise RuntimeError(
            f"{prefix}weight tensor should be defined either for all {classes} classes "
            f"or no classes but got weight tensor of shape: {list(array.shape)}"
        )
    return array
