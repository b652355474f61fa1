# SPDX-License-Identifier: Apache-2.0
"""Distances, similarities, and the losses of embedded vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.contract.bad import LONG, RANGE, SCALAR, Bad, BadLayer, P, X, Y, zeros
from tests.contract.case import NN, Case, Op, reductions, spread
from tests.contract.layer import Layer, LayerCase

A, B, C = (spread(5, 3, start=start) for start in (0, 40, 80))
# A difference of 0, of some zeros, and with equal largest components.
CORNERS = np.array([[0.0, 0.0, 0.0], [0.0, 1.0, -2.0], [1.0, 1.0, -1.0]])
SIGNS = np.array([1.0, -1.0, -1.0, 1.0, 0.5])
BOTH, THREE = (0, 1), (0, 1, 2)


def norms() -> tuple[Case, ...]:
    """Every kind of norm, at its corners too."""
    zero, eps = np.zeros((3, 3)), {"eps": 0.0}
    orders = {"1": 1.0, "2": 2.0, "3": 3.0, "half": 0.5, "max": np.inf, "min": -np.inf}
    return (
        Case("pairs", (A, B), by=BOTH),
        *(
            Case(f"corners-{name}", (CORNERS, zero), {"p": p, **eps}, BOTH)
            for name, p in orders.items()
        ),
        # PyTorch gives no derivative at all.
        Case("corners-0", (CORNERS, zero), {"p": 0.0, **eps}, ()),
        Case("keepdim", (A, B), {"keepdim": True}, BOTH),
        Case("broadcast", (A, B[0]), by=BOTH),
        Case("vector", (A[0], B[0]), by=BOTH),
        Case("empty", (spread(0, 3), spread(0, 3)), by=BOTH),
        Case("no-components", (spread(3, 0), spread(3, 0)), by=BOTH),
    )


def angles() -> tuple[Case, ...]:
    """Directions along any dimension; a vector of zeros and one below eps."""
    small = np.array([[0.0, 0.0], [1e-3, 0.0], [3.0, 4.0]])
    return (
        Case("rows", (A, B), by=BOTH),
        Case("columns", (A, B), {"dim": 0}, BOTH),
        Case("small", (small, np.ones((3, 2))), {"eps": 0.1}, BOTH),
        Case("broadcast", (A, B[:1]), by=BOTH),
        Case("vector", (A[0], B[0]), {"dim": -1}, BOTH),
        Case("volume", (spread(2, 3, 4), spread(2, 3, 4, start=30)), {"dim": 1}, BOTH),
        Case("single", (spread(1, 1), spread(1, 1, start=3)), by=BOTH),
        Case("empty", (spread(0, 3), spread(0, 3)), by=BOTH),
    )


def triplets() -> tuple[Case, ...]:
    """Anchors at, within and beyond the margin; distances swapped or not."""
    at = (np.zeros((1, 2)), np.zeros((1, 2)), np.array([[1.0, 0.0]]))
    return (
        *reductions("triplets", A, B, C, by=THREE),
        Case("swap", (A, B, C), {"swap": True, "reduction": "none"}, THREE),
        Case("margin", (A, B, C), {"margin": 3.0}, THREE),
        Case("vector", (A[0], B[0], C[0]), by=THREE),
        Case("at-the-margin", at, {"margin": 1.0, "reduction": "none"}, (2,)),
        Case("empty", (spread(0, 3), spread(0, 3), spread(0, 3)), by=THREE),
    )


def signed_pairs() -> tuple[Case, ...]:
    """Pairs of each label, and of one that is none; vectors of zeros."""
    none: dict[str, Any] = {"reduction": "none"}
    return (
        *reductions("pairs", A, B, SIGNS, by=BOTH),
        Case("margin", (A, B, SIGNS), {"margin": 0.3, **none}, BOTH),
        Case("zeros", (np.zeros((2, 3)), np.ones((2, 3)), SIGNS[:2]), none, BOTH),
        Case("integers", (A, B, np.array([1, -1, -1, 1, 0])), none, BOTH),
        Case("vector", (A[0], B[0], np.array(-1.0)), by=BOTH),
        Case("empty", (spread(0, 3), spread(0, 3), spread(0)), by=BOTH),
    )


OPS = (
    Op("pairwise_distance", f"{NN}.pairwise_distance", norms()),
    # Sums of products of either sign: 6e-8 was measured; gradients at eps are its
    # inverse times as large.
    Op("cosine_similarity", f"{NN}.cosine_similarity", angles(), atol=4e-7),
    Op(
        "cosine_embedding_loss",
        f"{NN}.cosine_embedding_loss",
        signed_pairs(),
        atol=4e-7,
    ),
    Op(
        "triplet_margin_loss",
        f"{NN}.triplet_margin_loss",
        (*triplets(), Case("p", (A, B, C), {"p": 1.0, "eps": 0.0}, THREE)),
        atol=4e-7,
        # PyTorch rounds the distances before it subtracts them.
        bfloat16_steps=8,
    ),
    Op(
        "triplet_margin_with_distance_loss",
        f"{NN}.triplet_margin_with_distance_loss",
        triplets(),
        atol=4e-7,
        bfloat16_steps=8,
    ),
)

PAIR: dict[str, Any] = {"inputs": (A, B), "by": BOTH}
TRIPLET: dict[str, Any] = {"inputs": (A, B, C), "by": THREE}
LAYERS = (
    Layer(
        "PairwiseDistance",
        "torch.nn.PairwiseDistance",
        (LayerCase("plain", **PAIR), LayerCase("p", (1.0, 1e-3, True), **PAIR)),
    ),
    Layer(
        "CosineSimilarity",
        "torch.nn.CosineSimilarity",
        (LayerCase("plain", **PAIR), LayerCase("dim", (0, 1e-3), **PAIR)),
        atol=4e-7,
    ),
    Layer(
        "CosineEmbeddingLoss",
        "torch.nn.CosineEmbeddingLoss",
        (
            LayerCase("mean", inputs=(A, B, SIGNS), by=BOTH),
            LayerCase("margin", (0.3,), {"reduction": "sum"}, (A, B, SIGNS), BOTH),
        ),
        atol=4e-7,
    ),
    Layer(
        "TripletMarginLoss",
        "torch.nn.TripletMarginLoss",
        (
            LayerCase("mean", **TRIPLET),
            LayerCase(
                "options", (2.0, 1.0, 1e-3, True), {"reduction": "sum"}, **TRIPLET
            ),
        ),
        atol=4e-7,
        bfloat16_steps=8,
    ),
    Layer(
        "TripletMarginWithDistanceLoss",
        "torch.nn.TripletMarginWithDistanceLoss",
        (
            LayerCase("mean", **TRIPLET),
            LayerCase("swap", kwargs={"swap": True, "margin": 2.0}, **TRIPLET),
        ),
        atol=4e-7,
        bfloat16_steps=8,
    ),
)

AT_0 = {"margin": 0.0}
BAD = (
    Bad("pairwise_distance", (X, zeros(2)), RuntimeError, "must match the size"),
    Bad("cosine_similarity", (X, zeros(2)), RuntimeError, "must match the size"),
    Bad("cosine_similarity", (P, P), IndexError, RANGE.format(-1, 0, 1)),
    Bad("cosine_similarity", (LONG, LONG), RuntimeError, "common dtype is Long"),
    Bad("cosine_embedding_loss", (X, X, X), RuntimeError, "multi-target not supported"),
    Bad("cosine_embedding_loss", (P, P, P), RuntimeError, "expects 2D input tensors"),
    Bad("cosine_embedding_loss", (X, X, SCALAR), RuntimeError, "expects 1D input"),
    Bad("cosine_embedding_loss", (X, zeros(4, 2), Y), RuntimeError, "must match the"),
    *(
        bad
        for op in ("triplet_margin_loss", "triplet_margin_with_distance_loss")
        for bad in (
            Bad(op, (P, X, P), RuntimeError, "but got: anchor 1D, positive 2D"),
            Bad(
                op,
                (X, X, X),
                ValueError,
                "margin must be greater than 0, got",
                AT_0,
            ),
            Bad(op, (X, X, X), ValueError, "foo is not", {"reduction": "foo"}),
        )
    ),
    Bad("cosine_embedding_loss", (X, X, Y), ValueError, "foo", {"reduction": "foo"}),
)
BAD_LAYERS = tuple(
    BadLayer(layer, (), ValueError, "expected margin to be greater than 0", AT_0)
    for layer in ("TripletMarginLoss", "TripletMarginWithDistanceLoss")
)
