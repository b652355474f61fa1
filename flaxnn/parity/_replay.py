"""A recorded step's forward and backward pass, done again by a port."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from flaxnn import nn
from flaxnn.parity._capture import Place, watching
from flaxnn.parity._feed import Feed, Spot, Value
from flaxnn.parity._port import Port, cast, in_dtype
from flaxnn.parity._trace_step import Call, Step
from flaxnn.random import Generator
from flaxnn.training._pure import enough_precision, split


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


@dataclass(frozen=True)
class Pass:
    """What a port makes of a step.

    Attributes:
        values: Arrays at the borders of modules, in the order in which they came up.
        gradients: Gradients that arrived at outputs; what lies behind each has its
            recorded gradient.
        parameters: The gradients of parameters, under PyTorch's names.
        buffers: The buffers after the forward pass, under PyTorch's names.
    """

    values: dict[Spot, Value]
    gradients: dict[Spot, np.ndarray]
    parameters: dict[str, np.ndarray]
    buffers: dict[str, np.ndarray]


def replay(
    port: Port, step: Step, recorded: Recorded, dtype: Any, *, training: bool = True
) -> Pass:
    """Runs a port forward and back on what was recorded of a step.

    Args:
        port: The port.
        step: A whole step.
        recorded: Its calls.
        dtype: What to compute in.
        training: The mode that the port's model is put in.
    """
    loaded = port.loaded({**step.parameters, **step.buffers})
    with enough_precision(jnp.dtype(dtype)):
        graphdef, params, rest = split(in_dtype(loaded, dtype))
        inputs = [cast(jax.tree.map(jnp.asarray, x), dtype) for x in step.inputs]
        feed = Feed(recorded.arrays, recorded.gradients, flatten=port.flatten)

        def run(params: Any, taps: Mapping[Spot, Any]) -> Any:
            feed.taps = taps
            with _watched(graphdef, params, rest, feed, port) as model:
                output = model(*inputs)
            after = nnx.to_pure_dict(nnx.state(model))
            total = sum(
                leaf.sum()
                for leaf in jax.tree.leaves(output)
                if jnp.issubdtype(leaf.dtype, jnp.floating)
            )
            return total, after

        with _random_numbers(step):
            _, after = run(params, {})
        seen = dict(feed.values)
        taps = {
            spot: jnp.zeros_like(seen[spot].port)
            for spot in recorded.gradients
            if spot in seen and seen[spot].port is not None
        }
        # Gradients stop where a module's output has none recorded.
        with _random_numbers(step):
            (grads, arrived), _ = jax.grad(run, argnums=(0, 1), has_aux=True)(
                params, taps
            )
        final = nnx.merge(graphdef, after)
        names = port.tensors(grads)
        return Pass(
            {spot: _concrete(value) for spot, value in seen.items()},
            {spot: np.asarray(array) for spot, array in arrived.items()},
            {name: names[name] for name in step.gradients if name in names},
            port.state_dict(final),
        )


@contextmanager
def _watched(
    graphdef: nnx.GraphDef, params: Any, rest: Any, feed: Feed, port: Port
) -> Iterator[nnx.Module]:
    model = nnx.merge(graphdef, params, rest)
    model.train()
    for _, module in nnx.iter_modules(model):
        if isinstance(module, nn.Module):
            module.training = True
    with watching(model, feed, port.names):
        yield model


def _random_numbers(step: Step) -> Any:
    """Draws what PyTorch drew, for modules that ask for it."""
    if step.generator is None or step.generator.shape != (5056,):
        return nullcontext()
    generator = Generator(0)
    generator.set_state(step.generator)
    return nn.drawing(generator)


def _concrete(value: Value) -> Value:
    port = None if value.port is None else np.asarray(value.port)
    return Value(port, value.recorded, value.training)


def _leaves(tree: Any) -> list[np.ndarray]:
    """The arrays in nested tuples."""
    return [leaf for leaf in jax.tree.leaves(tree) if isinstance(leaf, np.ndarray)]


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return one is other or (
        one.shape == other.shape
        and one.dtype == other.dtype
        and np.array_equal(one, other)
    )
