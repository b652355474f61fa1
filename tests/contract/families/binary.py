# SPDX-License-Identifier: Apache-2.0
"""Binary cross entropy, of probabilities and of logits."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.contract.bad import Bad, P, Y, longs
from tests.contract.case import NN, Case, Op, reductions, spread
from tests.contract.layer import Layer, LayerCase

PROBABILITIES = np.array([0.0, 1e-30, 1e-6, 0.3, 0.5, 0.999, 1.0])
WEIGHT3 = np.array([0.5, 2.0, 1.25])


def binary() -> tuple[Case, ...]:
    """Binary cross entropy of probabilities, the clamps included."""
    p, t = spread(5, 3, low=0.0, high=1.0), spread(5, 3, low=0.0, high=1.0, start=30)
    hard = (np.arange(7) % 2).astype(float)
    weight = spread(3, low=0.5, high=2.0)
    return (
        *reductions("probabilities", p, t, by=(0, 1)),
        *reductions("weight", p, t, weight=weight),
        Case("clamped", (PROBABILITIES, hard), {"reduction": "none"}),
        Case("clamped-other", (PROBABILITIES, 1 - hard), {"reduction": "none"}),
        Case("scalar", (np.array(0.25), np.array(1.0)), {"weight": np.array(2.0)}),
        Case("empty", (spread(0, 3), spread(0, 3))),
    )


def binary_logits() -> tuple[Case, ...]:
    """Binary cross entropy of logits, far out on both sides included."""
    x, t = spread(5, 3), spread(5, 3, low=0.0, high=1.0, start=30)
    far = np.array([-200.0, -90.0, -20.0, -0.0, 0.0, 20.0, 90.0, 200.0])
    hard = (np.arange(8) % 2).astype(float)
    weights: dict[str, Any] = {
        "weight": spread(3, low=0.5, high=2.0),
        "pos_weight": WEIGHT3,
    }
    return (
        *reductions("logits", x, t, by=(0, 1)),
        *reductions("weights", x, t, by=(0, 1), **weights),
        Case("column-weight", (x, t), {"pos_weight": spread(5, 1, low=0.5)}),
        Case("far", (far, hard), {"reduction": "none"}),
        Case("far-other", (far, 1 - hard), {"pos_weight": np.array(2.0)}),
        Case("scalar", (np.array(0.25), np.array(1.0))),
        Case("empty", (spread(0, 3), spread(0, 3))),
    )


OPS = (
    Op("binary_cross_entropy", f"{NN}.binary_cross_entropy", binary()),
    Op(
        "binary_cross_entropy_with_logits",
        f"{NN}.binary_cross_entropy_with_logits",
        binary_logits(),
    ),
)

_P, _T = spread(5, 3, low=0.1, high=0.9), spread(5, 3, low=0.0, high=1.0, start=30)
LAYERS = tuple(
    Layer(
        name,
        f"torch.nn.{name}",
        (
            LayerCase("mean", inputs=(_P, _T)),
            LayerCase("none", kwargs={"reduction": "none"}, inputs=(_P, _T)),
        ),
    )
    for name in ("BCELoss", "BCEWithLogitsLoss")
)


BAD = (
    *(
        Bad("binary_cross_entropy", args, RuntimeError, f"of {name} should be between")
        for outside in (-1.0, 4.0, np.nan)
        for args, name in (
            ((P[:2] * outside, P[:2]), "input"),
            ((P[:2], P[:2] * outside), "target"),
        )
    ),
    Bad("binary_cross_entropy", (P, P[:2]), ValueError, "(torch.Size([2]))"),
    Bad(
        "binary_cross_entropy",
        (P, longs(0, 1, 1)),
        RuntimeError,
        "dtype Long but",
    ),
    Bad("binary_cross_entropy", (Y, Y), NotImplementedError, "for 'Long'"),
    Bad("binary_cross_entropy", (P, P, P[:2]), RuntimeError, "broadcast"),
    Bad("binary_cross_entropy", (P, P), ValueError, "foo is", {"reduction": "foo"}),
    *(
        Bad("binary_cross_entropy_with_logits", args, error, words, kwargs)
        for args, error, words, kwargs in (
            ((P, P[:2]), ValueError, "Target size (torch.Size([2])) must be", {}),
            (
                (P, longs(0, 1, 1)),
                RuntimeError,
                "can't be cast to the desired",
                {},
            ),
            ((Y, Y), NotImplementedError, "for 'Long'", {}),
            ((P, P, P[:2]), RuntimeError, "", {}),
            ((P, P), RuntimeError, "", {"pos_weight": P[:2]}),
            ((P, P), ValueError, "foo is not a valid", {"reduction": "foo"}),
        )
    ),
)
