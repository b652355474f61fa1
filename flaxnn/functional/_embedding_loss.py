# SPDX-License-Identifier: Apache-2.0
"""Losses that pull vectors together or push them apart."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

from flaxnn._typing import Array, ArrayLike, Float
from flaxnn.functional._checks import as_array
from flaxnn.functional._distance import pairwise_distance
from flaxnn.functional._hinge import hinge
from flaxnn.functional._promotion import broadcast, promote
from flaxnn.functional._reduction import check_reduction, reduce

# PyTorch's constant (aten/src/ATen/native/Loss.cpp), added to the squared norms: a
# float32 in float64 too.
_EPSILON = float(np.float32(1e-12))


def cosine_embedding_loss(
    input1: ArrayLike,
    input2: ArrayLike,
    target: ArrayLike,
    margin: float = 0.0,
    *,
    reduction: str = "mean",
) -> Float[Array, "..."]:
    """Returns ``1 - cos`` of pairs labelled 1, ``max(0, cos - margin)`` of those at -1.

    Args:
        input1: ``(N, D)``, or ``(D,)`` with a scalar target.
        input2: The same.
        target: ``(N,)`` or ``()``: 1 for vectors that belong together, -1 for others;
            another label's loss is 0.
        margin: The cosine below which vectors are far enough apart.
        reduction: 'mean', 'sum' or 'none'.

    Returns:
        A scalar, or for 'none' the target's shape; in the promoted dtype.

    Raises:
        RuntimeError: The target has two dimensions or does not fit the inputs, or
            nothing is floating point.
        ValueError: `reduction` is unknown.

    Torch:
        ``torch.nn.functional.cosine_embedding_loss``, 2.13.0, 1e-12 added to the
        squared norms. T1 in float64; float32 within 1e-6 relative; T3 in half
        precision. Two deprecated arguments stand before `reduction` there.

    Example:
        >>> cosine_embedding_loss([[1.0, 0.0]], [[0.0, 2.0]], [1])
        Array(1., dtype=float32)
    """
    check_reduction(reduction)
    labels = as_array(target, "target")
    shapes = [list(as_array(x, "input").shape) for x in (input1, input2)]
    if labels.ndim > 1:
        raise RuntimeError(
            "0D or 1D target tensor expected, multi-target not supported: got a target "
            f"of {list(labels.shape)}"
        )
    if any(len(shape) != labels.ndim + 1 for shape in shapes):
        raise RuntimeError(
            f"{labels.ndim}D target tensor expects {labels.ndim + 1}D input tensors, "
            f"but found inputs with sizes {shapes[0]} and {shapes[1]}."
        )
    dtype, (a, b) = promote(input1=input1, input2=input2)
    a, b = broadcast(a, b)
    squares = [jnp.sum(x * x, axis=-1) + _EPSILON for x in (a, b)]
    cosine = jnp.sum(a * b, axis=-1) / jnp.sqrt(squares[0] * squares[1])
    cosine, labels = broadcast(cosine, labels)
    losses = jnp.where(labels == 1, 1 - cosine, 0)
    losses += jnp.where(labels == -1, hinge(cosine - margin), 0)
    return reduce(losses, reduction).astype(dtype)


def triplet_margin_loss(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    *,
    reduction: str = "mean",
) -> Float[Array, "..."]:
    """Returns ``max(0, margin + d(anchor, positive) - d(anchor, negative))``.

    Args:
        anchor: ``(N, D)`` or ``(D,)``.
        positive: The same; vectors that belong to the anchor's.
        negative: The same; vectors that do not.
        margin: How much nearer the positive should be, positive.
        p: Order of the norm of `pairwise_distance`.
        eps: What it adds to every difference.
        swap: Whether the positive's distance to the negative counts where it is the
            smaller one.
        reduction: 'mean', 'sum' or 'none'.

    Returns:
        A scalar, or for 'none' ``(N,)`` or ``()``; in the promoted dtype.

    Raises:
        ValueError: `margin` is not positive, or `reduction` is unknown.
        RuntimeError: Numbers of dimensions differ, shapes do not broadcast, or
            nothing is floating point.

    Torch:
        ``torch.nn.functional.triplet_margin_loss``, 2.13.0. T1 in float64; float32
        within 1e-6 relative; T3 in half precision. Two deprecated arguments stand
        before `reduction` there.

    Example:
        >>> triplet_margin_loss([[0.0]], [[3.0]], [[1.0]], eps=0.0)
        Array(3., dtype=float32)

    References:
        Balntas et al., "Learning local feature descriptors with triplets and shallow
        convolutional neural networks", 2016.
    """
    return triplet_margin_with_distance_loss(
        anchor,
        positive,
        negative,
        distance_function=lambda a, b: pairwise_distance(a, b, p, eps),
        margin=margin,
        swap=swap,
        reduction=reduction,
    )


def triplet_margin_with_distance_loss(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    *,
    distance_function: Callable[[Array, Array], Array] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Float[Array, "..."]:
    """Returns `triplet_margin_loss` with a distance of one's own.

    Args:
        anchor: ``(N, D)`` or ``(D,)``.
        positive: The same; vectors that belong to the anchor's.
        negative: The same; vectors that do not.
        distance_function: Two arrays to their distances; `pairwise_distance` when
            None.
        margin: How much nearer the positive should be, positive.
        swap: Whether the positive's distance to the negative counts where it is the
            smaller one.
        reduction: 'mean', 'sum' or 'none'.

    Returns:
        A scalar, or for 'none' the distances' shape; in the promoted dtype.

    Raises:
        ValueError: `margin` is not positive, or `reduction` is unknown.
        RuntimeError: Numbers of dimensions differ, or nothing is floating point.

    Torch:
        ``torch.nn.functional.triplet_margin_with_distance_loss``, 2.13.0. T1 in
        float64; float32 within 1e-6 relative; T3 in half precision.

    Example:
        >>> import jax.numpy as jnp
        >>> triplet_margin_with_distance_loss(
        ...     [[0.0]], [[3.0]], [[1.0]],
        ...     distance_function=lambda a, b: jnp.abs(a - b)[:, 0],
        ... )
        Array(3., dtype=float32)
    """
    check_reduction(reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    dtype, vectors = promote(anchor=anchor, positive=positive, negative=negative)
    a, b, c = vectors
    if not a.ndim == b.ndim == c.ndim:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same "
            f"number of dimensions, but got: anchor {a.ndim}D, positive {b.ndim}D, and "
            f"negative {c.ndim}D inputs"
        )
    distance = distance_function or pairwise_distance
    to_negative = distance(a, c)
    if swap:
        to_negative = jnp.minimum(to_negative, distance(b, c))
    to_positive, to_negative = broadcast(distance(a, b), to_negative)
    losses = hinge(margin + to_positive - to_negative)
    return reduce(losses, reduction).astype(dtype)
