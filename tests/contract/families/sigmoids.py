# SPDX-License-Identifier: Apache-2.0
"""Smooth activations: S-shaped ones, gated ones and those that shrink."""

from __future__ import annotations

import numpy as np

from tests.contract.bad import LONG, RANGE, SCALAR, Bad, BadLayer, X, not_implemented
from tests.contract.case import KINK, NN, Case, Op, elementwise, spread
from tests.contract.layer import Layer, LayerCase

# Where values and derivatives have kinks and limits.
EDGES = np.array([-np.inf, -200.0, -1.0, -0.0, 0.0, 1.0, 200.0, np.inf, np.nan])
EVERYWHERE = (*elementwise(), Case("edges", (EDGES,)))


def halves() -> tuple[Case, ...]:
    """What glu is tried with."""
    return (
        Case("last", (spread(5, 6),)),
        Case("first", (spread(4, 3), 0)),
        Case("middle", (spread(3, 4, 5), 1)),
        Case("negative", (spread(3, 4, 5), -2)),
        Case("wide", (spread(2, 14, low=-30.0, high=30.0),)),
        Case("edges", (np.stack([EDGES[::-1], EDGES]), 0)),
        Case("pair", (spread(2),)),
        Case("empty", (spread(0, 4),)),
        Case("no-halves", (spread(4, 0),)),
    )


OPS = (
    Op("sigmoid", f"{NN}.sigmoid", EVERYWHERE),
    # The derivative 1 - y² cancels where y is near 1: 3.5e-7 was measured.
    Op("tanh", f"{NN}.tanh", EVERYWHERE, atol=4e-7),
    Op("logsigmoid", f"{NN}.logsigmoid", EVERYWHERE),
    Op(
        "softplus",
        f"{NN}.softplus",
        (
            *EVERYWHERE,
            Case("beta", (spread(31, low=-9.0, high=9.0), 0.7)),
            Case("threshold", (KINK,), {"beta": 2.0, "threshold": 0.9}),
            Case("at-threshold", (KINK,), {"beta": 2.0, "threshold": 1.0}),
            Case("negative-beta", (KINK,), {"beta": -1.5}),
        ),
    ),
    # The derivative is a difference of two fractions: 2.4e-9 was measured.
    Op("softsign", f"{NN}.softsign", EVERYWHERE, atol=1e-8),
    Op("glu", f"{NN}.glu", halves()),
    Op("silu", f"{NN}.silu", EVERYWHERE),
    # The derivative is a sum that crosses 0: 4.1e-9 was measured.
    Op("mish", f"{NN}.mish", EVERYWHERE, atol=1e-8),
    # PyTorch approximates erf, and its derivative of 'tanh' has a 1 - tanh² that
    # cancels: 1.0e-7 and 4.8e-7 were measured.
    Op(
        "gelu",
        f"{NN}.gelu",
        (
            *elementwise(),
            Case("tanh", (spread(7, 3),), {"approximate": "tanh"}),
            Case("tanh-wide", EVERYWHERE[2].args, {"approximate": "tanh"}),
            Case("tanh-edges", (EDGES,), {"approximate": "tanh"}),
            Case("edges", (EDGES[np.inf != EDGES],)),
        ),
        atol=6e-7,
        differences="PyTorch's float32 values have errors of up to 1.3e-6, ours of up "
        "to 4e-7; PyTorch's float32 value at inf is nan, ours is inf.",
    ),
    Op("softshrink", f"{NN}.softshrink", (*EVERYWHERE, Case("lambd", (KINK, 2.0)))),
    Op("hardshrink", f"{NN}.hardshrink", (*EVERYWHERE, Case("lambd", (KINK, 2.0)))),
    # A difference: 1.3e-8 was measured.
    Op("tanhshrink", f"{NN}.tanhshrink", EVERYWHERE, atol=2e-8),
)

PLAIN = {"inputs": (spread(5, 4),)}


def _layer(name: str, *cases: LayerCase, atol: float = 0.0) -> Layer:
    return Layer(
        name, f"torch.nn.{name}", (LayerCase("plain", **PLAIN), *cases), atol=atol
    )


LAYERS = (
    _layer("Sigmoid"),
    _layer("Tanh", atol=4e-7),
    _layer("LogSigmoid"),
    _layer("Softplus", LayerCase("options", (2, 1.5), **PLAIN)),
    _layer("Softsign", atol=1e-8),
    _layer("GLU", LayerCase("dim", (0,), inputs=(spread(4, 3),))),
    _layer("SiLU"),
    _layer("Mish", atol=1e-8),
    _layer("GELU", LayerCase("tanh", ("tanh",), **PLAIN), atol=6e-7),
    _layer("Softshrink", LayerCase("lambd", (1,), **PLAIN)),
    _layer("Hardshrink", LayerCase("lambd", (1.5,), **PLAIN)),
    _layer("Tanhshrink", atol=2e-8),
)

LAMBDA = "lambda must be in range [0, 3.40282e+38] for input dtype Float, but found {}"
APPROXIMATE = "approximate argument must be either none or tanh."
BOOLS = LONG > 2
BAD = (
    not_implemented("logsigmoid", "log_sigmoid_cpu", LONG),
    not_implemented("softplus", "softplus_cpu", LONG),
    not_implemented("silu", "silu_cpu", LONG),
    not_implemented("mish", "mish_cpu", LONG),
    not_implemented("gelu", "GeluKernelImpl", LONG),
    not_implemented("softshrink", "softshrink_check", LONG),
    not_implemented("hardshrink", "hardshrink_cpu", LONG),
    not_implemented("glu", "glu_cpu", LONG, 0),
    Bad("softsign", (BOOLS,), NotImplementedError, '"abs_cpu" not implemented for'),
    Bad("tanhshrink", (BOOLS,), RuntimeError, "Subtraction, the `-` operator, with a"),
    Bad("glu", (X,), RuntimeError, "must be even, but dimension 1 is size 3"),
    Bad("glu", (LONG,), RuntimeError, "must be even, but dimension 1 is size 3"),
    Bad("glu", (SCALAR,), RuntimeError, "glu does not support scalars"),
    Bad("glu", (X, 2), IndexError, RANGE.format(-2, 1, 2)),
    Bad("glu", (X, 1.0), TypeError, ""),
    Bad("gelu", (X,), RuntimeError, APPROXIMATE, {"approximate": "sigmoid"}),
    Bad("gelu", (X, "tanh"), TypeError, "positional argument"),
    Bad("softshrink", (X, -1), RuntimeError, LAMBDA.format("-1")),
    Bad("softshrink", (X, float("nan")), RuntimeError, LAMBDA.format("nan")),
    Bad("softshrink", (X, float("inf")), RuntimeError, LAMBDA.format("inf")),
)
BAD_LAYERS = (
    BadLayer("GLU", (), RuntimeError, "dimension 1 is size 3", inputs=(X,)),
    BadLayer("GELU", ("erf",), RuntimeError, APPROXIMATE, inputs=(X,)),
    BadLayer("GELU", (), TypeError, "unexpected keyword", {"tanh": True}),
    BadLayer("Softshrink", (-1,), RuntimeError, LAMBDA.format("-1"), inputs=(X,)),
)
