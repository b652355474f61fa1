"""Every module under copies and JAX's transformations; needs no PyTorch."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from flaxnn import nn
from flaxnn.random import Generator
from tests.contract.layer import SEED, Layer, cast, forward_draws
from tests.contract.registry import LAYERS

every_layer = pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)

COPIES: dict[str, Callable[[nn.Module], Any]] = {
    "merge": lambda model: nnx.merge(*nnx.split(model)),
    "clone": nnx.clone,
    "deepcopy": copy.deepcopy,
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
}


def _built(layer: Layer) -> tuple[nn.Module, tuple[Any, ...], tuple[jax.Array, ...]]:
    """Returns a module, inputs for it, and what its forward pass draws."""
    case = replace(layer.cases[0], passes=1)
    model = layer.build(case, Generator(SEED)).train(case.training)
    inputs = jax.tree.map(jnp.asarray, cast(case.inputs, np.float32))
    return model, inputs, forward_draws(case, model, inputs)


def _call(layer: Layer, model: nn.Module, inputs: tuple[Any, ...], draws: Any) -> Any:
    with nn.providing(draws):
        return layer.cases[0].call(model, *inputs)


@every_layer
@pytest.mark.parametrize("kind", COPIES)
def test_a_copy_is_the_same_module(layer: Layer, kind: str):
    model, inputs, draws = _built(layer)
    twin = COPIES[kind](model)
    assert repr(twin) == repr(model)
    assert twin.training == model.training
    ours, theirs = model.state_dict(), twin.state_dict()
    assert list(ours) == list(theirs)
    for name, array in ours.items():
        np.testing.assert_array_equal(theirs[name], array)
    expected = _call(layer, model, inputs, draws)
    jax.tree.map(
        np.testing.assert_array_equal, _call(layer, twin, inputs, draws), expected
    )


@every_layer
def test_equal_modules_share_one_trace(layer: Layer):
    traces = []

    @partial(jax.jit, static_argnums=0)
    def run(graphdef: Any, state: Any, inputs: Any, draws: Any) -> Any:
        traces.append(None)
        return _call(layer, nnx.merge(graphdef, state), inputs, draws)

    results = []
    for _ in range(2):
        model, inputs, draws = _built(layer)
        graphdef, state = nnx.split(model)
        results.append(run(graphdef, nnx.to_pure_dict(state), inputs, draws))
    assert len(traces) == 1
    jax.tree.map(np.testing.assert_array_equal, *results)


@every_layer
def test_eager_is_compiled(layer: Layer):
    model, inputs, draws = _built(layer)
    graphdef, state = nnx.split(nnx.clone(model))

    @jax.jit
    def run(state: Any, inputs: Any, draws: Any) -> Any:
        return _call(layer, nnx.merge(graphdef, state), inputs, draws)

    compiled = run(state, inputs, draws)
    eager = _call(layer, model, inputs, draws)
    close = partial(np.testing.assert_allclose, rtol=2e-6, atol=max(layer.atol, 1e-6))
    jax.tree.map(close, compiled, eager)


@every_layer
@pytest.mark.parametrize("mode", [True, False])
def test_the_mode_reaches_every_part(layer: Layer, mode: bool):
    model = layer.build(layer.cases[0], Generator(SEED))
    assert model.train(mode) is model
    assert all(part.training == mode for part in model.modules())
