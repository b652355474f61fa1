# SPDX-License-Identifier: Apache-2.0
"""Perceptrons with one fault each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import optax
from flax import nnx

from flaxnn import nn, optim
from flaxnn.random import Generator
from tests.planted import mistakes as wrong
from tests.planted.arrays import CLASSES
from tests.planted.fault import (
    COARSE,
    CONSTANTS,
    CORRECTION,
    DAMPENING,
    DECAY,
    GELU,
    KINK,
    LAST,
    NOT_TRANSPOSED,
    ORDER,
    ROOT,
    SMOOTHING,
    VARIANCE,
    Fault,
    disturbed,
    given,
    loader_of,
    scaled,
    with_layers,
)
from tests.planted.ports import FlaxMLP, flax_mlp, port

G = Generator(0)


def _untransposed() -> dict[str, Any]:
    """The Flax MLP with a square kernel that was copied without turning it."""
    weights = port("mlp-sgd")["model"].state_dict()
    model = FlaxMLP()
    for layer, name in zip(
        (model.first, model.second, model.third), "024", strict=True
    ):
        kernel = weights[f"{name}.weight"]
        layer.kernel.set_value(kernel if name == "2" else kernel.T)
        if layer.bias is not None:
            layer.bias.set_value(weights[f"{name}.bias"])
    return flax_mlp(model=model, own_weights=True)


def _adam(**options: Any) -> Callable[[], dict[str, Any]]:
    adam = wrong.wrong_adam(1e-2, weight_decay=0.01, **options)
    return lambda: port("mlp-adam", optimizer=adam, schedule=None)


def _sgd(**options: Any) -> Callable[[], dict[str, Any]]:
    chosen = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01, **options}
    return lambda: port("mlp-sgd", optimizer=optim.sgd(**chosen))


def _decoupled_sgd() -> dict[str, Any]:
    sgd = optax.chain(
        optax.trace(0.9), optax.add_decayed_weights(0.01), optax.scale(-0.1)
    )
    return port("mlp-sgd", optimizer=sgd)


FAULTS = (
    Fault(
        "square weight as it lies",
        "mlp-sgd",
        with_layers("mlp-sgd", at_2=lambda: wrong.TransposedLinear(8, 8, rngs=G)),
        0,
        "forward",
        "2",
        NOT_TRANSPOSED,
    ),
    Fault(
        "Flax: square kernel copied as it lies",
        "mlp-sgd",
        _untransposed,
        0,
        "state",
        "2",
        NOT_TRANSPOSED,
    ),
    Fault(
        "maximum for relu",
        "mlp-sgd",
        with_layers("mlp-sgd", at_1=wrong.HalfSlopeReLU),
        1,
        "backward",
        "1",
        KINK,
    ),
    Fault(
        "Flax: maximum for relu, as a function",
        "mlp-sgd",
        lambda: flax_mlp(model=FlaxMLP(lambda x: jnp.maximum(x, 0))),
        1,
        "backward",
        "1",
        KINK,
    ),
    Fault(
        "Flax: leaky relu for relu",
        "mlp-sgd",
        lambda: flax_mlp(model=FlaxMLP(nnx.leaky_relu)),
        0,
        "forward",
        "1",
        "slope below zero",
    ),
    Fault("dampening", "mlp-sgd", _sgd(dampening=0.9), 1, "optimizer", "", DAMPENING),
    Fault(
        "Nesterov",
        "mlp-sgd",
        _sgd(nesterov=True),
        0,
        "optimizer",
        "",
        "Nesterov momentum",
    ),
    Fault(
        "decay behind the momentum",
        "mlp-sgd",
        _decoupled_sgd,
        0,
        "optimizer",
        "",
        DECAY,
    ),
    Fault(
        "learning rate", "mlp-sgd", _sgd(lr=0.05), 0, "optimizer", "", "learning rate"
    ),
    Fault(
        "one number drawn before the loader",
        "mlp-sgd",
        given("mlp-sgd", data=lambda: loader_of("mlp-sgd", draws=1)),
        0,
        "data",
        "",
        ORDER,
    ),
    Fault(
        "somebody draws between the epochs",
        "mlp-sgd",
        given("mlp-sgd", data=lambda: disturbed("mlp-sgd")),
        3,
        "data",
        "",
        ORDER,
    ),
    Fault(
        "drop_last",
        "mlp-sgd",
        given("mlp-sgd", data=lambda: loader_of("mlp-sgd", drop_last=True)),
        2,
        "data",
        "",
        LAST,
    ),
    Fault(
        "other constants",
        "mlp-sgd",
        given("mlp-sgd", data=lambda: scaled("mlp-sgd", lambda x: (x - 0.5) / 0.5)),
        0,
        "data",
        "",
        CONSTANTS,
    ),
    Fault(
        "sum",
        "mlp-sgd",
        given("mlp-sgd", loss=lambda: wrong.summed),
        0,
        "loss",
        "",
        "reduction",
    ),
    Fault(
        "smoothing that was not there",
        "mlp-sgd",
        given("mlp-sgd", loss=lambda: nn.CrossEntropyLoss(label_smoothing=0.1)),
        0,
        "loss",
        "",
        SMOOTHING,
    ),
    Fault(
        "softmax before the loss",
        "mlp-sgd",
        given("mlp-sgd", loss=lambda: wrong.of_probabilities),
        0,
        "loss",
        "",
        "softmax taken twice",
    ),
    Fault(
        "bfloat16 product",
        "mlp-sgd",
        with_layers("mlp-sgd", at_4=lambda: wrong.CoarseLinear(8, CLASSES, rngs=G)),
        0,
        "forward",
        "4",
        COARSE,
    ),
    Fault(
        "Adam's epsilon in the root",
        "mlp-adam",
        _adam(root="inside"),
        0,
        "optimizer",
        "",
        ROOT,
    ),
    Fault(
        "AdamW for Adam", "mlp-adam", _adam(decoupled=True), 0, "optimizer", "", DECAY
    ),
    Fault(
        "no bias correction",
        "mlp-adam",
        _adam(corrected=(False, False)),
        0,
        "optimizer",
        "",
        CORRECTION,
    ),
    Fault(
        "second moment not corrected",
        "mlp-adam",
        _adam(corrected=(True, False)),
        0,
        "optimizer",
        "",
        CORRECTION,
    ),
    Fault(
        "Adam's epsilon ten times as large",
        "mlp-adam",
        given(
            "mlp-adam", optimizer=lambda: optim.adam(1e-2, eps=1e-7, weight_decay=0.01)
        ),
        0,
        "optimizer",
        "",
        "size of epsilon",
    ),
    Fault(
        "tanh gelu",
        "mlp-adam",
        with_layers("mlp-adam", at_1=wrong.TanhGELU),
        0,
        "forward",
        "1",
        GELU,
    ),
    Fault(
        "layer norm's epsilon behind the root",
        "mlp-adam",
        with_layers("mlp-adam", at_2=lambda: wrong.WrongLayerNorm(8, outside=True)),
        0,
        "forward",
        "2",
        ROOT,
    ),
    Fault(
        "layer norm over n - 1",
        "mlp-adam",
        with_layers("mlp-adam", at_2=lambda: wrong.WrongLayerNorm(8, unbiased=True)),
        0,
        "forward",
        "2",
        VARIANCE,
    ),
    Fault(
        "dropout left on",
        "mlp-adam",
        with_layers("mlp-adam", at_5=lambda: nn.Dropout(0.5)),
        0,
        "forward",
        "5",
        "dropout left on",
    ),
    Fault(
        "smoothing forgotten",
        "mlp-adam",
        given("mlp-adam", loss=nn.CrossEntropyLoss),
        0,
        "loss",
        "",
        SMOOTHING,
    ),
    Fault(
        "TF32 product",
        "mlp-adam",
        with_layers("mlp-adam", at_3=lambda: wrong.TF32Linear(8, 8, rngs=G)),
        0,
        "forward",
        "3",
        COARSE,
    ),
    Fault(
        "schedule stepped by batch, not by epoch",
        "mlp-adam",
        given("mlp-adam", schedule_every=lambda: "step"),
        1,
        "optimizer",
        "",
        "learning rate",
    ),
)
