# SPDX-License-Identifier: Apache-2.0
"""Parameter groups: who belongs where, equality, errors."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from flaxnn import nn, optim
from flaxnn.random import Generator
from flaxnn.training import TrainState

PARAMS = {
    "body": {"0": {"weight": jnp.ones((2, 3)), "bias": jnp.ones(2)}},
    "head": {"weight": jnp.ones((1, 2)), "bias": jnp.ones(1)},
}


def used_rates(optimizer, params=PARAMS):
    """The learning rate that each leaf met, for gradients of one."""
    grads = jax.tree.map(jnp.ones_like, params)
    updates, _ = optimizer.update(grads, optimizer.init(params), params)
    return jax.tree.map(lambda u: round(-float(u.reshape(-1)[0]), 6), updates)


def test_the_first_pattern_that_matches_has_the_parameter():
    optimizer = optim.param_groups(
        {"head.*": optim.sgd(lr=0.1), "*.bias": optim.sgd(lr=0.2)},
        default=optim.sgd(lr=0.3),
    )
    assert used_rates(optimizer) == {
        "body": {"0": {"weight": 0.3, "bias": 0.2}},
        "head": {"weight": 0.1, "bias": 0.1},
    }


def test_each_group_has_its_own_optimiser_and_state():
    optimizer = optim.param_groups(
        {"*.bias": optim.adam(lr=0.5)}, default=optim.sgd(lr=0.1, momentum=0.9)
    )
    state = optimizer.init(PARAMS)
    bias, rest = (state.inner_states[i].inner_state for i in range(2))
    assert isinstance(bias, optim.AdamState)
    assert isinstance(rest, optim.SGDState)
    assert len(jax.tree.leaves(bias.exp_avg)) == 2
    assert len(jax.tree.leaves(rest.momentum_buffer)) == 2
    _, state = optimizer.update(PARAMS, state, PARAMS)
    np.testing.assert_array_equal(
        state.inner_states[1].inner_state.momentum_buffer["head"]["weight"],
        np.ones((1, 2)),
    )


def groups(lr=0.1):
    return optim.param_groups(
        {"*.bias": optim.sgd(lr=lr)}, default=optim.adam(lr=lr, weight_decay=0.1)
    )


def test_equal_groups_are_equal_and_hash_equal():
    one, two = groups(), groups()
    assert one == two
    assert hash(one) == hash(two)
    other = groups(0.2)
    assert other != one
    assert other.update == one.update
    swapped = optim.param_groups({"*.weight": optim.sgd(lr=0.1)}, optim.adam(lr=0.1))
    assert swapped.update != one.update


def test_other_learning_rates_do_not_recompile():
    traces = []

    def step(update, state):
        traces.append(1)
        return update(PARAMS, state, PARAMS)

    compiled = jax.jit(step, static_argnums=0)
    for lr in (0.1, 0.2, 0.3):
        compiled(groups(lr).update, groups(lr).init(PARAMS))
    assert len(traces) == 1


def test_the_state_keeps_its_structure_under_jit():
    optimizer = groups()
    state = optimizer.init(PARAMS)
    _, new = jax.jit(optimizer.update)(PARAMS, state, PARAMS)
    assert jax.tree.structure(new) == jax.tree.structure(state)
    assert list(new.inner_states) == [0, 1]


def test_the_names_are_those_of_the_modules():
    generator = Generator(0)
    model = nn.Sequential(
        nn.Linear(3, 2, rngs=generator), nn.ReLU(), nn.Linear(2, 1, rngs=generator)
    )
    optimizer = optim.param_groups({"2.*": optim.sgd(lr=0.5)}, optim.sgd(lr=0.1))
    params = TrainState.create(model, optimizer).params
    rates = used_rates(optimizer, params)
    assert rates["2"] == {"weight": 0.5, "bias": 0.5}
    assert rates["0"] == {"weight": 0.1, "bias": 0.1}


def test_flax_states_and_flat_dictionaries_have_the_same_names():
    optimizer = optim.param_groups({"*.bias": optim.sgd(lr=0.5)}, optim.sgd(lr=0.1))
    flat = {"fc.weight": jnp.ones(2), "fc.bias": jnp.ones(2)}
    assert used_rates(optimizer, flat) == {"fc.weight": 0.1, "fc.bias": 0.5}
    state = nnx.state(nnx.Sequential(nnx.Linear(1, 1, rngs=nnx.Rngs(0))))
    rates = used_rates(optimizer, state)
    assert nnx.to_pure_dict(rates) == {"layers": {0: {"bias": 0.5, "kernel": 0.1}}}


def test_extra_arguments_reach_those_that_take_them():
    def scale(updates, state, params=None, *, factor, **extra):
        return jax.tree.map(lambda u: factor * u, updates), state

    takes = optax.GradientTransformationExtraArgs(optax.identity().init, scale)
    optimizer = optim.param_groups({"*.bias": takes}, default=optax.scale(2.0))
    updates, _ = optimizer.update(PARAMS, optimizer.init(PARAMS), PARAMS, factor=3.0)
    np.testing.assert_array_equal(updates["head"]["bias"], [3.0])
    np.testing.assert_array_equal(updates["head"]["weight"], [[2.0, 2.0]])


def test_set_to_zero_freezes_a_group():
    optimizer = optim.param_groups({"body.*": optax.set_to_zero()}, optim.sgd(lr=0.1))
    assert used_rates(optimizer)["body"]["0"] == {"weight": 0.0, "bias": 0.0}


@pytest.mark.parametrize(
    ("patterns", "default", "message"),
    [
        (["heads.*"], True, r"'heads\.\*' matches no parameter, the nearest is 'head"),
        (["*.bias", "head.bias"], True, "earlier pattern: the first match wins"),
        (["*.bias"], False, r"no pattern matches body\.0\.weight, head\.weight"),
        (["neck.*", "*.bias"], False, r"'neck\.\*' matches no .*; no pattern matches"),
    ],
)
def test_a_pattern_without_a_parameter_and_the_reverse_are_errors(
    patterns, default, message
):
    optimizer = optim.param_groups(
        {pattern: optim.sgd(lr=0.1) for pattern in patterns},
        optim.sgd(lr=0.1) if default else None,
    )
    with pytest.raises(ValueError, match=message):
        optimizer.init(PARAMS)


def test_what_is_not_a_transformation_is_refused():
    with pytest.raises(TypeError, match=r"param_groups' '\*\.bias': expected an optax"):
        optim.param_groups({"*.bias": {"lr": 0.1}})  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="param_groups' default"):
        optim.param_groups({"*": optim.sgd(lr=0.1)}, default=optim.sgd)  # pyright: ignore[reportArgumentType]
