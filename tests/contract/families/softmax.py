# SPDX-License-Identifier: Apache-2.0
"""The softmax family, and samples from it."""

from __future__ import annotations

import numpy as np

from flaxnn.random import Generator
from tests.contract.bad import (
    LONG,
    RANGE,
    SCALAR,
    Bad,
    BadLayer,
    X,
    not_implemented,
    zeros,
)
from tests.contract.case import FORWARD_SEED, NN, Case, Op, spread
from tests.contract.layer import Layer, LayerCase


def along_dim() -> tuple[Case, ...]:
    """The shapes and dimensions softmax and its relatives are tried with."""
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


def sampled(name: str, *shape: int, **kwargs: object) -> Case:
    """A call of gumbel_softmax with the noise that PyTorch draws."""
    drawn = Generator(FORWARD_SEED).exponential(shape, dtype="float64")
    return Case(name, (spread(*shape),), kwargs, ours={"noise": -np.log(drawn)})


def _dims() -> tuple[LayerCase, ...]:
    """The dimensions the modules of the softmax family are built with."""
    return (
        LayerCase("dim", kwargs={"dim": 1}, inputs=(spread(4, 3),)),
        LayerCase("position", (0,), inputs=(spread(4, 3),)),
    )


OPS = (
    # The gradients are differences of numbers up to 1.5, and for the logarithm up to
    # the cotangents' sum, about 5: 1.0e-7 and 4.8e-7 were measured.
    Op("softmax", f"{NN}.softmax", along_dim(), atol=2e-7),
    Op("log_softmax", f"{NN}.log_softmax", along_dim(), atol=6e-7),
    # Another order of the same sums: 2.1e-7 was measured.
    Op("softmin", f"{NN}.softmin", along_dim(), atol=3e-7),
    Op(
        "gumbel_softmax",
        f"{NN}.gumbel_softmax",
        (
            sampled("rows", 4, 3),
            sampled("columns", 4, 3, dim=0),
            sampled("middle", 2, 5, 3, dim=1),
            sampled("cold", 4, 3, tau=0.3),
            sampled("hot", 4, 3, tau=10.0),
            sampled("hard", 4, 3, hard=True),
            sampled("hard-columns", 4, 3, tau=2.0, hard=True, dim=0),
            sampled("scalar", hard=True),
            sampled("single", 1, 1),
            sampled("empty", 0, 3),
            sampled("no-classes", 3, 0),
        ),
        atol=2e-7,
        differences="The noise that PyTorch draws is an argument.",
    ),
)

IMAGES = spread(2, 3, 4, 5)
LAYERS = (
    Layer("Softmax", "torch.nn.Softmax", _dims(), atol=2e-7),
    Layer("LogSoftmax", "torch.nn.LogSoftmax", _dims(), atol=6e-7),
    Layer("Softmin", "torch.nn.Softmin", _dims(), atol=3e-7),
    Layer(
        "Softmax2d",
        "torch.nn.Softmax2d",
        (
            LayerCase("batch", inputs=(IMAGES,)),
            LayerCase("image", inputs=(IMAGES[0],)),
        ),
        atol=2e-7,
    ),
)

CONTINUOUS = "dtype must be a floating point but you specified {}"
BAD = (
    not_implemented("softmax", "softmax_lastdim_kernel_impl", LONG, 1),
    not_implemented("softmax", "softmax_kernel_impl", LONG, 0),
    not_implemented("softmax", "softmax_lastdim_kernel_impl", np.array(3), 0),
    not_implemented("log_softmax", "log_softmax_lastdim_kernel_impl", LONG, 1),
    not_implemented("log_softmax", "log_softmax_kernel_impl", LONG, 0),
    not_implemented("softmin", "softmax_lastdim_kernel_impl", LONG, 1),
    not_implemented("softmin", "softmax_kernel_impl", LONG, 0),
    Bad("softmax", (LONG > 2, 1), NotImplementedError, "not implemented for 'Bool'"),
    Bad("softmin", (LONG > 2, 1), RuntimeError, "Negation, the `-` operator, on a"),
    Bad("softmax", (X, 2), IndexError, RANGE.format(-2, 1, 2)),
    Bad("softmax", (X, -3), IndexError, RANGE.format(-2, 1, -3)),
    Bad("softmax", (X[0], 1), IndexError, RANGE.format(-1, 0, 1)),
    Bad("softmin", (X, 2), IndexError, RANGE.format(-2, 1, 2)),
    Bad("log_softmax", (SCALAR, 1), IndexError, RANGE.format(-1, 0, 1)),
    Bad("softmax", (X, 1.0), TypeError, ""),
    Bad("softmin", (X, 1.0), TypeError, ""),
    Bad("gumbel_softmax", (LONG,), RuntimeError, CONTINUOUS.format("Long")),
    Bad("gumbel_softmax", (LONG > 2,), RuntimeError, CONTINUOUS.format("Bool")),
    Bad("gumbel_softmax", (X,), IndexError, RANGE.format(-2, 1, 2), {"dim": 2}),
    Bad("gumbel_softmax", (X,), TypeError, "", {"dim": None}),
    Bad(
        "gumbel_softmax",
        (zeros(3, 0),),
        IndexError,
        "max(): Expected reduction dim 1 to have non-zero size.",
        {"hard": True},
    ),
)
BAD_LAYERS = (
    BadLayer(
        "Softmax2d",
        (),
        ValueError,
        "Softmax2d: expected input to be 3D or 4D, got 2D instead",
        inputs=(X,),
    ),
    BadLayer("Softmax", (), IndexError, RANGE.format(-2, 1, 2), {"dim": 2}, (X,)),
    BadLayer("Softmin", (), IndexError, RANGE.format(-2, 1, 2), {"dim": 2}, (X,)),
)
