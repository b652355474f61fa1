# SPDX-License-Identifier: Apache-2.0
"""Margin losses: of signed labels, and over the classes of a sample."""

from __future__ import annotations

import numpy as np

from tests.contract.bad import LONG, Bad, BadLayer, P, X, Y, longs, zeros
from tests.contract.case import NN, Case, Op, labels, reductions, spread
from tests.contract.layer import Layer, LayerCase

X5, Z5 = spread(5, 3), spread(5, 3, start=40)
SIGNS = np.where(np.arange(15) % 2, 1.0, -1.0).reshape(5, 3)
# Both labels at, in front of and behind the margins 0 and 1, and a label that is none.
AT = np.array([-1.0, 0.0, 1.0, 2.0, -1.0, 0.0, 1.0, 2.0, 0.5])
AT_SIGNS = np.array([1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0, 0.5])
CLASSES = labels(5, classes=3)
# Lists of classes that end at the first -1; an empty and a full one.
LISTS = np.array([[1, -1, 0], [-1, 2, 2], [0, 1, 2], [2, 0, -1], [1, 1, -1]])
WEIGHT3 = np.array([0.5, 2.0, 1.25])
NONE = {"reduction": "none"}
SIGNED = (
    *reductions("labels", X5, SIGNS),
    Case("margins", (AT, AT_SIGNS), NONE),
    Case("broadcast", (X5, SIGNS[0])),
    Case("scalar", (spread(), np.array(-1.0))),
    Case("empty", (spread(0, 3), spread(0, 3))),
)
CLASSIFIED = (
    Case("sample", (X5[0], np.array(2))),
    Case("one-class", (spread(4, 1), np.zeros(4, int))),
    Case("tie", (np.array([[0.0, 1.0, 0.0], [1.0, 1.0, 0.5]]), longs(1, 0)), NONE),
)


def ranks() -> tuple[Case, ...]:
    """Pairs of scores, some exactly at the margin."""
    return (
        *reductions("scores", X5, Z5, SIGNS, by=(0, 1)),
        Case("tie", (np.ones(2), np.ones(2), np.array([1.0, -1.0])), NONE, (0, 1)),
        Case("margin", (X5, Z5, SIGNS), {"margin": 1.5}, (0, 1)),
        Case("broadcast", (X5, Z5[:, :1], SIGNS[:1]), NONE, (0, 1)),
        Case("scalar", (spread(), spread(start=2), np.array(-1.0)), by=(0, 1)),
        Case("empty", (spread(0, 3), spread(0, 3), spread(0, 3)), by=(0, 1)),
    )


OPS = (
    Op(
        "soft_margin_loss",
        f"{NN}.soft_margin_loss",
        (*SIGNED, Case("overflow", (np.array([-99.0, 60.0]), np.ones(2)), NONE, ())),
        differences="overflows as PyTorch's does",
    ),
    Op(
        "hinge_embedding_loss",
        f"{NN}.hinge_embedding_loss",
        (*SIGNED, Case("margin", (X5, SIGNS), {"margin": 2.5})),
    ),
    Op("margin_ranking_loss", f"{NN}.margin_ranking_loss", ranks()),
    Op(
        "multi_margin_loss",
        f"{NN}.multi_margin_loss",
        (
            *reductions("classes", X5, CLASSES),
            *reductions("squared", X5, CLASSES, p=2, margin=0.5),
            Case("weight", (X5, CLASSES), {"weight": WEIGHT3}),
            *CLASSIFIED,
            Case("empty", (spread(0, 3), labels(0, classes=3)), NONE),
        ),
        differences="the mean over an empty batch is 0; PyTorch leaves it unset",
        bfloat16_steps=None,
    ),
    Op(
        "multilabel_margin_loss",
        f"{NN}.multilabel_margin_loss",
        (
            *reductions("lists", X5, LISTS),
            Case("sample", (X5[0], LISTS[0])),
            Case("tie", (np.array([1.0, 0.0, 2.0]), LISTS[0]), NONE),
            Case("scalar", (spread(), np.array(0))),
            Case("empty", (spread(0, 3), labels(0, 3, classes=3)), NONE),
        ),
        differences="a target of another shape than the input's is refused",
        bfloat16_steps=None,
    ),
    Op(
        "multilabel_soft_margin_loss",
        f"{NN}.multilabel_soft_margin_loss",
        (
            *reductions("labels", X5, (SIGNS + 1) / 2),
            Case("weight", (X5, (SIGNS + 1) / 2, WEIGHT3)),
            Case("far", (25 * X5, (SIGNS + 1) / 2), NONE),
            Case("sample", (X5[0], (SIGNS[0] + 1) / 2)),
            Case("empty", (spread(0, 3), spread(0, 3))),
        ),
    ),
)

