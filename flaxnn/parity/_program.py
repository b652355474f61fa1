# SPDX-License-Identifier: Apache-2.0
"""One training step as a compiled program that gives all that is recorded of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from flaxnn import nn
from flaxnn.parity._capture import watching
from flaxnn.parity._port import Port
from flaxnn.parity._probe import Probe, is_floating
from flaxnn.training._freeze import without
from flaxnn.training._pure import split

Tree = Any
Batch = tuple[Any, ...]


class Carried(NamedTuple):
    """What a step takes over from the one before."""

    params: Tree
    rest: Tree
    opt_state: Any


class Outcome(NamedTuple):
    """What a step computes, beside what it hands on."""

    loss: Any
    arrays: dict[str, Any]
    arrived: dict[str, Any]
    gradients: Tree


@dataclass(frozen=True)
class Plan:
    """What is known of a step before it runs, for one shape of batch.

    Attributes:
        calls: The lines of the calls.
        taps: Key of an output's gradient to its zeros.
        requests: What the forward pass asks the host to draw.
    """

    calls: tuple[dict[str, Any], ...]
    taps: dict[str, Any]
    requests: tuple[nn.HostDraw, ...]


class Program:
    """A port's step, compiled once for each shape of batch.

    Args:
        port: The model with its loss and optimiser.
    """

    def __init__(self, port: Port) -> None:
        self._port = port
        self._graphdef, params, rest = split(port.model)
        assert port.optimizer is not None
        self._optimizer = port.optimizer
        extra = isinstance(port.optimizer, optax.GradientTransformationExtraArgs)
        self._takes_value = extra
        self.start = Carried(params, rest, port.optimizer.init(params))
        self._plans: dict[Any, Plan] = {}
        self.step = jax.jit(self._step)

    def plan(self, carried: Carried, batch: Batch) -> Plan:
        """Returns what is known of a step on a batch."""
        shapes = tuple((array.shape, array.dtype) for array in batch)
        if shapes not in self._plans:
            self._plans[shapes] = self._planned(carried, batch)
        return self._plans[shapes]

    def _planned(self, carried: Carried, batch: Batch) -> Plan:
        probe = Probe()

        def run(carried: Carried, batch: Batch) -> Any:
            self._forward(carried.params, carried.rest, batch, probe)
            return dict(probe.arrays)

        with nn.recording() as requests:
            shapes = jax.eval_shape(run, carried, batch)
        taps = {}
        for call in probe.calls:
            for n, key in enumerate(call["output_gradients"]):
                if key is not None:
                    shape = shapes[call["outputs"][n]]
                    taps[key] = jnp.zeros(shape.shape, shape.dtype)
        return Plan(tuple(probe.calls), taps, tuple(requests))

    def _forward(
        self, params: Tree, rest: Tree, batch: Batch, probe: Probe
    ) -> tuple[Any, Tree]:
        """The loss, and the buffers that the forward pass leaves."""
        assert self._port.loss is not None
        model = nnx.merge(self._graphdef, params, rest)
        model.train()
        for _, module in nnx.iter_modules(model):
            # Flax's own modes do not reach our modules inside a foreign one.
            if isinstance(module, nn.Module):
                module.training = True
        with watching(model, probe, self._port.names):
            output = model(*batch[:-1])
        loss = self._port.loss(output, batch[-1])
        return loss, without(nnx.to_pure_dict(nnx.state(model)), params)

    def _step(
        self, carried: Carried, batch: Batch, draws: Sequence[Any], taps: dict[str, Any]
    ) -> tuple[Carried, Outcome]:
        def run(params: Tree, taps: dict[str, Any]) -> Any:
            probe = Probe(taps)
            loss, rest = self._forward(params, carried.rest, batch, probe)
            return loss, (rest, probe.arrays)

        with nn.providing(draws):
            (loss, (rest, arrays)), (gradients, arrived) = jax.value_and_grad(
                run, argnums=(0, 1), has_aux=True
            )(carried.params, taps)
        value = {"value": loss} if self._takes_value else {}
        updates, opt_state = self._optimizer.update(
            gradients, carried.opt_state, carried.params, **value
        )
        params = optax.apply_updates(carried.params, updates)
        outcome = Outcome(loss, arrays, arrived, gradients)
        return Carried(params, rest, opt_state), outcome


def parameter_names(port: Port) -> list[str]:
    """PyTorch's names of what is trained: what changes with the parameters' tree."""
    params = split(port.model)[1]
    marked = jax.tree.map(
        lambda leaf: jnp.full_like(leaf, jnp.nan) if is_floating(leaf) else leaf, params
    )
    return [
        name
        for name, array in port.tensors(marked).items()
        if is_floating(array) and array.size and np.isnan(array).all()
    ]
