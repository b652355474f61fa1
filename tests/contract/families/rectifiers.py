# SPDX-License-Identifier: Apache-2.0
"""Rectifiers: clipped, leaky, exponential and hard ones."""

from __future__ import annotations

import numpy as np

from flaxnn.random import Generator
from tests.contract.bad import LONG, SCALAR, Bad, BadLayer, P, X, not_implemented
from tests.contract.case import FORWARD_SEED, KINK, NN, Case, Op, elementwise, spread
from tests.contract.layer import Layer, LayerCase

INF, NAN = float("inf"), float("nan")
# Where values and derivatives have kinks and limits.
EDGES = np.array([-INF, -200, -6, -3, -1, -0.0, 0.0, 1, 3, 6, 200, INF, NAN])
EVERYWHERE = (*elementwise(), Case("edges", (EDGES,)))


def random_slopes(name: str, x: np.ndarray, *args: float) -> Case:
    """A training call of rrelu with the slopes that PyTorch draws.

    It draws a float64 number for each element that is not above 0, in order.
    """
    noise = np.full(x.shape, 0.5)
    noise[x <= 0] = Generator(FORWARD_SEED).rand(np.sum(x <= 0), dtype="float64")
    return Case(name, (x, *args), {"training": True}, ours={"noise": noise})


def weighted() -> tuple[Case, ...]:
    """The shapes prelu is tried with."""
    w, two = spread(3, low=0.1, high=0.9), (0, 1)
    kinks = np.stack([EDGES, EDGES[::-1], EDGES], axis=1)
    # The derivative by the weight is a sum over these; inf adds nothing to it.
    summable = np.where(np.isnan(kinks) | (kinks == -INF), -0.0, kinks)
    return (
        Case("channels", (spread(7, 3), w), by=two),
        Case("images", (spread(2, 3, 4, 5), w), by=two),
        Case("one-weight", (spread(7, 3), w[:1]), by=two),
        Case("scalar-weight", (spread(7, 3), np.array(0.25)), by=two),
        Case("edges", (kinks, w)),
        Case("edges-weight", (summable, w), by=two),
        Case("vector", (KINK, w[:1]), by=two),
        Case("scalar", (np.array(-2.0), w[:1]), by=two),
        Case("single", (spread(1, 1), w[:1]), by=two),
        Case("empty-batch", (spread(0, 3), w), by=two),
        Case("no-channels", (spread(3, 0), spread(0)), by=two),
    )


OPS = (
    Op("relu", f"{NN}.relu", EVERYWHERE),
    Op("relu6", f"{NN}.relu6", EVERYWHERE),
    Op(
        "hardtanh",
        f"{NN}.hardtanh",
        (
            *EVERYWHERE,
            Case("bounds", (KINK, -0.5, 2.0)),
            Case("equal-bounds", (KINK, 0.5, 0.5)),
        ),
    ),
    Op(
        "threshold",
        f"{NN}.threshold",
        tuple(Case(c.name, (*c.args, 0.5, 20.0)) for c in EVERYWHERE),
    ),
    Op("hardsigmoid", f"{NN}.hardsigmoid", EVERYWHERE),
    Op("hardswish", f"{NN}.hardswish", EVERYWHERE),
    Op(
        "leaky_relu",
        f"{NN}.leaky_relu",
        (*EVERYWHERE, Case("slope", (KINK,), {"negative_slope": 0.2})),
    ),
    Op("prelu", f"{NN}.prelu", weighted()),
    Op(
        "rrelu",
        f"{NN}.rrelu",
        (
            *EVERYWHERE,
            Case("bounds", (KINK, 0.1, 0.7)),
            random_slopes("random", spread(7, 3)),
            random_slopes("random-edges", EDGES, 0.1, 0.7),
            random_slopes("random-empty", spread(0, 3)),
        ),
        differences="What PyTorch draws in training is an argument.",
    ),
    Op("elu", f"{NN}.elu", (*EVERYWHERE, Case("alpha", (KINK,), {"alpha": 2.0}))),
    Op("selu", f"{NN}.selu", EVERYWHERE),
    Op(
        "celu",
        f"{NN}.celu",
        (
            *EVERYWHERE,
            Case("alpha", (spread(31), 0.7)),
            Case("negative-alpha", (KINK,), {"alpha": -2.0}),
        ),
    ),
)

PLAIN = {"inputs": (spread(5, 3),)}


def _layer(name: str, *cases: LayerCase) -> Layer:
    return Layer(name, f"torch.nn.{name}", (LayerCase("plain", **PLAIN), *cases))


