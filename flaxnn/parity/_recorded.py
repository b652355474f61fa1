# SPDX-License-Identifier: Apache-2.0
"""The calls of a recorded step, by module and turn."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from flaxnn.parity._spot import Place, Spot
from flaxnn.parity._trace_step import Call, Step


@dataclass(frozen=True)
class Recorded:
    """The calls of a step, by place.

    Attributes:
        calls: The calls in the order in which they returned.
        arrays: Every array that went into or came out of a module.
        gradients: The loss's gradients of outputs.
    """

    calls: dict[Place, Call]
    arrays: dict[Spot, np.ndarray]
    gradients: dict[Spot, np.ndarray]

    @classmethod
    def of(cls, step: Step) -> Recorded:
        """The calls of a whole step."""
        turns: Counter[str] = Counter()
        calls: dict[Place, Call] = {}
        for call in sorted(step.calls, key=lambda call: call.begun):
            calls[Place(call.module, turns[call.module])] = call
            turns[call.module] += 1
        arrays: dict[Spot, np.ndarray] = {}
        gradients: dict[Spot, np.ndarray] = {}
        for place, call in calls.items():
            for k, array in enumerate(_leaves(call.inputs)):
                arrays[Spot(place, "input", k)] = array
            for k, array in enumerate(call.outputs):
                arrays[Spot(place, "output", k)] = array
                gradient = call.output_gradients[k]
                if gradient is not None:
                    gradients[Spot(place, "output", k)] = gradient
        order = {id(call): n for n, call in enumerate(step.calls)}
        returned = sorted(calls, key=lambda place: order[id(calls[place])])
        return cls({place: calls[place] for place in returned}, arrays, gradients)

    @property
    def root(self) -> Place:
        """The last call of the model itself."""
        return [place for place in self.calls if place.module == ""][-1]

    def outputs(self) -> list[Spot]:
        """The outputs in the order in which the calls returned."""
        return [
            Spot(place, "output", k)
            for place, call in self.calls.items()
            for k in range(len(call.outputs))
        ]

    def children(self, module: str) -> bool:
        """Whether modules below this one were called."""
        prefix = f"{module}." if module else ""
        return any(
            place.module.startswith(prefix) and place.module != module
            for place in self.calls
        )

    def producer(self, array: np.ndarray, before: Place) -> Place | None:
        """The innermost call whose output this array is, of those that began before."""
        begun = self.calls[before].begun
        made = (
            place
            for place, call in self.calls.items()
            if call.begun < begun
            and any(_same(array, output) for output in call.outputs)
            and not self.children(place.module)
        )
        return max(made, key=lambda place: self.calls[place].begun, default=None)

    def consumer(self, spot: Spot) -> Place | None:
        """The innermost call that an output goes into first."""
        output, begun = self.arrays[spot], self.calls[spot.place].begun
        takers = (
            place
            for place, call in self.calls.items()
            if call.begun > begun
            and any(_same(output, array) for array in _leaves(call.inputs))
            and not self.children(place.module)
        )
        return min(takers, key=lambda place: self.calls[place].begun, default=None)


def _leaves(tree: Any) -> list[np.ndarray]:
    """The arrays in nested tuples."""
    if isinstance(tree, tuple | list):
        return [leaf for part in tree for leaf in _leaves(part)]
    return [tree] if isinstance(tree, np.ndarray) else []


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return one is other or (
        one.shape == other.shape
        and one.dtype == other.dtype
        and np.array_equal(one, other)
    )
