# SPDX-License-Identifier: Apache-2.0
"""`make_train_step`: pure, exportable, at HIGHEST precision."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from flaxnn import models, nn, optim
from flaxnn.random import Generator
from flaxnn.training import TrainState, make_train_step


def parts(optimizer=None):
    model = models.NeuralNetwork(rngs=Generator(0))
    optimizer = optimizer or optim.adam(lr=0.01)
    step = make_train_step(model, nn.CrossEntropyLoss(), optimizer)
    return step, TrainState.create(model, optimizer)


def batch(size: int = 2):
    images = np.random.default_rng(0).random((size, 28, 28), np.float32)
    return jnp.asarray(images), jnp.arange(size) % 10


def test_a_step_is_pure():
    step, state = parts()
    first, a = step(state, batch())
    second, b = step(state, batch())
    jax.tree.map(np.testing.assert_array_equal, (first, a), (second, b))
    assert int(state.step) == 0
    assert int(first.step) == 1


def test_steps_can_be_scanned_and_vmapped():
    step, state = parts(optim.sgd(lr=0.01))
    images, labels = batch(6)
    batches = images.reshape(3, 2, 28, 28), labels.reshape(3, 2)
    scanned, metrics = jax.jit(lambda s: jax.lax.scan(step, s, batches))(state)
    looped = state
    for x, y in zip(*batches, strict=True):
        looped, _ = step(looped, (x, y))
    assert metrics["loss"].shape == (3,)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-7),
        scanned.params,
        looped.params,
    )
    many = jax.vmap(step, in_axes=(None, 0))(state, batches)
    assert many[1]["loss"].shape == (3,)


@pytest.mark.parametrize("platform", ["cpu", "cuda", "tpu"])
def test_the_exported_step_asks_for_highest_precision(platform):
    step, state = parts()
    leaves, treedef = jax.tree.flatten(state)

    def on_leaves(leaves, x, y):
        new, metrics = step(treedef.unflatten(leaves), (x, y))
        return jax.tree.leaves(new), metrics["loss"]

    exported = jax.export.export(jax.jit(on_leaves), platforms=[platform])(
        leaves, *batch()
    )
    text = exported.mlir_module()
    dots = re.findall(r"stablehlo\.dot_general.*", text)
    # Three layers forward, three gradients of weights, two of inputs.
    assert len(dots) == 8
    assert all(dot.count("HIGHEST") == 2 for dot in dots), dots
    assert "f64" not in text


def test_the_model_comes_back_from_the_state():
    _, state = parts()
    model = models.NeuralNetwork(rngs=Generator(1))
    copy = state.to_model(model)
    expected = models.NeuralNetwork(rngs=Generator(0)).state_dict()
    for name, value in copy.state_dict().items():
        np.testing.assert_array_equal(value, expected[name])
