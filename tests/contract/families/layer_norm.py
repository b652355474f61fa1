# SPDX-License-Identifier: Apache-2.0
"""Normalisation of each sample: over its last dimensions or groups of channels."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.contract.bad import LONG, SCALAR, Bad, BadLayer, X, zeros
from tests.contract.case import NN, Case, Op, spread
from tests.contract.layer import Layer, LayerCase

SEQUENCES = spread(2, 3, 5)
ONE, THREE, TWO = zeros(1, 3), zeros(3), zeros(2)
SHAPE = "of same shape as normalized_shape, but got {} of shape [2] and"
VECTOR = "Expected {} to be a vector of size equal to the number of channels in input"


def layer_norms() -> tuple[Case, ...]:
    """What layer_norm is tried with."""
    w, b, by = spread(3, 5, start=40), spread(3, 5, start=60), (0, 2, 3)
    return (
        Case("last-two", (SEQUENCES, (3, 5), w, b), by=by),
        Case("last", (SEQUENCES, (5,), w[0], b[0]), by=by),
        Case("list", (SEQUENCES, [5]), {"weight": w[0]}),
        # PyTorch cannot pull back to a bias without a weight.
        Case("all", (SEQUENCES[0], (3, 5), None, b)),
        Case("eps", (SEQUENCES * 0.01, (5,)), {"eps": 0.1}),
        Case("constant", (np.ones((2, 3)), (3,)), {"eps": 0.1}),
        Case("constant-no-eps", (np.ones((2, 3)), (3,)), {"eps": 0.0}),
        Case("large", (SEQUENCES + 100, (5,))),
        Case("single", (spread(4, 1), (1,)), {"eps": 0.1}),
        Case("empty", (spread(0, 3), (3,))),
        Case("no-features", (spread(3, 0), (0,))),
    )


def rms_norms() -> tuple[Case, ...]:
    """What rms_norm is tried with."""
    return (
        Case("last-two", (SEQUENCES, (3, 5), spread(3, 5, start=40)), by=(0, 2)),
        Case("last", (SEQUENCES, (5,))),
        Case("eps", (SEQUENCES * 0.01, [5]), {"eps": 0.1}),
        Case("default-eps", (SEQUENCES * 1e-4, (5,))),
        Case("zeros", (np.zeros((2, 3)), (3,))),
        Case("single", (spread(4, 1), (1,))),
        Case("empty", (spread(0, 3), (3,))),
        Case("no-features", (spread(3, 0), (0,))),
    )


def group_norms() -> tuple[Case, ...]:
    """What group_norm is tried with."""
    w, b, by = spread(6, start=40), spread(6, start=60), (0, 2, 3)
    return (
        Case("three", (spread(2, 6, 4), 3, w, b), by=by),
        Case("images", (spread(2, 6, 2, 3), 2, w, b), by=by),
        Case("one", (spread(2, 6), 1, w), by=(0, 2)),
        Case("each", (spread(2, 6, 4), 6)),
        Case("eps", (spread(2, 6, 4) * 0.01, 3, None, b), {"eps": 0.1}),
        Case("single-values", (spread(2, 6), 6), {"eps": 0.1}),
        Case("empty", (spread(0, 6), 2)),
        Case("no-places", (spread(2, 6, 0), 2)),
    )


OPS = (
    # Around 100 PyTorch multiplies number and mean by the scale one by one: 5.3e-6 was
    # measured.
    Op("layer_norm", f"{NN}.layer_norm", layer_norms(), atol=6e-6),
    # The gradients are differences, 0 for a single number: 2.9e-7 was measured.
    Op(
        "rms_norm",
        f"{NN}.rms_norm",
        rms_norms(),
        atol=4e-7,
        differences="Complex numbers are refused.",
    ),
    # As for rms_norm: 4.8e-7 was measured.
    Op("group_norm", f"{NN}.group_norm", group_norms(), atol=6e-7),
)

# Gradients are differences of numbers near 1: 1.6e-7 was measured.
LAYERS = (
    Layer(
        "LayerNorm",
        "torch.nn.LayerNorm",
        (
            LayerCase("last", (5,), inputs=(SEQUENCES,)),
            LayerCase("list", ([3, 5], 1e-3), inputs=(SEQUENCES,)),
            LayerCase("plain", (5, 1e-5, False), inputs=(SEQUENCES,)),
            LayerCase("no-bias", (5, 1e-5, True, False), inputs=(SEQUENCES,)),
        ),
        atol=2e-7,
    ),
    Layer(
        "RMSNorm",
        "torch.nn.RMSNorm",
        (
            LayerCase("last", (5,), inputs=(SEQUENCES,)),
            LayerCase("tuple", ((3, 5), 1e-3), inputs=(SEQUENCES,)),
            LayerCase("plain", (5, None, False), inputs=(SEQUENCES,)),
        ),
        atol=2e-7,
    ),
    Layer(
        "GroupNorm",
        "torch.nn.GroupNorm",
        (
            LayerCase("two", (2, 6), inputs=(spread(2, 6, 4),)),
            LayerCase("eps", (3, 6, 1e-3), inputs=(spread(2, 6, 2, 2),)),
            LayerCase("plain", (2, 6, 1e-5, False), inputs=(spread(2, 6),)),
            LayerCase("no-bias", (2, 6), {"bias": False}, (spread(2, 6, 4),)),
        ),
        atol=2e-7,
    ),
)


def _refused(
    op: str, error: type[Exception], words: str, *args: Any, **kwargs: Any
) -> Bad:
    return Bad(op, args, error, words, kwargs)


BAD = (
    *(
        _refused(
            op,
            RuntimeError,
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing "
            "at least one element, but got normalized_shape = []",
            X,
            (),
        )
        for op in ("layer_norm", "rms_norm")
    ),
    _refused(
        "layer_norm",
        RuntimeError,
        "Given normalized_shape=[4], expected input with shape [*, 4], but got input "
        "of size[4, 3]",
        X,
        (4,),
    ),
    _refused(
        "layer_norm",
        RuntimeError,
        "expected input with shape [*, 2, 4, 3], but got input of size[4, 3]",
        X,
        (2, 4, 3),
    ),
    _refused("layer_norm", RuntimeError, "but got input of size[]", SCALAR, (1,)),
    _refused(
        "rms_norm",
        RuntimeError,
        "Given normalized_shape=[4], expected input with shape [*4], but got input "
        "of size[4, 3]",
        X,
        (4,),
    ),
    _refused("layer_norm", RuntimeError, SHAPE.format("weight"), X, (3,), TWO),
    _refused("layer_norm", RuntimeError, SHAPE.format("bias"), X, (3,), None, TWO),
    _refused("rms_norm", RuntimeError, SHAPE.format("weight"), X, (3,), TWO),
    _refused("layer_norm", TypeError, "", X, 3),
    _refused("rms_norm", TypeError, "", X, 3),
    _refused(
        "layer_norm",
        NotImplementedError,
        "\"LayerNormKernelImpl\" not implemented for 'Long'",
        LONG,
        (3,),
    ),
    _refused(
        "rms_norm",
        NotImplementedError,
        "\"rms_norm\" not implemented for 'Long'",
        LONG,
        (3,),
    ),
    _refused(
        "layer_norm",
        RuntimeError,
        "mixed dtype (CPU)",
        X,
        (3,),
        THREE.astype("float16"),
    ),
    _refused(
        "group_norm",
        RuntimeError,
        "Expected number of channels in input to be divisible by num_groups, but got "
        "input of shape [2, 6, 4] and num_groups=4",
        zeros(2, 6, 4),
        4,
    ),
    _refused(
        "group_norm",
        ValueError,
        "Expected more than 1 value per channel when training, got input size [1, 3]",
        ONE,
        3,
    ),
    _refused(
        "group_norm",
        RuntimeError,
        "Expected at least 2 dimensions for input tensor but received 1",
        THREE,
        1,
    ),
    _refused("group_norm", ZeroDivisionError, "", X, 0),
    _refused(
        "group_norm",
        RuntimeError,
        "Expected num groups to be greater than 0, got -1",
        X,
        -1,
    ),
    _refused("group_norm", RuntimeError, VECTOR.format("weight"), X, 1, TWO),
    _refused("group_norm", RuntimeError, VECTOR.format("bias"), X, 1, None, TWO),
    _refused(
        "group_norm",
        NotImplementedError,
        "\"GroupNormKernelImpl\" not implemented for 'Long'",
        LONG,
        1,
    ),
)


BAD_LAYERS = (
    BadLayer(
        "GroupNorm",
        (3, 4),
        ValueError,
        "num_channels (4) must be divisible by num_groups (3)",
    ),
    BadLayer("GroupNorm", (0, 4), ZeroDivisionError, ""),
    BadLayer(
        "LayerNorm",
        ((4,),),
        RuntimeError,
        "Given normalized_shape=[4], expected input with shape [*, 4]",
        inputs=(X,),
    ),
)
