"""Forty ports with one fault each, and ten without any."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from flaxnn import nn, optim
from flaxnn.data import DataLoader
from flaxnn.random import Generator
from tests.planted import mistakes as wrong
from tests.planted.arrays import CLASSES, PLANS, arrays
from tests.planted.ports import FlaxConv, FlaxMLP, flax_conv, flax_mlp, port

G = Generator(0)


@dataclass(frozen=True)
class Fault:
    """A port with a fault.

    Attributes:
        name: What is wrong.
        run: The recorded run.
        port: Makes the arguments of `diverge`.
        step: Where the fault is first to be seen.
        phase: The phase of that step.
        layer: The module, ``""`` where it is none's.
        cause: What the cause is called.
    """

    name: str
    run: str
    port: Callable[[], dict[str, Any]]
    step: int
    phase: str
    layer: str
    cause: str


def _loader(name: str, draws: int = 0, **options: Any) -> DataLoader:
    """The run's loader, from a stream that somebody else drew from before."""
    loader = port(name)["data"]
    assert loader.rngs is not None
    loader.rngs.randint(0, 10, (draws,))
    if not options:
        return loader
    chosen = {"batch_size": PLANS[name].batch_size, "shuffle": True, **options}
    return DataLoader(arrays(name), rngs=loader.rngs, **chosen)


def _disturbed(name: str) -> Iterator[Any]:
    """The run's batches; between its epochs somebody draws from the stream."""
    loader = _loader(name)
    for _ in range(PLANS[name].epochs):
        yield from loader
        assert loader.rngs is not None
        loader.rngs.randint(0, 10, (2,))


def _scaled(name: str, by: Callable[[Any], Any]) -> Iterator[Any]:
    """The run's batches, their inputs scaled otherwise."""
    for x, y in _loader(name):
        yield by(x).astype(x.dtype), y


def _channel_constants(x: np.ndarray) -> np.ndarray:
    mean = np.array([0.1, 0.2], np.float32)[:, None, None]
    return (x - mean) / np.array([0.5, 2.0], np.float32)[:, None, None]


def _flax_conv_flattened() -> dict[str, Any]:
    """The Flax net with PyTorch's kernel for the dense layer as it lies."""
    given = flax_conv()
    del given["flatten"]
    return given


def _untransposed() -> dict[str, Any]:
    """The Flax MLP with a square kernel that was copied without turning it."""
    weights = port("mlp-sgd")["model"].state_dict()
    model = FlaxMLP()
    model.first.kernel.set_value(weights["0.weight"].T)
    model.second.kernel.set_value(weights["2.weight"])
    model.second.bias.set_value(weights["2.bias"])
    model.third.kernel.set_value(weights["4.weight"].T)
    model.third.bias.set_value(weights["4.bias"])
    return flax_mlp(model=model, own_weights=True)


def _step_decay(by: int) -> optax.GradientTransformation:
    rate = optax.exponential_decay(0.05, 2, 0.1, staircase=True)
    return optax.sgd(wrong.late(rate, by), momentum=0.9)


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


def _with(name: str, **layers: Any) -> Callable[[], dict[str, Any]]:
    """A port with other modules at places, ``at_2=…``; each is made when it is used."""
    places = {int(key.removeprefix("at_")): make for key, make in layers.items()}
    return lambda: port(name, {place: make() for place, make in places.items()})


def _given(name: str, **given: Callable[[], Any]) -> Callable[[], dict[str, Any]]:
    return lambda: port(name, **{key: make() for key, make in given.items()})


ROOT = "epsilon on the other side of the root"
SHIFTED = "learning rate or schedule off by one step"
DECAY = "weight decay coupled or decoupled"
VARIANCE = "biased or unbiased variance"
NOT_TRANSPOSED = "weight not transposed"
COARSE = "TF32 or bfloat16 in a matrix product"
ORDER = "order of the batches"
LAST = "last batch dropped or kept"
CONSTANTS = "normalisation constants"
SMOOTHING = "label smoothing"
CORRECTION = "bias correction"
KINK = "slope at a kink"
GELU = "form of gelu"
FLATTEN = "flatten order"
DAMPENING = "dampening of the momentum"

