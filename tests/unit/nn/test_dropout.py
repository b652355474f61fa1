# SPDX-License-Identifier: Apache-2.0
"""Dropout as a module: PyTorch's masks, masks from JAX keys, none at all."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from flaxnn import nn
from flaxnn.random import Generator

ONES = np.ones((3, 5), np.float32)


def test_drawing_takes_the_masks_from_the_generator_in_order():
    model = nn.Sequential(nn.Dropout(0.5), nn.Identity(), nn.Dropout(0.25))
    generator, expected = Generator(0), Generator(0)
    with nn.drawing(generator):
        y = model(ONES)
    first = expected.bernoulli(0.5, (3, 5))
    second = expected.bernoulli(0.75, (3, 5))
    np.testing.assert_allclose(y, first * second * 2 / np.float32(0.75), rtol=1e-6)
    np.testing.assert_array_equal(generator.get_state(), expected.get_state())


def test_drawing_follows_a_gradient_and_refuses_to_be_compiled():
    layer = nn.Dropout(0.5)
    with nn.drawing(Generator(0)):
        gradient = jax.grad(lambda x: layer(x).sum())(jnp.asarray(ONES))
    mask = Generator(0).bernoulli(0.5, (3, 5))
    np.testing.assert_array_equal(gradient, 2 * mask)
    generator = Generator(0)
    with nn.drawing(generator), pytest.raises(RuntimeError, match=r"inside jax\.jit"):
        jax.jit(lambda x: layer(x))(ONES)
    assert generator.words_drawn == 0


def test_a_call_in_training_outside_of_everything_says_what_to_do():
    with pytest.raises(RuntimeError, match=r"nn\.drawing\(generator\).*nnx\.Rngs"):
        nn.Dropout()(ONES)
    np.testing.assert_array_equal(nn.Dropout().eval()(ONES), ONES)


def test_drawing_needs_a_generator():
    with (
        pytest.raises(TypeError, match=r"takes a flaxnn\.random\.Generator, got int"),
        nn.drawing(0),
    ):
        pass


def test_a_layer_keeps_no_generator():
    generator = Generator(0)
    layer = nn.Dropout(rngs=generator)
    assert generator.words_drawn == 0
    graphdef, state = nnx.split(layer)
    assert hash(graphdef) == hash(nnx.split(nn.Dropout())[0])
    assert not jax.tree.leaves(state)


def test_an_older_pytorchs_mask_is_one_word():
    generator = Generator(0, torch_version="2.6")
    expected = Generator(0, torch_version="2.6").bernoulli(0.5, (3, 5))
    with nn.drawing(generator):
        y = nn.Dropout()(ONES)
    assert generator.words_drawn == 1
    np.testing.assert_array_equal(y, 2 * expected)
    assert not np.array_equal(expected, Generator(0).bernoulli(0.5, (3, 5)))


def test_jax_keys_give_masks_anywhere():
    layer = nn.Dropout(0.25, rngs=nnx.Rngs(0))
    x = np.ones(4000, np.float32)
    first, second = layer(x), layer(x)
    assert not np.array_equal(first, second)
    assert set(np.unique(first)) == {0.0, np.float32(1) / np.float32(0.75)}
    assert abs(float((first == 0).mean()) - 0.25) < 0.03
    again = nn.Dropout(0.25, rngs=nnx.Rngs(0))
    np.testing.assert_array_equal(again(x), first)
    assert repr(layer) == "Dropout(p=0.25, inplace=False)"
    assert not list(layer.named_children())
    assert not layer.state_dict()


def test_jax_keys_have_a_stream_of_their_own():
    one, two = nnx.Rngs(params=0, dropout=1), nnx.Rngs(params=7, dropout=1)
    x = np.ones(64, np.float32)
    masks = [nn.Dropout(rngs=rngs)(x) for rngs in (one, two)]
    np.testing.assert_array_equal(*masks)
    other = nn.Dropout(rngs=nnx.Rngs(params=0, dropout=2))(x)
    assert not np.array_equal(masks[0], other)


def test_jax_keys_are_compiled_and_their_stream_moves_on():
    layer, eager = nn.Dropout(rngs=nnx.Rngs(0)), nn.Dropout(rngs=nnx.Rngs(0))
    run = nnx.jit(lambda layer, x: layer(x))
    for _ in range(2):
        np.testing.assert_array_equal(run(layer, ONES), eager(ONES))


@pytest.mark.parametrize("rngs", [0, jax.random.key(0), np.random.default_rng(0)])
def test_other_sources_are_refused(rngs):
    with pytest.raises(TypeError, match="rngs must be"):
        nn.Dropout(rngs=rngs)


def test_inplace_is_refused():
    with pytest.raises(ValueError, match="inplace=True"):
        nn.Dropout(0.5, True)
