# SPDX-License-Identifier: Apache-2.0
"""Attention of several heads."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from flaxnn import functional as F
from flaxnn import init
from flaxnn._typing import ArrayLike, DTypeLike
from flaxnn.init import Source
from flaxnn.nn._dropout import mask_of
from flaxnn.nn._keys import key_stream
from flaxnn.nn._linear import Linear
from flaxnn.nn._module import Module
from flaxnn.nn._parameter import Parameter


class _OutputProjection(Linear):
    """A Linear under the name that PyTorch prints here."""

    def _get_name(self) -> str:
        return "NonDynamicallyQuantizableLinear"


class MultiheadAttention(Module):
    """Attention of several heads between two sequences, or within one.

    Args:
        embed_dim: Features of queries and outputs; a multiple of `num_heads`.
        num_heads: Heads, each over its share of the features.
        dropout: Probability of an attention weight to be set to 0 in training.
        bias: Whether the projections have biases.
        add_bias_kv: Whether a learned key and value stand behind the sequence.
        add_zero_attn: Whether a key and value of zeros stand behind it.
        kdim: Features of the keys; `embed_dim` when None.
        vdim: Features of the values; `embed_dim` when None.
        batch_first: Whether sequences are ``(N, L, E)``.
        rngs: A `Generator` for PyTorch's initial weights or `nnx.Rngs` for JAX's.
        dtype: float32 or float64 parameters.

    Attributes:
        in_proj_weight: ``(3 E, E)``, query, key and value; where `kdim` or `vdim`
            differ there are ``q_proj_weight``, ``k_proj_weight`` and
            ``v_proj_weight`` in its place.
        in_proj_bias: ``(3 E,)``, or None.
        bias_k: ``(1, 1, E)``, or None.
        bias_v: ``(1, 1, E)``, or None.
        out_proj: The `Linear` behind the heads.

    Raises:
        ValueError: A size is not positive.
        AssertionError: `embed_dim` is no multiple of `num_heads`.

    Torch:
        ``torch.nn.MultiheadAttention``, 2.13.0: initial values T0 with a `Generator`,
        outputs T1 in float64.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn.random import Generator
        >>> attention = MultiheadAttention(4, 2, rngs=Generator(0))
        >>> x = jnp.ones((5, 3, 4))
        >>> output, weights = attention(x, x, x)
        >>> output.shape, weights.shape
        ((5, 3, 4), (3, 5, 5))

    References:
        Vaswani et al., "Attention Is All You Need", 2017, section 3.2.2.
    """

    in_proj_bias: Parameter[jax.Array] | None
    bias_k: Parameter[jax.Array] | None
    bias_v: Parameter[jax.Array] | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        *,
        rngs: Source,
        dtype: DTypeLike = np.float32,
    ):
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                "embed_dim and num_heads must be greater than 0, got "
                f"embed_dim={embed_dim} and num_heads={num_heads} instead"
            )
        if embed_dim % num_heads:
            raise AssertionError(
                f"embed_dim must be divisible by num_heads, got {embed_dim} and "
                f"{num_heads}"
            )
        self.embed_dim = embed_dim
        self.kdim: int = embed_dim if kdim is None else kdim
        self.vdim: int = embed_dim if vdim is None else vdim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.add_zero_attn = add_zero_attn
        self.keys: nnx.RngStream | None = key_stream(rngs) if dropout > 0 else None
        # Drawn before the weights that stand in front of it.
        self.out_proj: _OutputProjection = _OutputProjection(
            embed_dim, embed_dim, bias, rngs=rngs, dtype=dtype
        )
        for name, shape in self._projections().items():
            array = init.xavier_uniform(shape, rngs=rngs, dtype=dtype)
            setattr(self, name, Parameter(array))
        self.in_proj_bias = self.bias_k = self.bias_v = None
        if bias:
            zeros = init.zeros((3 * embed_dim,), dtype=dtype)
            self._register("in_proj_bias", zeros)
            self.out_proj.bias = Parameter(init.zeros((embed_dim,), dtype=dtype))
        if add_bias_kv:
            shape = (1, 1, embed_dim)
            for name in ("bias_k", "bias_v"):
                array = init.xavier_normal(shape, rngs=rngs, dtype=dtype)
                self._register(name, array)

    def _register(self, name: str, array: jax.Array) -> None:
        delattr(self, name)
        setattr(self, name, Parameter(array))

    def _projections(self) -> dict[str, tuple[int, int]]:
        """Names and shapes of the weights in front of the heads."""
        width = self.embed_dim
        if self.kdim == self.vdim == width:
            return {"in_proj_weight": (3 * width, width)}
        return {
            "q_proj_weight": (width, width),
            "k_proj_weight": (width, self.kdim),
            "v_proj_weight": (width, self.vdim),
        }

    def forward(
        self,
        query: ArrayLike,
        key: ArrayLike,
        value: ArrayLike,
        key_padding_mask: ArrayLike | None = None,
        need_weights: bool = True,
        attn_mask: ArrayLike | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[jax.Array, jax.Array | None]:
        """Returns the attended values, and the weights or None.

        Args:
            query: ``(L, N, E)``, ``(L, E)``, or with `batch_first` ``(N, L, E)``.
            key: ``(S, N, kdim)`` and so on.
            value: ``(S, N, vdim)`` and so on.
            key_padding_mask: ``(N, S)``: True for keys to leave out, or what is added
                to their scores.
            need_weights: Whether to return the weights too.
            attn_mask: ``(L, S)`` or ``(N · num_heads, L, S)``: True for pairs to leave
                out, or what is added to their scores.
            average_attn_weights: Whether the weights are averaged over the heads, to
                ``(N, L, S)``; else ``(N, num_heads, L, S)``.
            is_causal: A hint that `attn_mask`, which must be given, is causal.

        Raises:
            AssertionError: Dimensions, sizes or the type of a mask do not fit.
            RuntimeError: The shape of a mask does not fit, or `is_causal` stands
                without a mask.
        """
        q, k, v = (jnp.asarray(array) for array in (query, key, value))
        batched = q.ndim == 3
        _check_ndims(q, k, v, batched)
        padding = _additive(key_padding_mask, "key_padding_mask", q.dtype, 1 + batched)
        if not batched:
            q, k, v = (jnp.expand_dims(array, 1) for array in (q, k, v))
            padding = None if padding is None else padding[None]
        elif self.batch_first:
            q, k, v = (jnp.swapaxes(array, 0, 1) for array in (q, k, v))
        if is_causal and attn_mask is None:
            raise RuntimeError(
                "Need attn_mask if specifying the is_causal hint: pass the causal mask"
            )
        # PyTorch takes the hint at its word, without looking at the mask.
        causal = is_causal and padding is None and not need_weights
        mask = None if causal else _additive(attn_mask, "attn_mask", q.dtype, None)
        self._check_sizes(q, k, v)
        shape = (q.shape[1], self.num_heads, q.shape[0], k.shape[0])
        merged = self._merged(mask, padding, shape)
        heads = self._heads(q, k, v)
        output, weights = self._attend(*heads, merged, causal, need_weights)
        output = output.transpose(2, 0, 1, 3).reshape(*q.shape[:2], self.embed_dim)
        output = self.out_proj(output)
        if weights is not None and average_attn_weights:
            weights = jnp.mean(weights, axis=1)
        if not batched:
            return output[:, 0], None if weights is None else weights[0]
        return (jnp.swapaxes(output, 0, 1) if self.batch_first else output), weights

    def _check_sizes(self, q: jax.Array, k: jax.Array, v: jax.Array) -> None:
        if q.shape[-1] != self.embed_dim:
            raise AssertionError(
                f"was expecting embedding dimension of {self.embed_dim}, but got "
                f"{q.shape[-1]}"
            )
        separate = not self.kdim == self.vdim == self.embed_dim
        if separate and k.shape[:2] != v.shape[:2]:
            raise AssertionError(
                f"key's sequence and batch dims {k.shape[:2]} do not match value's "
                f"{v.shape[:2]}"
            )
        if not separate and k.shape != v.shape:
            raise AssertionError(
                f"key shape {k.shape} does not match value shape {v.shape}"
            )

    def _heads(
        self, q: jax.Array, k: jax.Array, v: jax.Array
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Returns each projected and split: ``(N, heads, length, E / heads)``."""
        held = [getattr(self, name).get_value() for name in self._projections()]
        weights = held if len(held) == 3 else jnp.split(held[0], 3)
        bias = self.in_proj_bias
        biases = (None,) * 3 if bias is None else jnp.split(bias.get_value(), 3)
        q, k, v = map(F.linear, (q, k, v), weights, biases)
        if self.bias_k is not None and self.bias_v is not None:
            behind = (1, k.shape[1], self.embed_dim)
            k, v = (
                jnp.concatenate([x, jnp.broadcast_to(b.get_value(), behind)])
                for x, b in ((k, self.bias_k), (v, self.bias_v))
            )
        if self.add_zero_attn:
            k, v = (jnp.pad(x, ((0, 1), (0, 0), (0, 0))) for x in (k, v))

        def split(x: jax.Array) -> jax.Array:
            return x.reshape(*x.shape[:2], self.num_heads, -1).transpose(1, 2, 0, 3)

        return split(q), split(k), split(v)

    def _merged(
        self,
        mask: jax.Array | None,
        padding: jax.Array | None,
        shape: tuple[int, ...],
    ) -> jax.Array | None:
        """Returns both masks as one that adds to the scores of all keys."""
        batch, heads, length, keys = shape
        if mask is not None:
            allowed = {2: (length, keys), 3: (batch * heads, length, keys)}
            expected = allowed[mask.ndim]
            if mask.shape != expected:
                raise RuntimeError(
                    f"The shape of the {mask.ndim}D attn_mask is {mask.shape}, but "
                    f"should be {expected}."
                )
            leading = (1, 1) if mask.ndim == 2 else (batch, heads)
            mask = jnp.broadcast_to(mask.reshape(*leading, length, keys), shape)
        if padding is not None:
            if padding.shape != (batch, keys):
                raise AssertionError(
                    f"Expected key_padded_mask.shape to be {(batch, keys)}, but got "
                    f"{padding.shape}"
                )
            padding = jnp.broadcast_to(padding[:, None, None, :], shape)
            mask = padding if mask is None else mask + padding
        extra = (self.bias_k is not None) + self.add_zero_attn
        if mask is None or not extra:
            return mask
        return jnp.pad(mask, ((0, 0), (0, 0), (0, 0), (0, extra)))

    def _attend(
        self,
        q: jax.Array,
        k: jax.Array,
        v: jax.Array,
        mask: jax.Array | None,
        causal: bool,
        need_weights: bool,
    ) -> tuple[jax.Array, jax.Array | None]:
        """Returns what the heads attend to, and with which weights."""
        p = self.dropout if self.training else 0.0
        shape = (*q.shape[:-1], k.shape[-2])
        mask_for = mask_of(p, self.keys, self)
        if not need_weights:
            kept = mask_for(shape) if p > 0 else None
            output = F.scaled_dot_product_attention(
                q, k, v, mask, p, causal, dropout_mask=kept
            )
            return output, None
        precision = jax.lax.Precision.HIGHEST
        scaled = q * math.sqrt(1 / q.shape[-1])
        scores = jnp.matmul(scaled, jnp.swapaxes(k, -2, -1), precision=precision)
        weights = F.softmax(scores if mask is None else mask + scores, -1)
        weights = F.dropout(weights, p, mask=mask_for)
        return jnp.matmul(weights, v, precision=precision), weights


