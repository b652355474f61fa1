# SPDX-License-Identifier: Apache-2.0
"""A model's calls in one step: what goes in, what comes out, and the gradients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp

from flaxnn.parity._capture import in_training
from flaxnn.parity._spot import Place


@dataclass
class Probe:
    """A visitor that notes every call, as a trace's line and arrays, and changes none.

    Attributes:
        taps: Key of an output to zeros, whose gradient is the output's.
        calls: The calls in the order in which they returned.
        arrays: Key to array of every input and output.
    """

    taps: Mapping[str, Any] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)
    arrays: dict[str, Any] = field(default_factory=dict)
    _open: list[dict[str, Any]] = field(default_factory=list)
    _begun: int = 0

    def enter(self, place: Place, module: Any, inputs: tuple) -> tuple:
        """Notes the inputs."""
        call: dict[str, Any] = {"module": place.module, "training": in_training(module)}
        call |= {"begun": self._begun, "depth": len(self._open)}
        call["inputs"] = self._taken(inputs, f"call/{self._begun}/input")
        self._begun += 1
        self._open.append(call)
        return inputs

    def leave(self, place: Place, module: Any, output: Any) -> Any:
        """Notes the outputs, and has their gradients arrive at the taps."""
        del place, module
        call = self._open.pop()
        leaves, structure = jax.tree.flatten(output)
        key = f"call/{call['begun']}"
        call["outputs"] = self._taken(leaves, f"{key}/output")
        keys = [f"{key}/output_gradient/{n}" for n in range(len(leaves))]
        call["output_gradients"] = [
            key if is_floating(leaf) else None
            for key, leaf in zip(keys, leaves, strict=True)
        ]
        self.calls.append(call)
        tapped = [
            _tapped(leaf, self.taps[key]) if key in self.taps else leaf
            for key, leaf in zip(keys, leaves, strict=True)
        ]
        return jax.tree.unflatten(structure, tapped)

    def _taken(self, value: Any, key: str) -> Any:
        """The value in lists, with keys for its arrays."""
        if hasattr(value, "dtype") and hasattr(value, "shape"):
            self.arrays[key] = value
            return key
        if isinstance(value, list | tuple):
            return [self._taken(each, f"{key}/{n}") for n, each in enumerate(value)]
        if isinstance(value, Mapping):
            items = {str(k): self._taken(v, f"{key}/{k}") for k, v in value.items()}
            return {"items": items}
        plain = isinstance(value, str | int | float | None)
        return {"value": value} if plain else None


def is_floating(leaf: Any) -> bool:
    """Whether something is an array of floating-point numbers."""
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.floating)


@jax.custom_vjp
def _tapped(array: Any, tap: Any) -> Any:
    """The array itself; its gradient is the tap's too. A sum would lose minus zero."""
    del tap
    return array


def _forward(array: Any, tap: Any) -> tuple[Any, None]:
    del tap
    return array, None


def _backward(kept: None, gradient: Any) -> tuple[Any, Any]:
    del kept
    return gradient, gradient


_tapped.defvjp(_forward, _backward)
