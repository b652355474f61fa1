# SPDX-License-Identifier: Apache-2.0
"""A recorded step's forward and backward pass, done again by a port."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from flaxnn import nn
from flaxnn.parity._capture import watching
from flaxnn.parity._feed import Feed, Value
from flaxnn.parity._port import Port, cast, in_dtype
from flaxnn.parity._recorded import Recorded
from flaxnn.parity._spot import Spot
from flaxnn.parity._trace_step import Step
from flaxnn.random import Generator
from flaxnn.training._pure import enough_precision, forward, model_dtype, split


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


@dataclass(frozen=True)
class Replayed:
    """A recorded step beside what a port makes of it.

    Attributes:
        step: The recorded step.
        recorded: Its calls.
        modules: The header's table of modules.
        exact: The port's pass in float64.
        rounded: The port's pass in the run's dtype.
    """

    step: Step
    recorded: Recorded
    modules: Mapping[str, Any]
    exact: Pass
    rounded: Pass

    def described(self, module: str) -> tuple[str, dict[str, Any]]:
        """PyTorch's class of a module, and its options."""
        entry = self.modules.get(module, {})
        return str(entry.get("class", "")), dict(entry.get("options", {}))


class Replay:
    """A port's forward and backward pass on what was recorded, compiled once.

    Args:
        port: The port.
        dtype: What to compute in.
    """

    def __init__(self, port: Port, dtype: str) -> None:
        self.port, self.dtype = port, dtype
        # It runs a few times only, and compiles for longer than that.
        quickly = {"xla_backend_optimization_level": 0}
        self._compiled = jax.jit(
            self._passes,
            static_argnums=(0, 1),
            compiler_options=quickly if jax.default_backend() == "cpu" else None,
        )

    def __call__(self, step: Step, recorded: Recorded) -> Pass:
        """Returns what the port makes of a whole step.

        Args:
            step: The step.
            recorded: Its calls.
        """
        port = self.port
        loaded = port.loaded({**step.parameters, **step.buffers})
        with enough_precision(jnp.dtype(self.dtype)):
            graphdef, params, rest = split(in_dtype(loaded, self.dtype))
            inputs = self._cast(list(step.inputs))
            spots = tuple(recorded.arrays), tuple(recorded.gradients)
            values, arrived, grads, after = self._compiled(
                graphdef,
                spots,
                (params, rest, inputs),
                _draws(graphdef, params, rest, inputs, step),
                self._cast(list(recorded.arrays.values())),
                self._cast(list(recorded.gradients.values())),
            )
            names = port.tensors(grads)
            seen = {value.spot: _on_host(value) for value in values}
            return Pass(
                seen,
                {
                    spot: np.asarray(gradient)
                    for spot, gradient in zip(spots[1], arrived, strict=True)
                    if spot in seen and seen[spot].port is not None
                },
                {name: names[name] for name in step.gradients if name in names},
                port.state_dict(nnx.merge(graphdef, after)),
            )

    def _cast(self, arrays: Any) -> Any:
        return cast(jax.tree.map(jnp.asarray, arrays), self.dtype)

    def _passes(
        self,
        graphdef: nnx.GraphDef[Any],
        spots: tuple[tuple[Spot, ...], tuple[Spot, ...]],
        given: tuple[Any, Any, Any],
        draws: Any,
        arrays: Any,
        gradients: Any,
    ) -> Any:
        params, rest, inputs = given
        recorded = dict(zip(spots[0], arrays, strict=True))
        known = dict(zip(spots[1], gradients, strict=True))

        def run(params: Any, taps: Any) -> Any:
            model = _in_training(nnx.merge(graphdef, params, rest))
            along = dict(zip(spots[1], taps, strict=True))
            feed = Feed(recorded, known, along, self.port.flattened())
            with nn.providing(draws), watching(model, feed, self.port.names):
                output = model(*inputs)
            # Any function of the output will do: what arrives there is replaced.
            total = sum(
                leaf.sum()
                for leaf in jax.tree.leaves(output)
                if jnp.issubdtype(leaf.dtype, jnp.floating)
            )
            after = nnx.to_pure_dict(nnx.state(model))
            return total, (tuple(feed.values.values()), after)

        taps = [jnp.zeros_like(gradient) for gradient in gradients]
        (grads, arrived), (values, after) = jax.grad(run, (0, 1), has_aux=True)(
            params, taps
        )
        return values, arrived, grads, after


def _in_training(model: Any) -> Any:
    """The model as a training step runs it."""
    model.train()
    for _, module in nnx.iter_modules(model):
        # Flax's own modes do not reach our modules inside a foreign one.
        if isinstance(module, nn.Module):
            module.training = True
    return model


def _draws(
    graphdef: nnx.GraphDef[Any], params: Any, rest: Any, inputs: Any, step: Step
) -> list[jax.Array]:
    """What PyTorch drew in the forward pass, for modules that ask for it."""
    requests = _requests(graphdef, params, rest, inputs)
    generator = Generator(0)
    if step.generator is not None and step.generator.shape == (5056,):
        generator.set_state(step.generator)
    return [jnp.asarray(request.draw(generator)) for request in requests]


def _requests(graphdef: Any, params: Any, rest: Any, inputs: Any) -> list[nn.HostDraw]:
    def run(params: Any, rest: Any, inputs: Any) -> None:
        forward(graphdef, params, rest, inputs, training=True)

    with enough_precision(model_dtype(params)), nn.recording() as requests:
        jax.eval_shape(run, params, rest, inputs)
    return requests


def draw_for(port: Port, batch: Any, generator: Generator) -> None:
    """Draws from a stream what a model's forward pass over a batch asks for.

    Args:
        port: The port.
        batch: The inputs, and the target last.
        generator: The run's, which moves on.
    """
    graphdef, params, rest = split(port.model)
    dtype = model_dtype(params)
    inputs = [
        jax.ShapeDtypeStruct(x.shape, dtype if x.dtype.kind in "fu" else x.dtype)
        for x in map(np.asarray, batch[:-1])
    ]
    for request in _requests(graphdef, params, rest, inputs):
        request.draw(generator)


def _on_host(value: Value) -> Value:
    port = None if value.port is None else np.asarray(value.port)
    return Value(port, value.spot, value.training)
