# SPDX-License-Identifier: Apache-2.0
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
def test_a_copy_is_the_same_module(layer: Layer):
    model, inputs, draws = _built(layer)
    # Before the call, which moves buffers.
    twins = {kind: copied(model) for kind, copied in COPIES.items()}
    ours = model.state_dict()
    for kind, twin in twins.items():
        assert repr(twin) == repr(model), kind
        assert twin.training == model.training, kind
        theirs = twin.state_dict()
        assert list(ours) == list(theirs), kind
        for name, array in ours.items():
            np.testing.assert_array_equal(theirs[name], array, err_msg=kind)
    expected = _call(layer, model, inputs, draws)
    equal = np.testing.assert_array_equal
    for kind, twin in twins.items():
        result = _call(layer, twin, inputs, draws)
        jax.tree.map(partial(equal, err_msg=kind), result, expected)


@every_layer
def test_equal_modules_share_one_trace_which_is_eager(layer: Layer):
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
    eager = _call(layer, model, inputs, draws)
    close = partial(np.testing.assert_allclose, rtol=2e-6, atol=max(layer.atol, 1e-6))
    jax.tree.map(close, results[0], eager)


@every_layer
@pytest.mark.parametrize("mode", [True, False])
def test_the_mode_reaches_every_part(layer: Layer, mode: bool):
    model = layer.build(layer.cases[0], Generator(SEED))
    assert model.train(mode) is model
    assert all(part.training == mode for part in model.modules())
