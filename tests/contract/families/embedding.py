# SPDX-License-Identifier: Apache-2.0
"""Rows looked up by their index, one-hot rows."""

from __future__ import annotations

import numpy as np

from tests.contract.bad import LONG, Bad, BadLayer, X, longs, zeros
from tests.contract.case import NN, Case, Op, labels, spread
from tests.contract.layer import Layer, LayerCase

INDICES = np.array([[1, 2, 3], [1, 1, 0]])
TABLE = spread(5, 3)
REFUSED = "max_norm and sparse are refused."


def lookups() -> tuple[Case, ...]:
    """What embedding is tried with; the table is differentiated by."""
    by = (1,)
    return (
        Case("matrix", (INDICES, TABLE), by=by),
        Case("int32", (INDICES.astype(np.int32), TABLE), by=by),
        Case("scalar", (np.array(4), TABLE), by=by),
        Case("vector", (longs(4, 4, 0), TABLE), by=by),
        Case("padding", (INDICES, TABLE), {"padding_idx": 1}, by),
        Case("padding-first", (INDICES, TABLE, 0), by=by),
        Case("padding-from-the-end", (INDICES, TABLE), {"padding_idx": -4}, by),
        Case("by-frequency", (INDICES, TABLE), {"scale_grad_by_freq": True}, by),
        Case(
            "by-frequency-padding",
            (INDICES, TABLE),
            {"scale_grad_by_freq": True, "padding_idx": 0},
            by,
        ),
        Case("empty", (INDICES[:0], TABLE), by=by),
        Case("no-rows", (INDICES[:0], spread(0, 3)), by=by),
        Case("no-columns", (INDICES, spread(5, 0)), by=by),
        Case("single", (longs(0), spread(1, 1)), by=by),
    )


def hot_rows() -> tuple[Case, ...]:
    """What one_hot is tried with."""
    return (
        Case("classes", (labels(4, 3, classes=5), 7), by=()),
        Case("scalar", (np.array(2), 4), by=()),
        Case("single", (longs(0), 1), by=()),
        Case("empty", (INDICES[:0], 3), by=()),
    )


OPS = (
    Op("embedding", f"{NN}.embedding", lookups(), differences=REFUSED),
    Op(
        "one_hot",
        f"{NN}.one_hot",
        hot_rows(),
        differences="int32 is taken too; the result is int32 without 64-bit mode.",
    ),
)

LAYERS = (
    Layer(
        "Embedding",
        "torch.nn.Embedding",
        (
            LayerCase("table", (5, 3), inputs=(INDICES,), by=()),
            LayerCase("small", (4, 2), inputs=(longs(3, 0),), by=()),
            LayerCase("padding", (5, 3, 1), inputs=(INDICES,), by=()),
            LayerCase("padding-from-the-end", (20, 3, -19), inputs=(INDICES,), by=()),
            LayerCase(
                "by-frequency",
                (5, 3),
                {"scale_grad_by_freq": True, "padding_idx": 0},
                (INDICES,),
                (),
            ),
            LayerCase("norm-type", (5, 3), {"norm_type": 1.0}, (INDICES,), ()),
        ),
        differences=REFUSED + " A frozen pretrained table is a buffer.",
    ),
)


NOTHING = np.zeros(0, np.int64)
OUTSIDE = "index out of range in self"
KINDS = "Expected tensor for argument #1 'indices' to have one of the following"
PADDING = "Padding_idx must be within num_embeddings"
BAD = (
    Bad("embedding", (longs(0, 4), zeros(4, 2)), IndexError, OUTSIDE),
    Bad("embedding", (longs(-1), zeros(4, 2)), IndexError, OUTSIDE),
    Bad("embedding", (X, zeros(4, 2)), RuntimeError, KINDS),
    Bad("embedding", (LONG.astype(np.uint8), zeros(6, 2)), RuntimeError, KINDS),
    Bad("embedding", (LONG > 2, zeros(6, 2)), RuntimeError, KINDS),
    Bad("embedding", (longs(0), zeros(4)), RuntimeError, "'weight' must be 2-D"),
    Bad("embedding", (longs(0), zeros(4, 2, 2)), RuntimeError, "'weight' must be 2-D"),
    Bad("embedding", (longs(0), zeros(4, 2), 4), AssertionError, PADDING),
    Bad("embedding", (longs(0), zeros(4, 2), -5), AssertionError, PADDING),
    Bad("one_hot", (longs(0, 2), 2), RuntimeError, "must be smaller than num_classes."),
    Bad("one_hot", (longs(0), 0), RuntimeError, "must be smaller than num_classes."),
    Bad("one_hot", (longs(0), -2), RuntimeError, "must be smaller than num_classes."),
    Bad("one_hot", (longs(-1, 2),), RuntimeError, "must be non-negative."),
    Bad("one_hot", (longs(-1, 2), 3), RuntimeError, "must be non-negative."),
    Bad("one_hot", (NOTHING,), RuntimeError, "Can not infer total number of classes"),
    Bad("one_hot", (NOTHING, 0), RuntimeError, "Can not infer total number of classes"),
    Bad("one_hot", (X,), RuntimeError, "only applicable to index tensor of type Long"),
    Bad("one_hot", (longs(0), 2.0), TypeError, ""),
)

BAD_LAYERS = (
    BadLayer("Embedding", (4, 2, 4), AssertionError, PADDING),
    BadLayer("Embedding", (4, 2, -5), AssertionError, PADDING),
    BadLayer("Embedding", (4, 2), IndexError, OUTSIDE, inputs=(longs(4),)),
)
