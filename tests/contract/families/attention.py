# SPDX-License-Identifier: Apache-2.0
"""Attention: of one head as a function, of several as a module."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.contract.bad import Bad, BadLayer, zeros
from tests.contract.case import NN, Case, Op, spread
from tests.contract.layer import Layer, LayerCase

Q, K, V = spread(2, 5, 3), spread(2, 7, 3, start=30), spread(2, 7, 4, start=60)
THREE = (0, 1, 2)
SEEN = (np.arange(35).reshape(5, 7) % 3) > 0
BLIND = SEEN & (np.arange(5) != 2)[:, None]


def products() -> tuple[Case, ...]:
    """Masks of either kind, a query that sees nothing, several heads."""
    heads = spread(2, 4, 5, 3), spread(2, 2, 7, 3, start=9), spread(2, 2, 7, 3, start=5)
    return (
        Case("plain", (Q, K, V), by=THREE),
        Case("added-mask", (Q, K, V, spread(5, 7)), by=THREE),
        Case("mask", (Q, K, V, SEEN), by=THREE),
        Case("blind", (Q, K, V, BLIND), by=THREE),
        Case("causal", (Q, K, V), {"is_causal": True}, THREE),
        Case("scale", (Q, K, V), {"scale": 0.3}, THREE),
        Case("matrix", (Q[0], K[0], V[0]), by=THREE),
        Case("heads", (heads[0], heads[0] / 2, heads[0]), by=THREE),
        Case("grouped", heads, {"enable_gqa": True}, THREE),
        Case("single", (Q[:1, :1], K[:1, :1], V[:1, :1]), by=THREE),
        Case("empty", (Q[:0], K[:0], V[:0])),
    )


# Softmax of sums of products as large as 9: 9e-7 was measured.
ATOL = 4e-6
OPS = (
    Op(
        "scaled_dot_product_attention",
        f"{NN}.scaled_dot_product_attention",
        products(),
        atol=ATOL,
        bfloat16_steps=8,
        differences="the dropout mask is passed as dropout_mask",
    ),
)

X, M = spread(5, 2, 6), spread(7, 2, 6, start=50)
FIRST, MEMORY = (array.transpose(1, 0, 2).copy() for array in (X, M))
PADDED = np.array([[False] * 5 + [True] * 2, [False] * 7])
NOT_SEEN = ~SEEN
# Of each of the two heads and two samples.
PER_HEAD = np.where(np.stack([NOT_SEEN, ~NOT_SEEN] * 2), -np.inf, 0.5)


def call(name: str, *args: Any, training: bool = True, **kwargs: Any) -> LayerCase:
    """Attention of X to M, with options first and masks behind."""
    inputs = args or (X, M, M)
    return LayerCase(name, (6, 2), kwargs, inputs, THREE, training)


LAYERS = (
    Layer(
        "MultiheadAttention",
        "torch.nn.MultiheadAttention",
        (
            call("plain"),
            call("self", X, X, X),
            call("no-weights", X, M, M, None, False),
            call("weights-of-heads", X, M, M, None, True, None, False),
            call("padding", X, M, M, PADDED),
            call("padding-no-weights", X, M, M, PADDED, False),
            call("mask", X, M, M, None, True, NOT_SEEN),
            call("mask-no-weights", X, M, M, None, False, NOT_SEEN),
            call("per-head", X, M, M, None, True, PER_HEAD),
            call("both-masks", X, M, M, np.where(PADDED, -1.0, 0.0), True, PER_HEAD),
            call(
                "causal",
                X,
                X,
                X,
                None,
                False,
                ~np.tri(5, dtype=bool),
                True,
                True,
            ),
            call("no-bias", bias=False),
            call("bias-kv", X, M, M, PADDED, add_bias_kv=True),
            call("zero-attn", X, M, M, None, True, NOT_SEEN, add_zero_attn=True),
            call("batch-first", FIRST, MEMORY, MEMORY, batch_first=True),
            call("unbatched", X[:, 0], M[:, 0], M[:, 0], PADDED[0]),
            call(
                "other-widths",
                X,
                spread(7, 2, 3, start=9),
                spread(7, 2, 4, start=5),
                kdim=3,
                vdim=4,
            ),
            call("dropout", dropout=0.4),
            call("dropout-no-weights", X, M, M, None, False, dropout=0.4),
            call("eval", training=False, dropout=0.4),
        ),
        atol=ATOL,
    ),
)

_X, _M = zeros(5, 2, 6), zeros(7, 2, 6)
BAD = (
    Bad(
        "scaled_dot_product_attention",
        (_X[0], _X[0], _X[0].astype("float16")),
        RuntimeError,
        "Expected query, key, and value to have the same dtype, but got query.dtype:",
    ),
    Bad(
        "scaled_dot_product_attention",
        (_X[0, 0], _X[0], _X[0]),
        RuntimeError,
        "at least 2 dimensional, but got query.dim: 1 key.dim: 2",
    ),
    Bad(
        "scaled_dot_product_attention",
        (_X, _X, _X, zeros(2, 2)),
        RuntimeError,
        "Explicit attn_mask should not be set when is_causal=True",
        {"is_causal": True},
    ),
)
BAD_LAYERS = (
    BadLayer("MultiheadAttention", (0, 2), ValueError, "must be greater than 0"),
    BadLayer("MultiheadAttention", (6, 4), AssertionError, "must be divisible by num"),
    *(
        BadLayer("MultiheadAttention", (6, 2), error, words, inputs=inputs)
        for error, words, inputs in (
            (AssertionError, "but received 1-D query", (zeros(6), _M, _M)),
            (AssertionError, "found 2-D and 3-D tensors", (_X, _M[0], _M)),
            (
                AssertionError,
                "expecting embedding dimension of 6, but got 4",
                (zeros(5, 2, 4),) * 3,
            ),
            (AssertionError, "does not match value shape", (_X, _M, _M[:3])),
            (
                RuntimeError,
                "The shape of the 2D attn_mask is",
                (_X, _M, _M, None, True, zeros(5, 5)),
            ),
            (
                AssertionError,
                "but found 1-D tensor instead",
                (_X, _M, _M, None, True, zeros(5)),
            ),
            (
                AssertionError,
                "but found 3-D tensor instead",
                (_X, _M, _M, zeros(1, 2, 7)),
            ),
            (
                AssertionError,
                "Expected key_padded_mask.shape",
                (_X, _M, _M, zeros(2, 5)),
            ),
            (
                AssertionError,
                "only bool and floating types of attn_mask are supported",
                (_X, _M, _M, None, True, np.zeros((5, 7), int)),
            ),
            (
                RuntimeError,
                "Need attn_mask if specifying the is_causal hint",
                (_X, _M, _M, None, True, None, True, True),
            ),
        )
    ),
)
