# SPDX-License-Identifier: Apache-2.0
"""Ten ports without a fault."""

from __future__ import annotations

from typing import Any

import optax
from flax import nnx

from tests.planted import mistakes as wrong
from tests.planted.fault import Makes
from tests.planted.ports import FlaxConv, flax_conv, flax_mlp, port


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
CORRECT: tuple[tuple[str, str, Makes], ...] = (
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
