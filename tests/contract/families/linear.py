# SPDX-License-Identifier: Apache-2.0
"""Products with a weight, and the reshaping in front of them."""

from __future__ import annotations

import numpy as np

from tests.contract.bad import RANGE, SCALAR, Bad, P, X, zeros
from tests.contract.case import NN, Case, Op, spread
from tests.contract.layer import Layer, LayerCase, Part


def products() -> tuple[Case, ...]:
    """What linear is tried with."""
    x, w, b, three = spread(5, 3), spread(2, 3, start=20), spread(2), (0, 1, 2)
    return (
        Case("bias", (x, w, b), by=three),
        Case("no-bias", (x, w), by=(0, 1)),
        Case("vector", (spread(3), w, b), by=three),
        Case("batches", (spread(2, 5, 3), w, b), by=three),
        Case("odd", (spread(7, 13), spread(11, 13, start=9), spread(11)), by=three),
        Case("vector-weight", (x, spread(3, start=20)), by=(0, 1)),
        Case("scalar-bias", (x, w, np.array(0.5)), by=three),
        Case("single", (spread(1, 1), spread(1, 1, start=9), spread(1)), by=three),
        Case("empty-batch", (spread(0, 3), w, b), by=three),
        Case("no-features", (spread(5, 0), spread(2, 0), b), by=three),
        Case("no-outputs", (x, spread(0, 3), spread(0)), by=three),
    )


def reshapes() -> tuple[Case, ...]:
    """What flatten is tried with."""
    return (
        Case("all", (spread(2, 3, 5),)),
        Case("batch", (spread(2, 3, 5), 1)),
        Case("inner", (spread(2, 3, 5, 1), 1, -2)),
        Case("none", (spread(2, 3), 1, 1)),
        Case("scalar", (spread(),)),
        Case("empty", (spread(2, 0, 5), 1)),
    )


OPS = (
    # Sums of up to 13 products as large as 9, in another order: 3.8e-6 was measured.
    Op("linear", f"{NN}.linear", products(), atol=4e-6),
    Op("flatten", "torch.flatten", reshapes()),
)

LAYERS = (
    Layer(
        "Linear",
        "torch.nn.Linear",
        (
            LayerCase("bias", (3, 2), inputs=(spread(5, 3),)),
            LayerCase("no-bias", (3, 2), {"bias": False}, (spread(5, 3),)),
            LayerCase("odd", (13, 7), inputs=(spread(2, 3, 13),)),
            LayerCase("no-features", (0, 2), inputs=(spread(5, 0),)),
        ),
        atol=4e-6,
    ),
    Layer(
        "Flatten",
        "torch.nn.Flatten",
        (
            LayerCase("plain", inputs=(spread(2, 3, 4),)),
            LayerCase("inner", (0, 1), inputs=(spread(2, 3, 4),)),
        ),
    ),
    Layer(
        "Sequential",
        "torch.nn.Sequential",
        (
            LayerCase(
                "nested",
                (
                    Part("Linear", 3, 4),
                    Part("Sequential", Part("ReLU"), Part("Linear", 4, 2, bias=False)),
                    Part("Flatten", 0),
                ),
                inputs=(spread(5, 3),),
            ),
        ),
        atol=4e-6,
    ),
)


BAD = (
    Bad("linear", (X, zeros(2, 5)), RuntimeError, "cannot be multiplied (4x3 and 5x2"),
    Bad("linear", (np.stack([X, X]), zeros(2, 5)), RuntimeError, "(8x3 and"),
    Bad("linear", (X[0], zeros(2, 5), P[:2]), RuntimeError, "(1x3 and 5x2)"),
    Bad("linear", (X, zeros(5)), RuntimeError, "got input (4), mat (4x3), vec (5)"),
    Bad(
        "linear",
        (X.astype("float16"), zeros(2, 3), P[:2]),
        RuntimeError,
        "mat1 and mat2 must have the same dtype, but got Half and Float",
    ),
    Bad(
        "linear",
        (X, zeros(2, 3), zeros(2, dtype="float16")),
        RuntimeError,
        "self and mat2 must have the same dtype, but got Half and Float",
    ),
    Bad("linear", (X, zeros(2, 3), P), RuntimeError, "must match the existing size"),
    Bad("linear", (X > 0, X > 0), NotImplementedError, "not implemented for 'Bool'"),
    Bad("linear", (SCALAR, X), RuntimeError, "they are 0D and 2D"),
    Bad("linear", (X, zeros(2, 3, 3)), RuntimeError, "but self is 3D"),
    Bad("linear", (X, zeros(3), P), RuntimeError, "mat2 must be a matrix"),
    Bad("flatten", (X, 2), IndexError, RANGE.format(-2, 1, 2)),
    Bad("flatten", (X, 0, -3), IndexError, RANGE.format(-2, 1, -3)),
    Bad("flatten", (X, 1, 0), RuntimeError, "start_dim cannot come after end_dim"),
)
