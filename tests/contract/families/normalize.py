# SPDX-License-Identifier: Apache-2.0
"""Normalisation without statistics: by a norm, by neighbouring channels."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.contract.bad import LONG, RANGE, Bad, X, zeros
from tests.contract.case import NN, Case, Op, spread
from tests.contract.layer import Layer, LayerCase

SEQUENCES = spread(2, 3, 5)


def norms() -> tuple[Case, ...]:
    """What normalize is tried with; rows of zeros, of ties and with a zero."""
    x = np.concatenate(
        [
            spread(2, 4),
            np.zeros((1, 4)),
            [[1.0, -1.0, 1.0, -1.0], [2.0, 0.0, -1.0, 3.0]],
        ]
    )
    return (
        Case("rows", (x,)),
        *(
            Case(f"p{p}", (x,), {"p": p})
            for p in (0, 0.5, 1, 1.5, 2, 3.0, -1.0, float("inf"), -float("inf"))
        ),
        Case("columns", (x,), {"dim": 0}),
        Case("last", (SEQUENCES,), {"dim": -1}),
        Case("both", (x,), {"dim": (0, 1)}),
        Case("below-eps", (x * 1e-3,), {"eps": 1e-2}),
        Case("at-eps", (np.array([[3.0, 4.0]]),), {"eps": 5.0}),
        Case("huge", (x[:2] * 1e15,)),
        Case("scalar", (spread(),), {"dim": 0}),
        Case("single", (spread(3, 1),)),
        Case("empty", (spread(0, 3),)),
        Case("no-features", (spread(3, 0),)),
    )


def responses() -> tuple[Case, ...]:
    """What local_response_norm is tried with."""
    options = {"alpha": 0.5, "beta": 0.6, "k": 2.0}
    return (
        Case("odd", (spread(2, 7, 3), 3), options),
        Case("even", (spread(2, 7, 3), 4), options),
        Case("one", (spread(2, 7, 3), 1), options),
        Case("beyond", (spread(2, 3, 3), 9), options),
        Case("defaults", (spread(2, 7, 3), 2)),
        Case("images", (spread(2, 5, 2, 3), 3), options),
        Case("volumes", (spread(2, 5, 2, 1, 2), 3), options),
        Case("zeros", (np.zeros((1, 3, 2)), 3), options),
        Case("empty", (spread(0, 3, 2), 3)),
    )


OPS = (
    Op(
        "local_response_norm",
        f"{NN}.local_response_norm",
        responses(),
        differences="Integers are refused.",
    ),
    # The gradient of a single number is 0, a difference: 2.2e-8 was measured.
    Op(
        "normalize",
        f"{NN}.normalize",
        norms(),
        atol=5e-8,
        differences="Complex numbers and out are refused.",
    ),
)

LAYERS = (
    Layer(
        "LocalResponseNorm",
        "torch.nn.LocalResponseNorm",
        (
            LayerCase("defaults", (2,), inputs=(spread(2, 7, 3),)),
            LayerCase("options", (3, 0.5, 0.6, 2.0), inputs=(spread(2, 7, 3),)),
        ),
    ),
)


def _refused(
    op: str, error: type[Exception], words: str, *args: Any, **kwargs: Any
) -> Bad:
    return Bad(op, args, error, words, kwargs)


BAD = (
    _refused(
        "local_response_norm",
        ValueError,
        "Expected 3D or higher dimensionality",
        X,
        2,
    ),
    *(
        _refused(
            "local_response_norm",
            RuntimeError,
            "kernel size should be greater than zero, but got",
            zeros(2, 3, 4),
            size,
        )
        for size in (0, -1)
    ),
    _refused(
        "local_response_norm",
        NotImplementedError,
        "\"avg_pool2d\" not implemented for 'Bool'",
        zeros(2, 3, 4) > 0,
        2,
    ),
    *(
        _refused(
            "normalize",
            RuntimeError,
            "linalg.vector_norm: Expected a floating point or complex tensor as "
            f"input. Got {name}",
            x,
        )
        for name, x in (("Long", LONG), ("Bool", LONG > 2))
    ),
    _refused("normalize", IndexError, RANGE.format(-2, 1, 2), X, dim=2),
    _refused("normalize", IndexError, RANGE.format(-1, 0, 1), X[0]),
    _refused(
        "normalize",
        RuntimeError,
        "dim 0 appears multiple times in the list of dims",
        X,
        dim=(0, 0),
    ),
    _refused(
        "normalize",
        RuntimeError,
        "this dimension is empty and the operation does not have an identity",
        zeros(2, 0),
        p=float("inf"),
    ),
)
