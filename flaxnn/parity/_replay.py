"""A recorded step's forward and backward pass, done again by a port."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
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
        feed = Feed(recorded.arrays, recorded.gradients, flatten=port.flattened())

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


def draw_for(port: Port, batch: Any, generator: Generator) -> None:
    """Draws from a stream what a model's forward pass over a batch asks for.

    Args:
        port: The port.
        batch: The inputs, and the target last.
        generator: The run's, which moves on.
    """
    graphdef, params, rest = split(port.model)

    def run(params: Any, rest: Any, inputs: Any) -> None:
        forward(graphdef, params, rest, inputs, training=True)

    with enough_precision(model_dtype(params)), nn.recording() as requests:
        jax.eval_shape(run, params, rest, [jnp.asarray(x) for x in batch[:-1]])
    for request in requests:
        request.draw(generator)
