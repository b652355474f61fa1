# SPDX-License-Identifier: Apache-2.0
"""Every module against what PyTorch 2.13.0 recorded; needs no PyTorch."""

from __future__ import annotations

import inspect

import jax
import numpy as np
import pytest

from flaxnn import nn
from flaxnn.random import Generator
from tests.contract import goldens
from tests.contract.bad import BadLayer
from tests.contract.layer import (
    SEED,
    Layer,
    LayerCase,
    Part,
    build_ours,
    evaluate,
    initial,
)
from tests.contract.registry import (
    BAD_LAYER_IDS,
    BAD_LAYERS,
    BUILD_IDS,
    BUILDS,
    LAYERS,
)

GOLDENS = goldens.load()
every_build = pytest.mark.parametrize(("layer", "case"), BUILDS, ids=BUILD_IDS)


def _recorded(layer: Layer, case: LayerCase, part: str) -> dict[str, np.ndarray]:
    prefix = f"nn.{layer.name}/{case.name}/{part}/"
    # The names alone: an array is unpacked each time it is asked for.
    names = [name for name in GOLDENS if name.startswith(prefix)]
    return {name.removeprefix(prefix): GOLDENS[name] for name in names}


@every_build
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_a_seed_gives_pytorchs_state_and_leaves_the_same_generator(
    layer: Layer, case: LayerCase
):
    ours, theirs = initial(layer, case), _recorded(layer, case, "initial")
    assert list(ours) == list(theirs)
    for name, array in theirs.items():
        assert ours[name].dtype.kind == array.dtype.kind
        if layer.state_atol and name != "after":
            np.testing.assert_allclose(ours[name], array, 0, layer.state_atol)
        else:
            np.testing.assert_array_equal(ours[name], array)


@every_build
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_outputs_gradients_and_buffers(layer: Layer, case: LayerCase, dtype: str):
    with jax.enable_x64(dtype == "float64"):
        ours = evaluate(layer, layer.cases, np.dtype(dtype))[case.name]
    theirs = _recorded(layer, case, dtype)
    assert ours.keys() == theirs.keys()
    for name, expected in theirs.items():
        if expected.dtype.kind == "f":
            assert ours[name].dtype == dtype
        layer.assert_close(ours[name], expected, dtype)


@every_build
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_it_prints_as_pytorchs(layer: Layer, case: LayerCase):
    model = layer.build(case, Generator(SEED))
    assert repr(model) == str(GOLDENS[f"nn.{layer.name}/{case.name}/repr"])


def _use(bad: BadLayer) -> None:
    part = Part(bad.layer, *bad.args, **bad.kwargs)
    build_ours(part, Generator(SEED), {})(*bad.inputs)


@pytest.mark.parametrize("bad", BAD_LAYERS, ids=BAD_LAYER_IDS)
def test_bad_options_and_inputs_raise_in_pytorchs_words(bad: BadLayer):
    with pytest.raises(bad.error) as caught:
        _use(bad)
    assert bad.words in str(caught.value)


def test_every_public_module_is_in_the_table():
    public = {
        name
        for name in nn.__all__
        if inspect.isclass(value := getattr(nn, name)) and issubclass(value, nn.Module)
    }
    assert {layer.name for layer in LAYERS} == public - {"Module"}
