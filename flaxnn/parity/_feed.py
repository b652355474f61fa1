# SPDX-License-Identifier: Apache-2.0
"""A model's calls, each fed what was recorded of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp

from flaxnn import nn
from flaxnn.parity._capture import in_training
from flaxnn.parity._layout import layout
from flaxnn.parity._spot import Place, Side, Spot


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Value:
    """What a port computes at a spot.

    Attributes:
        port: The array in PyTorch's layout; None where it has another shape.
        spot: Where it is.
        training: Whether the port's module was in training mode.
    """

    port: Any
    spot: Spot = field(metadata={"static": True})
    training: bool = field(metadata={"static": True})


@dataclass
class Feed:
    """A visitor that keeps what a port computes and hands on what was recorded.

    What a module gets is what PyTorch's module got, whatever went wrong before; and on
    the way back its output has the gradient that PyTorch's had.

    Attributes:
        recorded: The recorded arrays by spot.
        gradients: The recorded gradients by spot.
        taps: Zeros by spot, whose gradients are those that arrive there.
        flatten: Sizes before flattening by module.
        values: What was seen, in order.
    """

    recorded: Mapping[Spot, Any]
    gradients: Mapping[Spot, Any]
    taps: Mapping[Spot, Any]
    flatten: Mapping[str, Sequence[int]]
    values: dict[Spot, Value] = field(default_factory=dict)

    def enter(self, place: Place, module: Any, inputs: tuple) -> tuple:
        """Hands the recorded inputs to a module."""
        return self._fed(place, "input", module, inputs)

    def leave(self, place: Place, module: Any, output: Any) -> Any:
        """Hands the recorded outputs to a module's caller."""
        return self._fed(place, "output", module, output)

    def _fed(self, place: Place, side: Side, module: Any, tree: Any) -> Any:
        leaves, structure = jax.tree.flatten(tree)
        fed = [
            self._replaced(Spot(place, side, k), module, leaf)
            for k, leaf in enumerate(leaves)
        ]
        return jax.tree.unflatten(structure, fed)

    def _replaced(self, spot: Spot, module: Any, port: Any) -> Any:
        recorded = self.recorded.get(spot)
        if recorded is None or not hasattr(port, "dtype"):
            return port
        training, sizes = in_training(module), self.flatten.get(spot.place.module)
        way = layout(
            port.shape,
            recorded.shape,
            channels_last=not isinstance(module, nn.Module),
            flatten=sizes if spot.side == "input" else None,
        )
        if way is None:
            self.values[spot] = Value(None, spot, training)
            return port
        seen = way.to_torch(port)
        self.values[spot] = Value(seen, spot, training)
        given = jnp.asarray(recorded, seen.dtype)
        if not jnp.issubdtype(port.dtype, jnp.floating):
            return way.to_port(given)
        gradient = self.gradients.get(spot)
        if gradient is None:
            return way.to_port(_passed(seen, given))
        tap = self.taps[spot].astype(seen.dtype)
        return way.to_port(_answered(seen, given, gradient.astype(seen.dtype), tap))


@jax.custom_vjp
def _passed(port: Any, recorded: Any) -> Any:
    """The recorded array, with the port's gradient."""
    del port
    return recorded


_passed.defvjp(lambda port, recorded: (recorded, None), lambda _, g: (g, None))


@jax.custom_vjp
def _answered(port: Any, recorded: Any, gradient: Any, tap: Any) -> Any:
    """The recorded array, with the recorded gradient; `tap` gets the one that came."""
    del port, gradient, tap
    return recorded


_answered.defvjp(
    lambda port, recorded, gradient, tap: (recorded, gradient),
    lambda gradient, arrived: (gradient, None, None, arrived),
)