def _check_ndims(q: jax.Array, k: jax.Array, v: jax.Array, batched: bool) -> None:
    if q.ndim not in (2, 3):
        raise AssertionError(
            "query should be unbatched 2D or batched 3D tensor but received "
            f"{q.ndim}-D query tensor"
        )
    if k.ndim != q.ndim or v.ndim != q.ndim:
        kind = "batched (3-D)" if batched else "unbatched (2-D)"
        raise AssertionError(
            f"For {kind} `query`, expected `key` and `value` to be {q.ndim}-D but "
            f"found {k.ndim}-D and {v.ndim}-D tensors respectively"
        )


def _additive(
    mask: ArrayLike | None, name: str, dtype: np.dtype, ndim: int | None
) -> jax.Array | None:
    """Returns a mask as numbers to add: minus infinity where it is True."""
    if mask is None:
        return None
    array = jnp.asarray(mask)
    expected = (2, 3) if ndim is None else (ndim,)
    if array.ndim not in expected:
        words = " or ".join(f"{n}-D" for n in expected)
        raise AssertionError(
            f"expected `{name}` to be `None` or {words} but found {array.ndim}-D "
            "tensor instead"
        )
    if array.dtype == jnp.bool_:
        return jnp.where(array, -jnp.inf, 0).astype(dtype)
    if not jnp.issubdtype(array.dtype, jnp.floating):
        raise AssertionError(
            f"only bool and floating types of {name} are supported, got {array.dtype}"
        )
    return array.astype(dtype)
