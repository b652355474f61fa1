# SPDX-License-Identifier: Apache-2.0
"""The batch's objective for optimisers that evaluate it again."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import flaxnn
from flaxnn import nn, optim
from flaxnn.random import Generator
from flaxnn.training import TrainState, fit_many, make_train_step

_stream = np.random.RandomState(0)
DATA = _stream.randn(20, 4).astype(np.float32), _stream.randint(0, 3, 20)
LOSS = nn.CrossEntropyLoss()


def net(middle=None, seed=0):
    layers = [] if middle is None else [middle]
    return nn.Sequential(*layers, nn.Linear(4, 3, rngs=Generator(seed)))


def fit(model, optimizer, steps=3, **options):
    return flaxnn.fit(
        model, DATA, loss=LOSS, optimizer=optimizer, steps=steps, **options
    )


def looking(updates, state, params, *, value, grad, value_fn, **extra):
    """Descent whose state is how far what it is given is from the objective."""
    again, slope = jax.value_and_grad(value_fn)(params)
    lower = value_fn(jax.tree.map(lambda p, g: p - 0.1 * g, params, grad))
    off = jax.tree.map(lambda a, b: jnp.abs(a - b).max(), (again, slope), (value, grad))
    state = jnp.stack([*jax.tree.leaves(off), value - lower])
    return jax.tree.map(lambda u: -0.1 * u, updates), state


def test_the_objective_is_that_of_the_batch():
    looks = optax.GradientTransformationExtraArgs(lambda params: jnp.zeros(6), looking)
    # The same draws and the buffers before the step, at each evaluation.
    model = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(4), net())
    run = fit(model, looks, steps=1, rngs=Generator(0))
    *off, sunk = run.state.train.opt_state.tolist()
    assert max(off) < 1e-6
    assert sunk > 0


def test_optax_lbfgs_is_given_what_it_asks_for():
    model, optimizer = net(), optax.lbfgs()
    step = make_train_step(model, LOSS, optimizer)
    state = TrainState.create(model, optimizer)
    after, _ = jax.eval_shape(step, state, tuple(map(jnp.asarray, DATA)))
    assert jax.tree.structure(after) == jax.tree.structure(state)


def test_lanes_are_single_runs():
    optimizers = [optim.lbfgs(lr=lr, max_iter=3) for lr in (0.1, 1.0)]
    models = [net(seed=seed) for seed in (1, 2)]
    lanes = fit_many(models, DATA, loss=LOSS, optimizer=optimizers, steps=3)
    for lane, model, optimizer in zip(lanes, models, optimizers, strict=True):
        alone = fit(model, optimizer)
        np.testing.assert_allclose(
            lane.history["loss"], alone.history["loss"], rtol=1e-5
        )


@pytest.mark.parametrize(
    ("middle", "words"),
    [
        (nn.Dropout(0.5), r"draws numbers in its forward pass \(bernoulli\)"),
        (nn.Dropout(0.5, rngs=nnx.Rngs(0)), r"moves 0\.keys\.count"),
        (nn.BatchNorm1d(4), r"moves 0\.num_batches_tracked, 0\.running_mean"),
    ],
    ids=["dropout", "dropout-of-keys", "batch-norm"],
)
def test_a_model_that_another_evaluation_would_change_is_refused(middle, words):
    generator = Generator(3)
    before = generator.get_state()
    with pytest.raises(ValueError, match=words):
        fit(net(middle), optim.lbfgs(), rngs=generator)
    np.testing.assert_array_equal(generator.get_state(), before)
    # The step alone says so, too.
    optimizer = optim.scheduled(optim.lbfgs(), optim.lr_scheduler.step_lr(2))
    model = net(middle)
    step = make_train_step(model, LOSS, optimizer)
    state = TrainState.create(model, optimizer)
    with pytest.raises(ValueError, match=words):
        jax.eval_shape(step, state, tuple(map(jnp.asarray, DATA)))


def test_micro_batches_are_refused():
    for optimizer in (optim.lbfgs(), optax.lbfgs()):
        with pytest.raises(ValueError, match="needs the whole batch at once, got acc"):
            fit(net(), optimizer, accumulate=2)


def test_a_part_of_the_parameters_is_refused():
    masked = optax.masked(
        optim.lbfgs(), lambda tree: jax.tree.map(lambda leaf: leaf.ndim == 2, tree)
    )
    with pytest.raises(ValueError, match="needs all trained parameters"):
        fit(net(), masked)
