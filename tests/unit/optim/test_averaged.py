# SPDX-License-Identifier: Apache-2.0
"""`averaged`: the average of the parameters, wherever the optimiser is."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from flaxnn import nn, optim
from flaxnn.random import Generator
from flaxnn.training import TrainState, make_train_step

PARAMS = {"fc": {"w": jnp.array([1.0, -2.0]), "b": jnp.array(0.5)}}


def steps(optimizer, count=6, params=PARAMS):
    """The parameters after each update, and the last state."""

    @jax.jit
    def step(params, state, k):
        grads = jax.tree.map(lambda p: jnp.sin(p + k), params)
        updates, state = optimizer.update(grads, state, params, value=jnp.sum(k))
        return optax.apply_updates(params, updates), state

    state, seen = optimizer.init(params), []
    for k in range(count):
        params, state = step(params, state, jnp.float32(k))
        seen.append(params)
    return seen, state


def assert_tree(ours, theirs, **tolerance):
    tolerance = tolerance or {"rtol": 2e-6, "atol": 1e-7}
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, **tolerance), ours, theirs
    )


def mean(trees):
    return jax.tree.map(lambda *leaves: jnp.mean(jnp.stack(leaves), 0), *trees)


def exponential(trees, decay):
    average = trees[0]
    for tree in trees[1:]:
        average = jax.tree.map(lambda a, p: decay * a + (1 - decay) * p, average, tree)
    return average


@pytest.mark.parametrize("decay", [0.0, 0.3, 0.9, 1.0])
def test_an_exponential_average_begins_with_the_first_update(decay):
    seen, state = steps(optim.averaged(optim.adam(lr=0.1), decay))
    assert_tree(optim.averaged_params(state), exponential(seen, decay))


def test_without_a_decay_all_weigh_the_same():
    seen, state = steps(optim.averaged(optim.adam(lr=0.1)))
    assert_tree(optim.averaged_params(state), mean(seen))
    assert int(state.n_averaged) == 6


def test_the_updates_are_the_optimisers():
    plain, inner = steps(optim.adam(lr=0.1))
    seen, state = steps(optim.averaged(optim.adam(lr=0.1)))
    jax.tree.map(np.testing.assert_array_equal, seen, plain)
    jax.tree.map(np.testing.assert_array_equal, state.inner_state, inner)


def test_before_the_first_average_it_is_the_first_parameters():
    optimizer = optim.averaged(optim.sgd(lr=0.1), start=4, every=3)
    for count, averages in ((0, []), (4, []), (6, []), (7, [6]), (10, [6, 9])):
        seen, state = steps(optimizer, count)
        expected = mean([seen[k] for k in averages]) if averages else PARAMS
        assert_tree(optim.averaged_params(state), expected)
        assert int(state.n_averaged) == len(averages)


def wrapped(**kinds):
    """Averages in every place an optimiser can be in."""
    sgd, clip = optim.sgd(lr=0.1, momentum=0.9), optim.clip_grad_norm(0.5)
    rates = optim.lr_scheduler.exponential_lr(0.5)
    groups = {"*.b": optim.sgd(lr=0.01)}
    each = {"*.b": optim.averaged(optim.sgd(lr=0.01), 0.6)}
    return {
        "inside a chain": (
            optim.chain(clip, optim.averaged(sgd, 0.6)),
            optim.chain(clip, sgd),
        ),
        "around a chain": (
            optim.averaged(optim.chain(clip, sgd), 0.6),
            optim.chain(clip, sgd),
        ),
        "inside a schedule": (
            optim.scheduled(optim.averaged(sgd, 0.6), rates),
            optim.scheduled(sgd, rates),
        ),
        "around a schedule": (
            optim.averaged(optim.scheduled(sgd, rates), 0.6),
            optim.scheduled(sgd, rates),
        ),
        "around groups": (
            optim.averaged(optim.param_groups(groups, sgd), 0.6),
            optim.param_groups(groups, sgd),
        ),
        "in each group": (
            optim.param_groups(each, optim.averaged(sgd, 0.6)),
            optim.param_groups(groups, sgd),
        ),
        "of optax's": (
            optim.averaged(optax.adam(0.1), 0.6),
            optax.with_extra_args_support(optax.adam(0.1)),
        ),
    }


@pytest.mark.parametrize("place", wrapped())
def test_it_works_wherever_it_stands(place):
    optimizer, plain = wrapped()[place]
    seen, state = steps(optimizer)
    expected, _ = steps(plain)
    assert_tree(seen, expected)
    assert_tree(optim.averaged_params(state), exponential(expected, 0.6))


def test_a_schedule_around_it_steps_what_is_inside():
    rates = optim.lr_scheduler.exponential_lr(0.5)
    _, state = steps(optim.scheduled(optim.averaged(optim.sgd(lr=1.0)), rates), 3)
    assert float(state.lr) == 0.125


def test_other_numbers_do_not_recompile():
    traces = []

    def step(update, state):
        traces.append(1)
        return update(PARAMS, state, PARAMS)

    compiled = jax.jit(step, static_argnums=0)
    for lr, decay, start in ((0.1, 0.5, 0), (0.2, 0.9, 3)):
        optimizer = optim.averaged(optim.sgd(lr=lr), decay, start=start)
        compiled(optimizer.update, optimizer.init(PARAMS))
    assert len(traces) == 1
    same = [optim.averaged(optim.adam(lr=0.1), 0.9) for _ in range(2)]
    assert same[0] == same[1]
    assert hash(same[0]) == hash(same[1])


def test_averages_of_other_dtypes_keep_them():
    params = {"w": jnp.ones(3, jnp.bfloat16), "b": jnp.ones(2)}
    _, state = steps(optim.averaged(optim.sgd(lr=0.1), 0.9), params=params)
    assert jax.tree.map(lambda a: a.dtype, optim.averaged_params(state)) == {
        "w": jnp.bfloat16,
        "b": jnp.float32,
    }


def test_a_state_gives_the_averaged_model():
    model = nn.Sequential(
        nn.Linear(2, 3, rngs=Generator(0)),
        nn.BatchNorm1d(3),
        nn.Linear(3, 2, rngs=Generator(1)),
    )
    optimizer = optim.averaged(optim.sgd(lr=0.5), 0.5)
    step = jax.jit(
        make_train_step(model, nn.CrossEntropyLoss(), optimizer, accumulate=2)
    )
    state, seen = TrainState.create(model, optimizer, freeze=["0.*"]), []
    x = jnp.asarray(np.random.default_rng(0).normal(size=(8, 2)), jnp.float32)
    for _ in range(4):
        state, _ = step(state, (x, jnp.arange(8) % 2))
        seen.append(state.params)
    last, average = (
        state.to_model(model, averaged=flag).state_dict() for flag in (False, True)
    )
    expected = exponential(seen, 0.5)
    np.testing.assert_allclose(average["2.weight"], expected["2"]["weight"], rtol=1e-5)
    changed = {n for n in last if not np.array_equal(last[n], average[n])}
    assert changed == {"1.weight", "1.bias", "2.weight", "2.bias"}
    plain = TrainState.create(model, optim.sgd())
    with pytest.raises(ValueError, match=r"train with flaxnn\.optim\.averaged"):
        plain.to_model(model, averaged=True)


def test_the_state_in_pytorchs_words_is_the_optimisers():
    optimizer, names = optim.averaged(optim.adam(lr=0.1), 0.9), ["fc.w", "fc.b"]
    _, state = steps(optimizer)
    written = optim.to_torch_state(optimizer, state, names)
    plain = optim.to_torch_state(optim.adam(lr=0.1), state.inner_state, names)
    jax.tree.map(np.testing.assert_array_equal, written, plain)


def test_a_group_without_an_average_is_named():
    optimizer = optim.param_groups(
        {"*.b": optim.sgd()}, default=optim.averaged(optim.sgd())
    )
    with pytest.raises(ValueError, match=r"no average of fc\.b: put averaged around"):
        optim.averaged_params(optimizer.init(PARAMS))


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((optim.sgd,), {}, TypeError, r"expected an optax transformation.*call it"),
        ((optim.sgd(), 1.5), {}, ValueError, "Invalid decay value 1.5 provided"),
        ((optim.sgd(),), {"start": -1}, ValueError, "start must be at least 0"),
        ((optim.sgd(),), {"every": 0}, ValueError, "every must be at least 1"),
        ((optim.sgd(),), {"every": 1.0}, TypeError, "every must be an integer"),
    ],
)
def test_bad_arguments_are_refused(arguments, options, error, message):
    with pytest.raises(error, match=message):
        optim.averaged(*arguments, **options)


def test_an_update_without_parameters_is_refused():
    optimizer = optim.averaged(optim.sgd())
    with pytest.raises(ValueError, match="needs the parameters"):
        optimizer.update(PARAMS, optimizer.init(PARAMS))
