# SPDX-License-Identifier: Apache-2.0
"""Bilinear forms of two inputs."""

from __future__ import annotations

from tests.contract.bad import LONG, SCALAR, Bad, BadLayer, zeros
from tests.contract.case import NN, Case, Op, spread
from tests.contract.layer import Layer, LayerCase


def forms() -> tuple[Case, ...]:
    """What bilinear is tried with."""
    x, y, w, b = spread(5, 2), spread(5, 3), spread(4, 2, 3, start=20), spread(4)
    three, four = (0, 1, 2), (0, 1, 2, 3)
    return (
        Case("bias", (x, y, w, b), by=four),
        Case("no-bias", (x, y, w), by=three),
        Case("vectors", (x[0], y[0], w, b), by=four),
        Case("batches", (spread(2, 3, 7), spread(2, 3, 5), spread(3, 7, 5)), by=three),
        Case("single", (spread(1, 1), spread(1, 1), spread(1, 1, 1)), by=three),
        Case("empty-batch", (spread(0, 2), spread(0, 3), w, b), by=four),
        Case("no-outputs", (x, y, spread(0, 2, 3)), by=three),
    )


# Sums of up to 35 products in another order: 1.3e-6 was measured.
OPS = (Op("bilinear", f"{NN}.bilinear", forms(), atol=2e-6),)

LAYERS = (
    Layer(
        "Bilinear",
        "torch.nn.Bilinear",
        (
            LayerCase(
                "bias", (2, 3, 4), inputs=(spread(5, 2), spread(5, 3)), by=(0, 1)
            ),
            LayerCase("no-bias", (7, 1, 2, False), inputs=(spread(3, 7), spread(3, 1))),
        ),
    ),
)


A, B, W = zeros(5, 2), zeros(5, 3), zeros(4, 2, 3)
SAME = "All tensors must have the same dtype, got input1:"
SIZE = "size does not match weight size: got"
BAD = (
    Bad("bilinear", (A, B[0], W), RuntimeError, "do not match: got 2 and 1"),
    Bad("bilinear", (A, B[:4], W), RuntimeError, "at dim 0: got 5 and 4"),
    Bad("bilinear", (B, B, W), RuntimeError, f"input1 {SIZE} 3 but expected 2"),
    Bad("bilinear", (A, A, W), RuntimeError, f"input2 {SIZE} 2 but expected 3"),
    Bad("bilinear", (A, B, W, B[0]), RuntimeError, f"bias {SIZE} 3 but expected 4"),
    Bad("bilinear", (A, B, W[0]), RuntimeError, ""),
    Bad("bilinear", (SCALAR, SCALAR, W), IndexError, "but tensor has no dimensions"),
    Bad("bilinear", (A.astype("float16"), B, W), RuntimeError, f"{SAME} "),
    Bad("bilinear", (A, B, W, LONG[0]), RuntimeError, "weight: float, bias: long"),
    Bad("bilinear", (A > 0, B > 0, W > 0), NotImplementedError, "for 'Bool'"),
)

BAD_LAYERS = (
    BadLayer(
        "Bilinear",
        (0, 2, 3),
        ValueError,
        "in1_features must be > 0, but got (in1_features=0)",
    ),
)