LAYERS = (
    _layer("ReLU"),
    _layer("ReLU6"),
    _layer("Hardtanh", LayerCase("bounds", (-2, 0.5), **PLAIN)),
    Layer(
        "Threshold", "torch.nn.Threshold", (LayerCase("options", (0.1, 20), **PLAIN),)
    ),
    _layer("Hardsigmoid"),
    _layer("Hardswish"),
    _layer("LeakyReLU", LayerCase("slope", (0.2,), **PLAIN)),
    _layer(
        "PReLU",
        LayerCase("channels", (3,), {"init": 0.1}, (spread(2, 3, 4, 5),)),
        LayerCase("no-channels", (0,), inputs=(spread(2, 0),)),
    ),
    Layer(
        "RReLU",
        "torch.nn.RReLU",
        (
            LayerCase("plain", **PLAIN, training=False),
            LayerCase("bounds", (0.1, 0.7), **PLAIN, training=False),
        ),
        differences="In training the slopes come from JAX keys: how many numbers "
        "PyTorch draws depends on the data.",
    ),
    _layer("ELU", LayerCase("alpha", (0.7,), **PLAIN)),
    _layer("SELU"),
    _layer("CELU", LayerCase("alpha", (0.7,), **PLAIN)),
)

BOOLS = LONG > 2
CHANNELS = "Found parameter numbers = {} and channel size = {}."
BAD = (
    Bad("relu", (BOOLS,), RuntimeError, "Boolean inputs not supported for relu"),
    Bad("relu", (X + 0j,), NotImplementedError, "not supported for complex types"),
    Bad("relu6", (BOOLS,), RuntimeError, "Bool inputs not supported for hardtanh"),
    Bad("hardtanh", (X + 0j,), NotImplementedError, "not supported for complex types"),
    Bad(
        "hardtanh", (X, 2.0, 1.0), ValueError, "min_val cannot be greater than max_val"
    ),
    Bad(
        "hardtanh",
        (LONG.astype("uint8"),),
        RuntimeError,
        "cannot do hardtanh on an unsigned type with negative limits",
    ),
    not_implemented("hardsigmoid", "hardsigmoid_cpu", LONG),
    not_implemented("hardswish", "hardswish_cpu", LONG),
    not_implemented("leaky_relu", "leaky_relu_cpu", LONG),
    not_implemented("elu", "elu_cpu", LONG),
    not_implemented("selu", "elu_cpu", LONG),
    not_implemented("celu", "elu_cpu", LONG),
    not_implemented("rrelu", "leaky_relu_cpu", LONG),
    not_implemented("rrelu", "rrelu_with_noise_out_cpu", LONG, 0.1, 0.3, True),
    not_implemented("prelu", "prelu_cpu", LONG, np.arange(3)),
    Bad("threshold", (BOOLS, 0, 1), NotImplementedError, '"threshold_cpu" not'),
    Bad("threshold", (X + 0j, 0, 1), NotImplementedError, '"threshold_cpu" not'),
    Bad(
        "threshold",
        (LONG.astype("uint8"), 0, 300),
        RuntimeError,
        "value cannot be converted to type uint8_t without overflow",
    ),
    Bad("threshold", (X, 0.0), TypeError, "argument"),
    Bad("celu", (X, 0.0), RuntimeError, "alpha cannot be 0 for CELU"),
    Bad("rrelu", (X, 0.5, 0.1), RuntimeError, "Lower bound should be less than or"),
    Bad("rrelu", (X, NAN, 0.1), RuntimeError, "lower bound must be finite, got nan"),
    Bad("rrelu", (X, 0.1, INF), RuntimeError, "upper bound must be finite, got inf"),
    Bad("prelu", (X, P[:2]), RuntimeError, CHANNELS.format(2, 3)),
    Bad("prelu", (X, X), RuntimeError, CHANNELS.format(12, 3)),
    Bad("prelu", (X[0], P), RuntimeError, CHANNELS.format(3, 1)),
    Bad("prelu", (X, P[None]), RuntimeError, "but got: ndim = 2"),
    Bad("prelu", (SCALAR, P), RuntimeError, "Not allow zero-dim input tensor."),
    Bad("prelu", (X, P.astype("float16")), RuntimeError, "Got Float and Half"),
    Bad("prelu", (X, np.arange(3)), RuntimeError, "Got Float and Long"),
)
BAD_LAYERS = (
    BadLayer(
        "Hardtanh",
        (1.0, 1.0),
        AssertionError,
        "max_val (1.0) must be greater than min_val (1.0)",
    ),
    BadLayer("Hardtanh", (2, 1), AssertionError, "max_val (1) must be greater"),
    BadLayer("Threshold", (0.1,), TypeError, "missing 1 required positional argument"),
    BadLayer("CELU", (0.0,), RuntimeError, "alpha cannot be 0 for CELU", inputs=(X,)),
    BadLayer("PReLU", (2,), RuntimeError, CHANNELS.format(2, 3), inputs=(X,)),
)
