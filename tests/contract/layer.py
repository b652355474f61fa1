# SPDX-License-Identifier: Apache-2.0
"""How a module of the table is built from a seed, called and differentiated."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

import flaxnn
from flaxnn import nn
from flaxnn.random import Generator
from tests.compiling import compiler_options
from tests.contract.case import FORWARD_SEED, assert_close, cotangent

SEED = 2025


@dataclass(frozen=True, eq=False)
class LayerCase:
    """A module's options and one call of it.

    `args` and `kwargs` are PyTorch's and ours alike; a nested `Part` stands for a
    module. `inputs` are arrays or tuples of arrays; floating-point ones are cast to the
    dtype under test, and those at the positions `by` are differentiated by. The forward
    pass is made `passes` times, so that buffers move more than once; draws of a forward
    pass come from a seed of their own. `call` is for containers, which are not called
    themselves.
    """

    name: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[Any, ...] = ()
    by: tuple[int, ...] = (0,)
    training: bool = True
    passes: int = 1
    call: Callable[..., Any] = operator.call


@dataclass(frozen=True, eq=False)
class Layer:
    """A module, PyTorch's counterpart and how close ours is to it, as of an op."""

    name: str
    torch: str
    cases: tuple[LayerCase, ...]
    rtol: float = 1e-6
    atol: float = 0.0
    # Initial values are bit-exact; orthogonal ones, which LAPACK makes, are not.
    state_atol: float = 0.0
    differences: str = ""
    bfloat16_steps: int | None = 4

    def build(self, case: LayerCase, rngs: Generator, **options: Any) -> nn.Module:
        """Returns ours, its numbers drawn from `rngs`."""
        return build_ours(Part(self.name, *case.args, **case.kwargs), rngs, options)

    def assert_close(
        self, actual: np.ndarray, expected: np.ndarray, dtype: Any
    ) -> None:
        """Raises unless ours is PyTorch's within the tolerance, nan for nan."""
        assert_close(actual, expected, dtype, self.rtol, self.atol)


class Part:
    """A module inside a module's arguments, built anew for each side."""

    def __init__(self, name: str, *args: Any, **kwargs: Any):
        self.name, self.args, self.kwargs = name, args, kwargs

    def build(self, make: Callable[..., Any]) -> Any:
        """Returns the module, its own parts first, as Python evaluates arguments."""
        args = jax.tree.map(
            lambda value: value.build(make) if isinstance(value, Part) else value,
            (self.args, self.kwargs),
            is_leaf=lambda value: isinstance(value, Part) or value is None,
        )
        return make(self.name, *args[0], **args[1])


def build_ours(part: Part, rngs: Generator, options: dict[str, Any]) -> nn.Module:
    """Returns a flaxnn module; `options` go to the outermost one only."""

    def make(name: str, *args: Any, **kwargs: Any) -> nn.Module:
        outermost = options if name == part.name else {}
        return getattr(nn, name)(*args, **kwargs, **outermost, rngs=rngs)

    return part.build(make)


def cast(value: Any, dtype: Any) -> Any:
    """Returns the inputs with floating-point arrays in the dtype under test."""
    return jax.tree.map(
        lambda leaf: (
            leaf.astype(dtype)
            if isinstance(leaf, np.ndarray) and leaf.dtype == np.float64
            else leaf
        ),
        value,
    )


def initial(layer: Layer, case: LayerCase, **options: Any) -> dict[str, np.ndarray]:
    """Returns the initial state, and what the generator gives after construction."""
    generator = Generator(SEED)
    state = layer.build(case, generator, **options).state_dict()
    named = {f"state/{name}": np.asarray(array) for name, array in state.items()}
    return named | {"after": generator.rand(1)}


@functools.cache
def evaluate(
    layer: Layer, cases: tuple[LayerCase, ...], dtype: Any
) -> dict[str, dict[str, np.ndarray]]:
    """Returns outputs, gradients by inputs and parameters, and buffers, by case.

    One compilation for all the cases that are given.
    """
    runs = {case.name: _Run(layer, case, dtype) for case in cases}

    @partial(jax.jit, compiler_options=compiler_options(dtype))
    def compiled(arguments: dict[str, Any]) -> dict[str, Any]:
        return {name: run(*arguments[name]) for name, run in runs.items()}

    returned = compiled({name: run.arguments for name, run in runs.items()})
    return {name: run.named(returned[name]) for name, run in runs.items()}


class _Run:
    """A case's module as a function of arrays."""

    def __init__(self, layer: Layer, case: LayerCase, dtype: Any):
        model = layer.build(case, Generator(SEED))
        model = flaxnn.astype(model, np.dtype(dtype).name).train(case.training)
        self.graphdef, *states = nnx.split(model, nn.Parameter, ...)
        self.parameters = {name for name, _ in model.named_parameters()}
        self.case, self.inputs = case, cast(case.inputs, dtype)
        given = {str(position): self.inputs[position] for position in case.by}
        draws = forward_draws(case, model, self.inputs)
        self.arguments = (*map(nnx.to_pure_dict, states), given, draws)

    def __call__(
        self, params: Any, rest: Any, given: dict[str, Any], draws: Any
    ) -> tuple[Any, Any, Any]:
        """Returns outputs and indices, gradients, and the buffers after."""

        def forward(params: Any, given: dict[str, Any]) -> tuple[list[Any], Any]:
            module = nnx.merge(self.graphdef, params, rest)
            args = [given.get(str(k), value) for k, value in enumerate(self.inputs)]
            with nn.providing(draws):
                for _ in range(self.case.passes):
                    outputs = self.case.call(module, *args)
            floating, indices = [], []
            for leaf in jax.tree.leaves(outputs):
                inexact = jnp.issubdtype(leaf.dtype, jnp.floating)
                (floating if inexact else indices).append(leaf)
            after = nnx.state(module, nnx.Not(nn.Parameter))
            return floating, (indices, nnx.to_pure_dict(after))

        outputs, pull, (indices, after) = jax.vjp(forward, params, given, has_aux=True)
        seeds = [jnp.asarray(cotangent(leaf.shape), leaf.dtype) for leaf in outputs]
        return (outputs, indices), pull(seeds), after

    def named(self, returned: tuple[Any, Any, Any]) -> dict[str, np.ndarray]:
        """Returns what the call returned, by the goldens' names."""
        (outputs, indices), (by_params, by_inputs), after = returned
        results: dict[str, Any] = {f"output{k}": leaf for k, leaf in enumerate(outputs)}
        results |= {f"index{k}": leaf for k, leaf in enumerate(indices)}
        for position, gradients in by_inputs.items():
            for k, leaf in enumerate(jax.tree.leaves(gradients)):
                results[f"gradient{position}.{k}"] = leaf
        gradients = nnx.merge(self.graphdef, by_params, after).state_dict()
        for name, array in gradients.items():
            kind = "gradient" if name in self.parameters else "buffer"
            results[f"{kind}/{name}"] = array
        return {name: np.asarray(array) for name, array in results.items()}


def forward_draws(
    case: LayerCase, model: nn.Module, inputs: tuple[Any, ...]
) -> tuple[jax.Array, ...]:
    """Returns what the forward passes ask for, drawn from `FORWARD_SEED`."""
    generator = Generator(FORWARD_SEED)
    with nn.recording() as requests:
        jax.eval_shape(lambda: case.call(nnx.clone(model), *inputs))
    drawn = [r.draw(generator) for _ in range(case.passes) for r in requests]
    return tuple(map(jnp.asarray, drawn))
