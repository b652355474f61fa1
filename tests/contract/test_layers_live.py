# SPDX-License-Identifier: Apache-2.0
"""Every module against the PyTorch that is installed."""

from __future__ import annotations

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from flaxnn import nn  # noqa: E402
from tests.contract import goldens, oracle  # noqa: E402
from tests.contract.bad import BadLayer  # noqa: E402
from tests.contract.case import assert_bfloat16_close  # noqa: E402
from tests.contract.layer import Layer, LayerCase, evaluate, initial  # noqa: E402
from tests.contract.registry import (  # noqa: E402
    BAD_LAYER_IDS,
    BAD_LAYERS,
    BUILD_IDS,
    BUILDS,
    LAYERS,
)

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore:Initializing zero-element tensors"),
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel"),
    pytest.mark.filterwarnings("ignore:LSTM with projections is not supported"),
]
every_build = pytest.mark.parametrize(("layer", "case"), BUILDS, ids=BUILD_IDS)


@every_build
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_initial_state_in_either_dtype(layer: Layer, case: LayerCase, dtype: str):
    theirs = oracle.initial(layer, case)
    options = {"dtype": dtype} if "dtype" in _options(layer) else {}
    if options:
        theirs = oracle.initial(layer, case, dtype=getattr(torch, dtype))
    ours = initial(layer, case, **options)
    assert list(ours) == list(theirs)
    for name, array in theirs.items():
        np.testing.assert_allclose(ours[name], array, 0, layer.state_atol)


def _options(layer: Layer) -> list[str]:
    return list(inspect.signature(getattr(nn, layer.name)).parameters)


@every_build
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_outputs_gradients_and_buffers(layer: Layer, case: LayerCase, dtype: str):
    theirs = oracle.evaluate_layer(layer, case, np.dtype(dtype))
    if goldens.are_recorded(theirs, f"nn.{layer.name}/{case.name}/{dtype}"):
        return
    with jax.enable_x64(dtype == "float64"):
        ours = evaluate(layer, layer.cases, np.dtype(dtype))[case.name]
    assert ours.keys() == theirs.keys()
    for name, expected in theirs.items():
        layer.assert_close(ours[name], expected, dtype)


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_bfloat16(layer: Layer):
    case, dtype = layer.cases[0], jnp.dtype(jnp.bfloat16)
    ours = evaluate(layer, (case,), dtype)[case.name]
    if layer.bfloat16_steps is None:
        with pytest.raises(NotImplementedError, match="BFloat16"):
            oracle.evaluate_layer(layer, case, dtype)
        return
    theirs = oracle.evaluate_layer(layer, case, dtype)
    for name, expected in theirs.items():
        assert_bfloat16_close(ours[name], expected, layer.bfloat16_steps)


@pytest.mark.parametrize("bad", BAD_LAYERS, ids=BAD_LAYER_IDS)
def test_the_recorded_errors_are_pytorchs(bad: BadLayer):
    with pytest.raises(bad.error) as caught:
        oracle.use(bad)
    assert bad.error is type(caught.value)
    assert bad.words in str(caught.value)
