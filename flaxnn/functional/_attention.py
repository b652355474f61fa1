# SPDX-License-Identifier: Apache-2.0
"""Scaled dot-product attention."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax import lax

from flaxnn._typing import Array, ArrayLike, Float, Shaped
from flaxnn.functional._checks import as_array, dtype_name
from flaxnn.functional._promotion import common_shape
from flaxnn.functional._softmax import softmax


def scaled_dot_product_attention(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    attn_mask: ArrayLike | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
    dropout_mask: ArrayLike | None = None,
    precision: lax.PrecisionLike = lax.Precision.HIGHEST,
) -> Float[Array, "..."]:
    """Returns ``softmax(Q Kᵀ scale + mask) V``.

    Args:
        query: ``(*, L, E)`` floating point.
        key: ``(*, S, E)``, the query's dtype.
        value: ``(*, S, V)``, the query's dtype.
        attn_mask: Broadcast to ``(*, L, S)``: True where a position takes part, or
            what is added to the scores.
        dropout_p: Probability of an attention weight to be set to 0.
        is_causal: Whether a query sees only the keys up to its own position.
        scale: Factor of the scores; ``1 / √E`` when None.
        enable_gqa: Whether the query may have a multiple of the key's heads, in the
            dimension before the last two.
        dropout_mask: ``(*, L, S)``, 1 where a weight is kept; needed with `dropout_p`.
        precision: Of the two products. HIGHEST is PyTorch's on CPU.

    Returns:
        ``(*, L, V)`` in the query's dtype. A query that sees no key gives 0.

    Raises:
        RuntimeError: Shapes or dtypes do not fit, both a mask and `is_causal` are
            given, or there is dropout without its mask.

    Torch:
        ``torch.nn.functional.scaled_dot_product_attention``, 2.13.0. T1 in float64;
        in float32 the sums differ in their order, which is T2's noise; T3 in half
        precision. PyTorch draws its dropout mask itself.

    Example:
        >>> scaled_dot_product_attention([[0.0]], [[1.0], [2.0]], [[1.0], [3.0]])
        Array([[2.]], dtype=float32)

    References:
        Vaswani et al., "Attention Is All You Need", 2017, equation 1.
    """
    q, k, v = (
        as_array(array, name)
        for array, name in ((query, "query"), (key, "key"), (value, "value"))
    )
    _check(q, k, v, attn_mask, is_causal)
    if enable_gqa:
        k, v = (
            jnp.repeat(array, q.shape[-3] // array.shape[-3], -3) for array in (k, v)
        )
    factor = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    scores = jnp.matmul(q * factor, jnp.swapaxes(k, -2, -1), precision=precision)
    seen = _seen(attn_mask, is_causal, scores.shape)
    if seen is not None:
        scores = jnp.where(seen, scores, -jnp.inf)
    elif attn_mask is not None:
        scores = scores + jnp.broadcast_to(_added(attn_mask, scores), scores.shape)
    weights = _softmax_of_seen(scores)
    if dropout_p > 0:
        if dropout_mask is None:
            raise RuntimeError(
                "dropout_p without dropout_mask: nothing is drawn here; pass the mask, "
                f"1 where kept, of shape {weights.shape}"
            )
        kept = jnp.broadcast_to(as_array(dropout_mask, "dropout_mask"), weights.shape)
        weights = weights * (kept.astype(weights.dtype) / (1 - dropout_p))
    return jnp.matmul(weights, v, precision=precision)


def _check(
    q: Shaped[Array, "..."],
    k: Shaped[Array, "..."],
    v: Shaped[Array, "..."],
    attn_mask: ArrayLike | None,
    is_causal: bool,
) -> None:
    """Raises as PyTorch does about dtypes, dimensions and masks that do not fit."""
    if not q.dtype == k.dtype == v.dtype:
        raise RuntimeError(
            "Expected query, key, and value to have the same dtype, but got "
            f"query.dtype: {dtype_name(q)} key.dtype: {dtype_name(k)} and value.dtype: "
            f"{dtype_name(v)} instead."
        )
    if min(q.ndim, k.ndim, v.ndim) < 2:
        raise RuntimeError(
            "Expected query, key, and value to all be  at least 2 dimensional, but got "
            f"query.dim: {q.ndim} key.dim: {k.ndim} and value.dim: {v.ndim} instead."
        )
    if attn_mask is not None and is_causal:
        raise RuntimeError(
            "_scaled_dot_product_attention: Explicit attn_mask should not be set when "
            "is_causal=True"
        )
    if q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise RuntimeError(
            f"expected a query (*, L, E), a key (*, S, E) and a value (*, S, V), got "
            f"{q.shape}, {k.shape} and {v.shape}"
        )


def _seen(
    attn_mask: ArrayLike | None, is_causal: bool, shape: tuple[int, ...]
) -> Shaped[Array, "..."] | None:
    """Returns which scores count, where the mask says so rather than adding to them."""
    if is_causal:
        return jnp.broadcast_to(jnp.tri(*shape[-2:], dtype=bool), shape)
    if attn_mask is None:
        return None
    mask = as_array(attn_mask, "attn_mask")
    if mask.dtype != jnp.bool_:
        return None
    return jnp.broadcast_to(mask, common_shape(mask.shape, shape))


def _added(attn_mask: ArrayLike, scores: Float[Array, "..."]) -> Float[Array, "..."]:
    """Returns an additive mask in the scores' dtype."""
    mask = as_array(attn_mask, "attn_mask")
    if mask.dtype != scores.dtype:
        raise RuntimeError(
            "Expected attn_mask dtype to be bool or to match query dtype, but got "
            f"attn_mask.dtype: {dtype_name(mask)} and query.dtype: "
            f"{dtype_name(scores)} instead."
        )
    common_shape(mask.shape, scores.shape)
    return mask


def _softmax_of_seen(scores: Float[Array, "*S"]) -> Float[Array, "*S"]:
    """Returns the softmax over the keys; 0 for a query that sees none of them."""
    blind = jnp.all(scores == -jnp.inf, axis=-1, keepdims=True)
    weights = softmax(jnp.where(blind, 0, scores), -1)
    return jnp.where(blind, 0, weights)
