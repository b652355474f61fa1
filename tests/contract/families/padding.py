# SPDX-License-Identifier: Apache-2.0
"""Padding with constants, reflections, copies of the edge, and periodically."""

from __future__ import annotations

import numpy as np

from tests.contract.bad import Bad, BadLayer, zeros
from tests.contract.case import NN, Case, Op, spread
from tests.contract.layer import Layer, LayerCase

X1, X2, X3 = spread(2, 3, 5), spread(2, 3, 4, 5), spread(1, 2, 3, 4, 5)


def modes(name: str, x: np.ndarray, *pads: tuple[int, ...]) -> tuple[Case, ...]:
    """Every mode with each of the paddings."""
    return tuple(
        Case(f"{mode}-{name}-{index}", (x, pad), {"mode": mode})
        for mode in ("constant", "reflect", "replicate", "circular")
        for index, pad in enumerate(pads)
    )


def constants() -> tuple[Case, ...]:
    """Constants, and dimensions that other modes have no rule for."""
    return (
        Case("plain", (X1, (1, 2))),
        Case("value", (X1, (1, 2), "constant", 2.5)),
        Case("infinite", (X1, (0, 1), "constant", -np.inf)),
        Case("by-name", (X1, (1, 1)), {"mode": "constant", "value": -1}),
        Case("nothing", (X1, ())),
        Case("all", (X1, (1, 0, 0, 2, -1, 1))),
        Case("vector", (spread(3), (-2, 2))),
        Case("to-nothing", (spread(3), (-2, -1))),
        Case("scalar", (spread(), ())),
        Case("empty", (spread(0, 3), (1, 1))),
    )


CASES = (
    *constants(),
    *modes("sequences", X1, (2, 1), (-1, 3), (-2, -1)),
    *modes("sequence", X1[0], (1, 2), (0, 0)),
    *modes("images", X2, (2, 1, 1, 3), (-2, 2, 1, 2), (-2, -3, 1, 1)),
    *modes("image", X2[0], (1, 0, 0, 2)),
    *modes("volumes", X3, (1, 2, 3, 1, 2, 0), (2, -1, -2, 2, 1, 1)),
    *modes("empty", X1[:0], (1, 1)),
    Case("replicate-far", (X1, (7, 9)), {"mode": "replicate"}),
    Case("replicate-one", (spread(1, 1, 1), (2, 3)), {"mode": "replicate"}),
    Case("circular-whole", (X1, (5, 5)), {"mode": "circular"}),
    Case("reflect-zero-value", (X1, (1, 1)), {"mode": "reflect", "value": 0.0}),
)

OPS = (Op("pad", f"{NN}.pad", CASES),)

INPUTS = {1: X1, 2: X2, 3: X3}
EVERY = {1: (1, 2), 2: (1, 2, 3, 0), 3: (1, 2, 0, 3, 2, 1)}
LAYERS = (
    *(
        Layer(
            f"{kind}Pad{n}d",
            f"torch.nn.{kind}Pad{n}d",
            (
                LayerCase("one", (1,), inputs=(INPUTS[n],)),
                LayerCase("sizes", (EVERY[n],), inputs=(INPUTS[n][0],)),
            ),
        )
        for kind in ("Zero", "Reflection", "Replication", "Circular")
        for n in (1, 2, 3)
    ),
    *(
        Layer(
            f"ConstantPad{n}d",
            f"torch.nn.ConstantPad{n}d",
            (
                LayerCase("one", (1, 2), inputs=(INPUTS[n],)),
                LayerCase("sizes", (EVERY[n], -0.5), inputs=(INPUTS[n][0],)),
            ),
        )
        for n in (1, 2, 3)
    ),
)

V, M, I = zeros(3), zeros(2, 3), zeros(1, 2, 3)  # noqa: E741
RULES = "is not supported for {}D input tensor.\nSupported combinations"


def refused(words: str, *args: object, **kwargs: object) -> Bad:
    """Returns a call of pad that ends in a RuntimeError."""
    return Bad("pad", args, RuntimeError, words, kwargs)


def no_rule(words: str, *args: object) -> Bad:
    """Returns a call of pad that PyTorch has not implemented."""
    return Bad("pad", args, NotImplementedError, words)


BAD = (
    refused("Padding length must be divisible by 2", V, (1,)),
    refused("less than or equal to two times the input dimension but got padding "
            "length 4 and input of dimension 1", V, (1, 1, 1, 1)),
    refused("narrow(): length must be non-negative", V, (-2, -2)),
    refused("narrow(): length must be non-negative", zeros(1), (-2, 1)),
    refused("Padding mode \"reflect\" doesn't take in value argument",
            I, (1, 1), "reflect", 1.0),
    refused("Argument #4: Padding size should be less than the corresponding input "
            "dimension, but got: padding (1, 3) at dimension 2 of input [1, 2, 3]",
            I, (1, 3), "reflect"),
    refused("Argument #6: Padding size should be less", zeros(1, 2, 4, 3),
            (1, 1, 1, 4), "reflect"),
    refused("Padding value causes wrapping around more than once", I, (4, 1),
            "circular"),
    refused("Negative padding value is resulting in an empty dimension", I, (-2, -2),
            "circular"),
    refused("input (W: 3) is too small. Calculated output W: 0", I, (-1, -2),
            "replicate"),
    refused("Expected 2D or 3D (batch mode) tensor with possibly 0 batch size and "
            "other non-zero dimensions for input, but got: [1, 0, 3]",
            zeros(1, 0, 3), (1, 1), "reflect"),
    no_rule("Unrecognised padding mode edge", I, (1, 1), "edge"),
    no_rule("Padding size 2 " + RULES.format(1), V, (1, 1), "reflect"),
    no_rule("Padding size 6 " + RULES.format(3), I, (1,) * 6, "circular"),
    no_rule("Padding size 2 " + RULES.format(4), I[None], (1, 1), "replicate"),
    no_rule("\"reflection_pad1d\" not implemented for 'Bool'", I > 0, (1, 1),
            "reflect"),
    Bad("pad", (V, 1), TypeError, "argument 'pad' (position 2) must be tuple of ints"),
    Bad("pad", (V, (1.5, 1)), TypeError, "must be tuple of ints, but found element of "
        "type float at pos 0"),
)  # fmt: skip

BAD_LAYERS = (
    BadLayer("CircularPad2d", (1,), ValueError, "expected 3D or 4D input (got 2D "
             "input)", inputs=(M,)),
    BadLayer("ReflectionPad2d", (1,), NotImplementedError, RULES.format(2),
             inputs=(M,)),
    BadLayer("ZeroPad2d", (1,), RuntimeError, "two times the input dimension",
             inputs=(V,)),
)  # fmt: skip
