# SPDX-License-Identifier: Apache-2.0
"""Losses that are squared near zero and linear far from it."""

from __future__ import annotations

import numpy as np

from tests.contract.bad import LONG, Bad, P, X
from tests.contract.case import NN, Case, Op, labels, reductions, spread
from tests.contract.layer import Layer, LayerCase

# Both sides of the bend at 1, the bend itself and 0.
ERRORS = np.array([-2.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 2.0])


def errors() -> tuple[Case, ...]:
    """What both losses are tried with."""
    x, t = spread(5, 3), spread(5, 3, start=40)
    return (
        *reductions("errors", x, t, by=(0, 1)),
        Case("bend", (ERRORS, np.zeros(8)), {"reduction": "none"}, (0, 1)),
        Case("far", (1e4 * ERRORS, np.zeros(8)), by=(0, 1)),
        # PyTorch refuses to differentiate.
        Case("integers", (spread(4), labels(4, classes=3)), by=()),
        Case("scalar", (spread(), spread(start=3)), by=(0, 1)),
        Case("single", (spread(1, 1), spread(1, 1, start=3)), by=(0, 1)),
        Case("empty", (spread(0, 3), spread(0, 3)), by=(0, 1)),
    )


def bends(option: str) -> tuple[Case, ...]:
    """The place of the bend."""
    x, t = spread(5, 3), spread(5, 3, start=40)
    return (
        Case("wide", (x, t), {option: 2.5}, (0, 1)),
        Case("narrow", (ERRORS, np.zeros(8)), {option: 0.5, "reduction": "sum"}),
    )


X5, T5 = spread(5, 3), spread(5, 3, start=40)
OPS = (
    Op(
        "smooth_l1_loss",
        f"{NN}.smooth_l1_loss",
        (
            *errors(),
            *bends("beta"),
            Case("l1", (ERRORS, np.zeros(8)), {"beta": 0.0, "reduction": "none"}),
        ),
    ),
    Op(
        "huber_loss",
        f"{NN}.huber_loss",
        (
            *errors(),
            *bends("delta"),
            *reductions("weight", X5, T5, by=(0, 1), weight=spread(5, 3, low=0.0)),
        ),
    ),
)

PAIR = {"inputs": (X5, T5), "by": (0, 1)}
LAYERS = (
    Layer(
        "SmoothL1Loss",
        "torch.nn.SmoothL1Loss",
        (
            LayerCase("mean", **PAIR),
            LayerCase("beta", kwargs={"beta": 0.3, "reduction": "sum"}, **PAIR),
        ),
    ),
    Layer(
        "HuberLoss",
        "torch.nn.HuberLoss",
        (LayerCase("mean", **PAIR), LayerCase("delta", ("none", 0.3), **PAIR)),
    ),
)

BAD = (
    Bad("smooth_l1_loss", (X, X), RuntimeError, "negative values", {"beta": -1.0}),
    Bad("huber_loss", (X, X), RuntimeError, "non-positive values", {"delta": 0.0}),
    Bad("smooth_l1_loss", (LONG, LONG), NotImplementedError, '"smooth_l1_cpu" not'),
    Bad("huber_loss", (LONG, LONG), NotImplementedError, '"huber_cpu" not'),
    Bad("huber_loss", (X, X), ValueError, "must have the same size", {"weight": P}),
    *(
        Bad(op, (X, X), ValueError, "foo is not a valid", {"reduction": "foo"})
        for op in ("smooth_l1_loss", "huber_loss")
    ),
)
