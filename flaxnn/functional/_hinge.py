# SPDX-License-Identifier: Apache-2.0
"""Losses of signed labels: nothing is lost beyond a margin."""

from __future__ import annotations

import jax.numpy as jnp

from flaxnn._typing import Array, ArrayLike, Float
from flaxnn.functional._checks import as_array, dtype_name, torch_size
from flaxnn.functional._promotion import broadcast, promote
from flaxnn.functional._reduction import check_reduction, reduce


def hinge(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Returns max(0, x); as of PyTorch's clamp_min, the derivative at 0 is 1."""
    return jnp.where(x < 0, 0, x)


def soft_margin_loss(
    input: ArrayLike, target: ArrayLike, *, reduction: str = "mean"
) -> Float[Array, "..."]:
    """Returns ``log(1 + exp(-t x))``.

    Args:
        input: Scores x, any shape, floating point.
        target: Labels t, -1 or 1; broadcast against the input.
        reduction: 'mean', 'sum' or 'none'.

    Returns:
        A scalar, or for 'none' the broadcast shape; in the promoted dtype.

    Raises:
        RuntimeError: Neither is floating point, or the shapes do not broadcast.
        ValueError: `reduction` is unknown.

    Torch:
        ``torch.nn.functional.soft_margin_loss``, 2.13.0, which overflows: in float32
        the value is inf and the derivative nan where ``-t x`` is above 88. T1 in
        float64; float32 within 1e-6 relative; T3 in half precision. Two deprecated
        arguments stand before `reduction` there.

    Example:
        >>> soft_margin_loss([0.0], [1.0]).round(4)
        Array(0.6931, dtype=float32)
    """
    check_reduction(reduction)
    kinds = [as_array(value, "input").dtype for value in (input, target)]
    if not any(jnp.issubdtype(kind, jnp.floating) for kind in kinds):
        raise RuntimeError(
            "result type Float can't be cast to the desired output type "
            f"{dtype_name(input)}: convert the input to floating point"
        )
    dtype, (x, t) = promote(input=input, target=target)
    x, t = broadcast(x, t)
    return reduce(jnp.log1p(jnp.exp(-t * x)), reduction).astype(dtype)


def hinge_embedding_loss(
    input: ArrayLike,
    target: ArrayLike,
    margin: float = 1.0,
    *,
    reduction: str = "mean",
) -> Float[Array, "..."]:
    """Returns x where the label is 1, ``max(0, margin - x)`` where it is -1.

    Args:
        input: Distances x, any shape.
        target: Labels, -1 or 1, broadcast against the input; for another label the
            two losses add up.
        margin: Distance beyond which nothing is lost.
        reduction: 'mean', 'sum' or 'none'.

    Returns:
        A scalar, or for 'none' the broadcast shape; in the promoted dtype.

    Raises:
        RuntimeError: Neither is floating point, or the shapes do not broadcast.
        ValueError: `reduction` is unknown.

    Torch:
        ``torch.nn.functional.hinge_embedding_loss``, 2.13.0. T1 in float64; float32
        within 1e-6 relative; T3 in half precision. Two deprecated arguments stand
        before `reduction` there.

    Example:
        >>> hinge_embedding_loss([0.25, 0.25], [1.0, -1.0], reduction="none")
        Array([0.25, 0.75], dtype=float32)
    """
    check_reduction(reduction)
    dtype, (x, t) = promote(input=input, target=target)
    x, t = broadcast(x, t)
    losses = jnp.where(t != 1, hinge(margin - x), 0) + jnp.where(t != -1, x, 0)
    return reduce(losses, reduction).astype(dtype)


def margin_ranking_loss(
    input1: ArrayLike,
    input2: ArrayLike,
    target: ArrayLike,
    margin: float = 0.0,
    *,
    reduction: str = "mean",
) -> Float[Array, "..."]:
    """Returns ``max(0, -t (x1 - x2) + margin)``.

    Args:
        input1: Scores x1, any shape.
        input2: Scores x2, broadcast against x1.
        target: 1 where x1 should rank higher, -1 where x2 should; broadcast.
        margin: Difference beyond which nothing is lost.
        reduction: 'mean', 'sum' or 'none'.

    Returns:
        A scalar, or for 'none' the broadcast shape; in the promoted dtype.

    Raises:
        RuntimeError: The numbers of dimensions differ, the shapes do not broadcast, or
            nothing is floating point.
        ValueError: `reduction` is unknown.

    Torch:
        ``torch.nn.functional.margin_ranking_loss``, 2.13.0. T1 in float64; float32
        within 1e-6 relative; T3 in half precision. Two deprecated arguments stand
        before `reduction` there.

    Example:
        >>> margin_ranking_loss([1.0], [3.0], [1.0])
        Array(2., dtype=float32)
    """
    check_reduction(reduction)
    dtype, arrays = promote(input1=input1, input2=input2, target=target)
    if len({array.ndim for array in arrays}) > 1:
        sizes = [torch_size(array.shape) for array in arrays]
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but "
            f"got sizes: input1: {sizes[0]}, input2: {sizes[1]}, target: {sizes[2]} "
        )
    x1, x2, t = broadcast(*arrays)
    return reduce(hinge(-t * (x1 - x2) + margin), reduction).astype(dtype)
