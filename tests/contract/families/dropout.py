# SPDX-License-Identifier: Apache-2.0
"""Dropout; the masks are drawn as PyTorch draws them, from the same seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from flaxnn.random import Generator
from tests.contract.bad import SCALAR, Bad, BadLayer, X, zeros
from tests.contract.case import FORWARD_SEED, NN, Case, Op, spread
from tests.contract.layer import Layer, LayerCase

Shape = tuple[int, ...]
# What a multiplication by 0 leaves of a sign, and what it makes of infinity and nan.
EDGES = np.array([[[-1.0, 0.0, np.inf], [-np.inf, np.nan, 2.0]]])


def _mask(p: float, shape: Shape) -> np.ndarray:
    return Generator(FORWARD_SEED).bernoulli(1 - p, shape, "bool")


def _case(name: str, x: np.ndarray, p: float, noise: Shape, **kwargs: Any) -> Case:
    return Case(name, (x, p), kwargs, ours={"mask": _mask(p, noise)})


def dropouts(
    noise: Callable[[Shape], Shape], *shapes: Shape, **kwargs: Any
) -> tuple[Case, ...]:
    """The probabilities and shapes an op is tried with; the first is the main one."""
    first = spread(*shapes[0])
    return (
        *(
            _case(f"p{p}", first, p, noise(shapes[0]), **kwargs)
            for p in (0.5, 0.3, 0.99, 1, 0)
        ),
        *(
            _case(
                "x".join(map(str, shape)), spread(*shape), 0.4, noise(shape), **kwargs
            )
            for shape in shapes[1:]
        ),
        Case("evaluation", (first, 0.5, False)),
        Case("empty", (spread(*(0 * n for n in shapes[0])), 0.5), kwargs),
    )


def _elements(shape: Shape) -> Shape:
    return shape


def _channels(kept: int) -> Callable[[Shape], Shape]:
    """Returns the shape of a noise that is kept for so many dimensions."""
    return lambda shape: shape[:kept] + (1,) * (len(shape) - kept)


TRAINING = {"training": True}
DRAWN = "The mask that PyTorch draws is an argument."
ORDER = "PyTorch fills the mask of a transposed input in the order of its memory."
OPS = (
    Op(
        "dropout",
        f"{NN}.dropout",
        (
            *dropouts(_elements, (3, 5), (), (1,), (2, 3, 2, 3)),
            _case("edges", EDGES, 0.5, EDGES.shape),
            _case("edges-all", EDGES, 1, EDGES.shape),
        ),
        rtol=0.0,
        differences=DRAWN,
    ),
    Op(
        "dropout1d",
        f"{NN}.dropout1d",
        (
            *dropouts(_channels(2), (3, 4, 5), (1, 7, 1)),
            _case("one-sample", spread(4, 5), 0.4, (4, 1)),
        ),
        rtol=0.0,
        differences=DRAWN,
    ),
    Op(
        "dropout2d",
        f"{NN}.dropout2d",
        dropouts(_channels(2), (2, 5, 2, 3), (1, 7, 1, 1)),
        rtol=0.0,
        differences=DRAWN,
    ),
    Op(
        "dropout3d",
        f"{NN}.dropout3d",
        (
            *dropouts(_channels(2), (2, 5, 2, 1, 3), (1, 7, 1, 1, 1)),
            _case("one-sample", spread(5, 2, 1, 3), 0.4, (5, 1, 1, 1)),
        ),
        rtol=0.0,
        differences=DRAWN,
    ),
    # A kept number is scaled and shifted, a difference near 0: 2.6e-7 was measured.
    Op(
        "alpha_dropout",
        f"{NN}.alpha_dropout",
        dropouts(_elements, (3, 5), (), (1,), (2, 3, 2, 3), **TRAINING),
        atol=4e-7,
        differences=DRAWN,
    ),
    Op(
        "feature_alpha_dropout",
        f"{NN}.feature_alpha_dropout",
        dropouts(_channels(2), (3, 4, 5), (3, 4), (2, 5, 2, 3), **TRAINING),
        atol=4e-7,
        differences=DRAWN,
    ),
)


def _layers(*inputs: np.ndarray) -> tuple[LayerCase, ...]:
    """The options a dropout is built with; the first input is the main one."""
    x = inputs[0]
    return (
        LayerCase("default", inputs=(x,), passes=2),
        LayerCase("p", (0.2,), inputs=(x,), passes=3),
        LayerCase("all", (1,), inputs=(x,)),
        LayerCase("none", (0.0,), inputs=(x,)),
        LayerCase("eval", inputs=(x,), training=False),
        LayerCase("empty", inputs=(x[:0],)),
        *(
            LayerCase(f"{other.ndim}d", (0.3,), inputs=(other,), passes=2)
            for other in inputs[1:]
        ),
    )


LAYERS = (
    Layer(
        "Dropout",
        "torch.nn.Dropout",
        _layers(spread(5, 3)),
        rtol=0.0,
        differences=ORDER,
    ),
    Layer(
        "Dropout1d",
        "torch.nn.Dropout1d",
        _layers(spread(3, 4, 5), spread(7, 5)),
        rtol=0.0,
        differences=ORDER,
    ),
    Layer(
        "Dropout2d",
        "torch.nn.Dropout2d",
        _layers(spread(3, 4, 2, 2)),
        rtol=0.0,
        differences=ORDER,
    ),
    Layer(
        "Dropout3d",
        "torch.nn.Dropout3d",
        _layers(spread(3, 4, 2, 1, 2), spread(7, 2, 1, 2)),
        rtol=0.0,
        differences=ORDER,
    ),
    Layer(
        "AlphaDropout",
        "torch.nn.AlphaDropout",
        _layers(spread(5, 3)),
        differences=ORDER,
    ),
    Layer(
        "FeatureAlphaDropout",
        "torch.nn.FeatureAlphaDropout",
        _layers(spread(3, 4, 5), spread(3, 4)),
        differences=ORDER,
    ),
)


RANGE = "dropout probability has to be between 0 and 1, but got"
SEQUENCE, IMAGE = zeros(2, 3, 4), zeros(2, 3, 4, 4)
INPUTS = {
    "dropout": X,
    "dropout1d": SEQUENCE,
    "dropout2d": IMAGE,
    "dropout3d": IMAGE,
    "alpha_dropout": X,
    "feature_alpha_dropout": IMAGE,
}
BAD = (
    *(
        Bad(op, (x, p), ValueError, f"{RANGE} {p}")
        for op, x in INPUTS.items()
        for p in (1.5, -0.1)
    ),
    Bad("dropout", (X, float("nan")), RuntimeError, f"{RANGE} nan"),
    Bad("dropout", (X, 1.5, False), ValueError, f"{RANGE} 1.5"),
    Bad("dropout1d", (SCALAR,), RuntimeError, "but received a 0D input"),
    Bad("dropout1d", (IMAGE,), RuntimeError, "dropout1d: Expected 2D or 3D input, but"),
)

BAD_LAYERS = (
    *(
        BadLayer(name, (p,), ValueError, f"{RANGE} {p}")
        for name in ("Dropout", "Dropout1d", "AlphaDropout")
        for p in (1.5, -0.1)
    ),
    BadLayer("Dropout1d", (), RuntimeError, "but received a 4D input", inputs=(IMAGE,)),
    BadLayer("Dropout", ("a",), TypeError, "'<' not supported between instances of"),
    BadLayer("Dropout", (float("nan"),), RuntimeError, f"{RANGE} nan", inputs=(X,)),
)
