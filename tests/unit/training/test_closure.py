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


def test_optax_lbfgs_is_given_what_it_asks_for():
    run = fit(net(), optax.lbfgs())
    model = net()
    graphdef, params = nnx.split(model)
    params = nnx.to_pure_dict(params)

    def objective(params):
        return LOSS(nnx.merge(graphdef, params)(DATA[0]), DATA[1])

    @jax.jit
    def step(params, state):
        value, grad = jax.value_and_grad(objective)(params)
        updates, state = optimizer.update(
            grad, state, params, value=value, grad=grad, value_fn=objective
        )
        return optax.apply_updates(params, updates), state, value

    optimizer, losses = optax.lbfgs(), []
    state = optimizer.init(params)
    for _ in range(3):
        params, state, value = step(params, state)
        losses.append(value)
    np.testing.assert_allclose(run.history["loss"], losses, rtol=1e-5)
    assert run.history["loss"][2] < run.history["loss"][1] < run.history["loss"][0]


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