LAYERS = (
    *(
        Layer(
            name,
            f"torch.nn.{name}",
            (
                LayerCase("mean", inputs=(X5, SIGNS)),
                LayerCase("sum", kwargs={"reduction": "sum"}, inputs=(X5, SIGNS)),
            ),
        )
        for name in ("SoftMarginLoss", "HingeEmbeddingLoss")
    ),
    Layer(
        "MarginRankingLoss",
        "torch.nn.MarginRankingLoss",
        (
            LayerCase("mean", inputs=(X5, Z5, SIGNS), by=(0, 1)),
            LayerCase("margin", (1.5,), {"reduction": "sum"}, (X5, Z5, SIGNS)),
        ),
    ),
    Layer(
        "MultiMarginLoss",
        "torch.nn.MultiMarginLoss",
        (
            LayerCase("mean", inputs=(X5, CLASSES)),
            LayerCase("squared", (2, 0.5), {"reduction": "sum"}, (X5, CLASSES)),
        ),
        bfloat16_steps=None,
    ),
    Layer(
        "MultiLabelMarginLoss",
        "torch.nn.MultiLabelMarginLoss",
        (
            LayerCase("mean", inputs=(X5, LISTS)),
            LayerCase("sum", kwargs={"reduction": "sum"}, inputs=(X5, LISTS)),
        ),
        bfloat16_steps=None,
    ),
    Layer(
        "MultiLabelSoftMarginLoss",
        "torch.nn.MultiLabelSoftMarginLoss",
        (
            LayerCase("mean", inputs=(X5, (SIGNS + 1) / 2)),
            LayerCase("none", kwargs=NONE, inputs=(X5, (SIGNS + 1) / 2)),
        ),
    ),
)

FOO = {"reduction": "foo"}
BAD = (
    Bad("soft_margin_loss", (LONG, LONG), RuntimeError, "can't be cast to the desired"),
    Bad("soft_margin_loss", (X, P[:2]), RuntimeError, "must match the size"),
    Bad("hinge_embedding_loss", (X, P[:2]), RuntimeError, "must match the size"),
    Bad("hinge_embedding_loss", (LONG, LONG), RuntimeError, "Got: Long"),
    Bad("margin_ranking_loss", (P, P, X), RuntimeError, "should have same dimension"),
    Bad("margin_ranking_loss", (P, P[:2], P), RuntimeError, "must match the size"),
    Bad("multi_margin_loss", (X, longs(0, 1, 2, 3)), RuntimeError, "target out of"),
    Bad("multi_margin_loss", (X, longs(0, 1, 2, -1)), RuntimeError, "target out of"),
    Bad("multi_margin_loss", (X, Y[:3]), RuntimeError, "Expected target size [4], but"),
    Bad("multi_margin_loss", (X, zeros(4)), RuntimeError, "Long but found Float"),
    Bad("multi_margin_loss", (zeros(2, 0), Y[:2]), RuntimeError, "non-empty vector"),
    Bad("multi_margin_loss", (LONG, Y[:2]), NotImplementedError, "for 'Long'"),
    Bad("multi_margin_loss", (X, Y), ValueError, "only p == 1 and p == 2", {"p": 3}),
    Bad("multi_margin_loss", (X, Y), ValueError, "one-dim", {"weight": X}),
    Bad("multi_margin_loss", (X, Y), RuntimeError, "expected 3", {"weight": P[:2]}),
    Bad("multilabel_margin_loss", (X[0], longs(3, 0, 0)), RuntimeError, "out of range"),
    Bad(
        "multilabel_margin_loss", (X[0], longs(-2, 0, 0)), RuntimeError, "out of range"
    ),
    Bad("multilabel_margin_loss", (X, Y[:2]), RuntimeError, "inconsistent target size"),
    Bad("multilabel_margin_loss", (X[0], P), RuntimeError, "Long but found Float"),
    Bad("multilabel_margin_loss", (Y, Y), NotImplementedError, "for 'Long'"),
    Bad("multilabel_soft_margin_loss", (LONG, X[:2]), NotImplementedError, "'Long'"),
    Bad("multilabel_soft_margin_loss", (X, P[:2]), RuntimeError, "must match the size"),
    *(
        Bad(op, args, ValueError, "foo is not", FOO)
        for op, args in (
            ("soft_margin_loss", (X, X)),
            ("hinge_embedding_loss", (X, X)),
            ("margin_ranking_loss", (X, X, X)),
            ("multi_margin_loss", (X, Y)),
            ("multilabel_margin_loss", (X[0], longs(0, 1, 2))),
            ("multilabel_soft_margin_loss", (X, X)),
        )
    ),
)
BAD_LAYERS = (
    BadLayer("MultiMarginLoss", (3,), ValueError, "only p == 1 and p == 2"),
    BadLayer("MultiMarginLoss", (), ValueError, "or 1D tensor", {"weight": X}),
)
