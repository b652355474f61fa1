# SPDX-License-Identifier: Apache-2.0
"""Convolutional nets with one fault each."""

from __future__ import annotations

from typing import Any

import numpy as np
import optax

from flaxnn import nn, optim
from flaxnn.random import Generator
from tests.planted import mistakes as wrong
from tests.planted.fault import (
    CONSTANTS,
    DAMPENING,
    DECAY,
    FLATTEN,
    SHIFTED,
    VARIANCE,
    Fault,
    given,
    scaled,
    with_layers,
)
from tests.planted.ports import flax_conv

G = Generator(0)


def _channel_constants(x: np.ndarray) -> np.ndarray:
    mean = np.array([0.1, 0.2], np.float32)[:, None, None]
    return (x - mean) / np.array([0.5, 2.0], np.float32)[:, None, None]


def _flax_conv_flattened() -> dict[str, Any]:
    """The Flax net with PyTorch's kernel for the dense layer as it lies."""
    given = flax_conv()
    del given["flatten"]
    return given


def _step_decay(by: int) -> optax.GradientTransformation:
    rate = optax.exponential_decay(0.05, 2, 0.1, staircase=True)
    return optax.sgd(wrong.late(rate, by), momentum=0.9)


FAULTS = (
    Fault(
        "momentum as a moving average",
        "conv-sgd",
        given(
            "conv-sgd",
            optimizer=lambda: wrong.averaging_momentum(0.05, 0.9),
            schedule=lambda: None,
        ),
        0,
        "optimizer",
        "",
        DAMPENING,
    ),
    Fault(
        "batch norm with Flax's momentum",
        "conv-sgd",
        with_layers("conv-sgd", at_1=lambda: nn.BatchNorm2d(4, momentum=0.9)),
        0,
        "state",
        "1",
        "momentum convention of batch norm",
    ),
    Fault(
        "Flax: running variance over n",
        "conv-sgd",
        flax_conv,
        0,
        "state",
        "1",
        VARIANCE,
    ),
    Fault(
        "batch norm over n - 1",
        "conv-sgd",
        with_layers("conv-sgd", at_1=lambda: wrong.WrongBatchNorm(4, unbiased=True)),
        0,
        "forward",
        "1",
        VARIANCE,
    ),
    Fault(
        "Flax: rows flattened channels last",
        "conv-sgd",
        _flax_conv_flattened,
        0,
        "forward",
        "5",
        FLATTEN,
    ),
    Fault(
        "kernel turned around",
        "conv-sgd",
        with_layers("conv-sgd", at_3=lambda: wrong.FlippedConv(4, 4, 3, rngs=G)),
        0,
        "forward",
        "3",
        "kernel turned around or its axes swapped",
    ),
    Fault(
        "schedule one step late",
        "conv-sgd",
        given("conv-sgd", optimizer=lambda: _step_decay(1), schedule=lambda: None),
        2,
        "optimizer",
        "",
        SHIFTED,
    ),
    Fault(
        "schedule one step early",
        "conv-sgd",
        given("conv-sgd", optimizer=lambda: _step_decay(-1), schedule=lambda: None),
        1,
        "optimizer",
        "",
        SHIFTED,
    ),
    Fault(
        "Adam for AdamW",
        "conv-adam",
        given("conv-adam", optimizer=lambda: optim.adam(1e-2, weight_decay=0.05)),
        0,
        "optimizer",
        "",
        DECAY,
    ),
    Fault(
        "flattened channels last",
        "conv-adam",
        with_layers("conv-adam", at_4=wrong.LastAxisFlatten),
        0,
        "forward",
        "4",
        FLATTEN,
    ),
    Fault(
        "constants by channel",
        "conv-adam",
        given("conv-adam", data=lambda: scaled("conv-adam", _channel_constants)),
        0,
        "data",
        "",
        CONSTANTS,
    ),
)