FAULTS = (
    # MLP, SGD.
    Fault(
        "square weight as it lies",
        "mlp-sgd",
        _with("mlp-sgd", at_2=lambda: wrong.TransposedLinear(8, 8, rngs=G)),
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
        _with("mlp-sgd", at_1=wrong.HalfSlopeReLU),
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
        "momentum as a moving average",
        "conv-sgd",
        _given(
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
        _given("mlp-sgd", data=lambda: _loader("mlp-sgd", draws=1)),
        0,
        "data",
        "",
        ORDER,
    ),
    Fault(
        "somebody draws between the epochs",
        "mlp-sgd",
        _given("mlp-sgd", data=lambda: _disturbed("mlp-sgd")),
        3,
        "data",
        "",
        ORDER,
    ),
    Fault(
        "drop_last",
        "mlp-sgd",
        _given("mlp-sgd", data=lambda: _loader("mlp-sgd", drop_last=True)),
        2,
        "data",
        "",
        LAST,
    ),
    Fault(
        "other constants",
        "mlp-sgd",
        _given("mlp-sgd", data=lambda: _scaled("mlp-sgd", lambda x: (x - 0.5) / 0.5)),
        0,
        "data",
        "",
        CONSTANTS,
    ),
    Fault(
        "sum",
        "mlp-sgd",
        _given("mlp-sgd", loss=lambda: wrong.summed),
        0,
        "loss",
        "",
        "reduction",
    ),
    Fault(
        "smoothing that was not there",
        "mlp-sgd",
        _given("mlp-sgd", loss=lambda: nn.CrossEntropyLoss(label_smoothing=0.1)),
        0,
        "loss",
        "",
        SMOOTHING,
    ),
    Fault(
        "softmax before the loss",
        "mlp-sgd",
        _given("mlp-sgd", loss=lambda: wrong.of_probabilities),
        0,
        "loss",
        "",
        "softmax taken twice",
    ),
    Fault(
        "bfloat16 product",
        "mlp-sgd",
        _with("mlp-sgd", at_4=lambda: wrong.CoarseLinear(8, CLASSES, rngs=G)),
        0,
        "forward",
        "4",
        COARSE,
    ),
    # MLP, Adam.
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
        _given(
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
        _with("mlp-adam", at_1=wrong.TanhGELU),
        0,
        "forward",
        "1",
        GELU,
    ),
    Fault(
        "layer norm's epsilon behind the root",
        "mlp-adam",
        _with("mlp-adam", at_2=lambda: wrong.WrongLayerNorm(8, outside=True)),
        0,
        "forward",
        "2",
        ROOT,
    ),
    Fault(
        "layer norm over n - 1",
        "mlp-adam",
        _with("mlp-adam", at_2=lambda: wrong.WrongLayerNorm(8, unbiased=True)),
        0,
        "forward",
        "2",
        VARIANCE,
    ),
    Fault(
        "dropout left on",
        "mlp-adam",
        _with("mlp-adam", at_5=lambda: nn.Dropout(0.5)),
        0,
        "forward",
        "5",
        "dropout left on",
    ),
    Fault(
        "smoothing forgotten",
        "mlp-adam",
        _given("mlp-adam", loss=nn.CrossEntropyLoss),
        0,
        "loss",
        "",
        SMOOTHING,
    ),
    Fault(
        "TF32 product",
        "mlp-adam",
        _with("mlp-adam", at_3=lambda: wrong.TF32Linear(8, 8, rngs=G)),
        0,
        "forward",
        "3",
        COARSE,
    ),
    Fault(
        "schedule stepped by batch, not by epoch",
        "mlp-adam",
        _given("mlp-adam", schedule_every=lambda: "step"),
        1,
        "optimizer",
        "",
        "learning rate",
    ),
    # Conv net, SGD.
    Fault(
        "batch norm with Flax's momentum",
        "conv-sgd",
        _with("conv-sgd", at_1=lambda: nn.BatchNorm2d(4, momentum=0.9)),
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
        _with("conv-sgd", at_1=lambda: wrong.WrongBatchNorm(4, unbiased=True)),
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
        _with("conv-sgd", at_3=lambda: wrong.FlippedConv(4, 4, 3, rngs=G)),
        0,
        "forward",
        "3",
        "kernel turned around or its axes swapped",
    ),
    Fault(
        "schedule one step late",
        "conv-sgd",
        _given("conv-sgd", optimizer=lambda: _step_decay(1), schedule=lambda: None),
        2,
        "optimizer",
        "",
        SHIFTED,
    ),
    Fault(
        "schedule one step early",
        "conv-sgd",
        _given("conv-sgd", optimizer=lambda: _step_decay(-1), schedule=lambda: None),
        1,
        "optimizer",
        "",
        SHIFTED,
    ),
    # Conv net, Adam.
    Fault(
        "Adam for AdamW",
        "conv-adam",
        _given("conv-adam", optimizer=lambda: optim.adam(1e-2, weight_decay=0.05)),
        0,
        "optimizer",
        "",
        DECAY,
    ),
    Fault(
        "flattened channels last",
        "conv-adam",
        _with("conv-adam", at_4=wrong.LastAxisFlatten),
        0,
        "forward",
        "4",
        FLATTEN,
    ),
    Fault(
        "constants by channel",
        "conv-adam",
        _given("conv-adam", data=lambda: _scaled("conv-adam", _channel_constants)),
        0,
        "data",
        "",
        CONSTANTS,
    ),
)


def _right_flax_conv() -> dict[str, Any]:
    model = FlaxConv()
    model.norm = wrong.UnbiasedFlaxNorm(4, momentum=0.9, epsilon=1e-5, rngs=nnx.Rngs(0))
    return flax_conv(model=model)


def _optax_adam() -> dict[str, Any]:
    rate = optax.exponential_decay(1e-2, 3, 0.5, staircase=True)
    adam = optax.chain(optax.add_decayed_weights(0.01), optax.adam(rate))
    return port("mlp-adam", optimizer=adam, schedule=None)


def _optax_adamw() -> dict[str, Any]:
    return port("conv-adam", optimizer=optax.adamw(1e-2, weight_decay=0.05))


def _named_rules() -> dict[str, Any]:
    patterns = [("first", "0"), ("second", "2"), ("third", "4")]
    return flax_mlp(names=patterns)


#: The run and the port; nothing is wrong with them.
CORRECT: tuple[tuple[str, str, Callable[[], dict[str, Any]]], ...] = (
    ("MLP, SGD", "mlp-sgd", lambda: port("mlp-sgd", own_weights=True)),
    ("MLP, Adam", "mlp-adam", lambda: port("mlp-adam", own_weights=True)),
    ("conv net, SGD", "conv-sgd", lambda: port("conv-sgd", own_weights=True)),
    ("conv net, AdamW", "conv-adam", lambda: port("conv-adam", own_weights=True)),
    ("MLP in float64", "float64", lambda: port("float64")),
    ("Flax MLP, optax", "mlp-sgd", flax_mlp),
    ("Flax MLP, patterns of names", "mlp-sgd", _named_rules),
    ("Flax conv net, optax", "conv-sgd", _right_flax_conv),
    ("MLP, optax's Adam", "mlp-adam", _optax_adam),
    ("conv net, optax's AdamW", "conv-adam", _optax_adamw),
)
