"""A model's calls, each fed what was recorded of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn.parity._capture import in_training
from flaxnn.parity._layout import Layout, layout
from flaxnn.parity._spot import Place, Side, Spot


@dataclass(frozen=True)
class Value:
    """What a port computes at a spot, in PyTorch's layout, and what was recorded.

    Attributes:
        port: The port's array; None where it has another number of arrays there.
        recorded: PyTorch's.
        training: Whether the port's module was in training mode.
    """

    port: Any
    recorded: np.ndarray
    training: bool = True


@dataclass
class Feed:
    """A visitor that keeps what a port computes and hands on what was recorded.

    What a module gets is what PyTorch's module got, whatever went wrong before; and on
    the way back its output has the gradient that PyTorch's had.

    Attributes:
        recorded: The recorded arrays by spot.
        gradients: The recorded gradients by spot.
        taps: Zeros by spot whose gradients are wanted, in PyTorch's layout.
        flatten: Sizes before flattening by module.
        values: What was seen, in order.
    """

    recorded: Mapping[Spot, np.ndarray]
    gradients: Mapping[Spot, np.ndarray] = field(default_factory=dict)
    taps: Mapping[Spot, Any] = field(default_factory=dict)
    flatten: Mapping[str, Sequence[int]] = field(default_factory=dict)
    layouts: dict[Spot, Layout] = field(default_factory=dict)
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
        if spot not in self.layouts:
            sizes = self.flatten.get(spot.place.module)
            found = layout(port, recorded, sizes if spot.side == "input" else None)
            if found is None:
                self.values[spot] = Value(None, recorded, in_training(module))
                return port
            self.layouts[spot] = found
        way = self.layouts[spot]
        seen = way.to_torch(port)
        self.values[spot] = Value(seen, recorded, in_training(module))
        if not jnp.issubdtype(port.dtype, jnp.floating):
            return way.to_port(jnp.asarray(recorded)).astype(port.dtype)
        given = jnp.asarray(recorded, seen.dtype)
        gradient = self.gradients.get(spot)
        known = gradient is not None and gradient.shape == recorded.shape
        tap = self.taps.get(spot, jnp.zeros_like(given))
        back = jnp.asarray(gradient, seen.dtype) if known else jnp.zeros_like(given)
        return way.to_port(_hand_over(known, seen, given, back, tap.astype(seen.dtype)))


@jax.custom_vjp
def _substituted(known: Any, port: Any, recorded: Any, back: Any, tap: Any) -> Any:
    """The recorded array; on the way back, the recorded gradient where it is known.

    The gradient of `tap` is what arrives.
    """
    del known, port, back, tap
    return recorded


def _forward(known: Any, port: Any, recorded: Any, back: Any, tap: Any) -> Any:
    del port, tap
    return recorded, (known, back)


def _backward(kept: Any, gradient: Any) -> Any:
    known, back = kept
    zeros = jnp.zeros_like(gradient)
    return None, jnp.where(known, back, gradient), zeros, zeros, gradient


_substituted.defvjp(_forward, _backward)


def _hand_over(known: bool, port: Any, recorded: Any, back: Any, tap: Any) -> Any:
    return _substituted(jnp.asarray(known), port, recorded, back, tap)
