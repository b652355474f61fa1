"""Element-wise activations and the softmax family."""

from __future__ import annotations

import numpy as np

from tests.contract.bad import LONG, RANGE, SCALAR, Bad, X, not_implemented
from tests.contract.case import KINK, NN, Case, Op, elementwise, spread
from tests.contract.layer import Layer, LayerCase


def along_dim() -> tuple[Case, ...]:
    """The shapes and dimensions softmax and its logarithm are tried with."""
    return (
        Case("rows", (spread(4, 3), 1)),
        Case("columns", (spread(4, 3), 0)),
        Case("last", (spread(2, 5, 3), -1)),
        Case("middle", (spread(2, 5, 3), 1)),
        Case("large", (spread(3, 7, low=990.0, high=1010.0), 1)),
        Case("scalar", (spread(), 0)),
        Case("single", (spread(3, 1), 1)),
        Case("empty", (spread(0, 3), 1)),
        Case("no-classes", (spread(3, 0), 1)),
    )


def _dims() -> tuple[LayerCase, ...]:
    """The dimensions the modules of the softmax family are built with."""
    return (
        LayerCase("dim", kwargs={"dim": 1}, inputs=(spread(4, 3),)),
        LayerCase("position", (0,), inputs=(spread(4, 3),)),
    )


OPS = (
    Op("sigmoid", f"{NN}.sigmoid", elementwise()),
    # The derivative 1 - y² cancels where y is near 1: 3.5e-7 was measured.
    Op("tanh", f"{NN}.tanh", elementwise(), atol=4e-7),
    Op("logsigmoid", f"{NN}.logsigmoid", elementwise()),
    Op("relu", f"{NN}.relu", elementwise()),
    Op(
        "leaky_relu",
        f"{NN}.leaky_relu",
        (*elementwise(), Case("slope", (KINK,), {"negative_slope": 0.2})),
    ),
    Op("elu", f"{NN}.elu", (*elementwise(), Case("alpha", (KINK,), {"alpha": 2.0}))),
    # The gradients are differences of numbers up to 1.5, and for the logarithm up to
    # the cotangents' sum, about 5: 1.0e-7 and 4.8e-7 were measured.
    Op("softmax", f"{NN}.softmax", along_dim(), atol=2e-7),
    Op("log_softmax", f"{NN}.log_softmax", along_dim(), atol=6e-7),
)

PLAIN = {"inputs": (spread(5, 3),)}
LAYERS = (
    *(
        Layer(name, f"torch.nn.{name}", (LayerCase("plain", **PLAIN),))
        for name in ("ReLU", "Sigmoid", "LogSigmoid")
    ),
    Layer("Tanh", "torch.nn.Tanh", (LayerCase("plain", **PLAIN),), atol=4e-7),
    Layer(
        "LeakyReLU",
        "torch.nn.LeakyReLU",
        (LayerCase("plain", **PLAIN), LayerCase("slope", (0.2,), **PLAIN)),
    ),
    Layer(
        "ELU",
        "torch.nn.ELU",
        (LayerCase("plain", **PLAIN), LayerCase("alpha", (0.7,), **PLAIN)),
    ),
    Layer("Softmax", "torch.nn.Softmax", _dims(), atol=2e-7),
    Layer("LogSoftmax", "torch.nn.LogSoftmax", _dims(), atol=6e-7),
)


BAD = (
    not_implemented("softmax", "softmax_lastdim_kernel_impl", LONG, 1),
    not_implemented("softmax", "softmax_kernel_impl", LONG, 0),
    not_implemented("softmax", "softmax_lastdim_kernel_impl", np.array(3), 0),
    not_implemented("log_softmax", "log_softmax_lastdim_kernel_impl", LONG, 1),
    not_implemented("log_softmax", "log_softmax_kernel_impl", LONG, 0),
    not_implemented("logsigmoid", "log_sigmoid_cpu", LONG),
    not_implemented("leaky_relu", "leaky_relu_cpu", LONG),
    not_implemented("elu", "elu_cpu", LONG),
    Bad("softmax", (LONG > 2, 1), NotImplementedError, "not implemented for 'Bool'"),
    Bad("relu", (LONG > 2,), RuntimeError, "Boolean inputs not supported for relu"),
    Bad("relu", (X + 0j,), NotImplementedError, "not supported for complex types"),
    Bad("softmax", (X, 2), IndexError, RANGE.format(-2, 1, 2)),
    Bad("softmax", (X, -3), IndexError, RANGE.format(-2, 1, -3)),
    Bad("softmax", (X[0], 1), IndexError, RANGE.format(-1, 0, 1)),
    Bad("log_softmax", (SCALAR, 1), IndexError, RANGE.format(-1, 0, 1)),
    Bad("softmax", (X, 1.0), TypeError, ""),
)
