# SPDX-License-Identifier: Apache-2.0
"""Chains: optax's numbers, equality, extra arguments."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from flaxnn import optim

PARAMS = {"w": jnp.array([1.0, -2.0]), "b": jnp.array(0.5)}
GRADS = {"w": jnp.array([0.25, 1.0]), "b": jnp.array(-1.0)}


def parts(lr=0.1, bound=0.5):
    return optim.clip_grad_norm(bound), optim.adam(lr=lr, weight_decay=0.1)


def test_it_does_what_optax_does():
    ours, theirs = optim.chain(*parts()), optax.chain(*parts())
    state, expected_state = ours.init(PARAMS), theirs.init(PARAMS)
    for _ in range(3):
        new, state = ours.update(GRADS, state, PARAMS)
        expected, expected_state = theirs.update(GRADS, expected_state, PARAMS)
        jax.tree.map(np.testing.assert_array_equal, new, expected)
    jax.tree.map(np.testing.assert_array_equal, state, expected_state)


def test_chains_of_equal_parts_are_equal_and_hash_equal():
    one, two = optim.chain(*parts()), optim.chain(*parts())
    assert one == two
    assert hash(one) == hash(two)
    other = optim.chain(*parts(lr=0.2))
    assert other != one
    assert other.update == one.update
    assert optim.chain(*reversed(parts())).update != one.update


def test_other_numbers_do_not_recompile():
    traces = []

    def step(update, state):
        traces.append(1)
        return update(GRADS, state, PARAMS)

    compiled = jax.jit(step, static_argnums=0)
    for lr in (0.1, 0.2, 0.3):
        optimizer = optim.chain(*parts(lr, bound=lr))
        compiled(optimizer.update, optimizer.init(PARAMS))
    assert len(traces) == 1


def test_extra_arguments_reach_those_that_take_them():
    def scale(updates, state, params=None, *, factor, **extra):
        return jax.tree.map(lambda u: factor * u, updates), state

    takes = optax.GradientTransformationExtraArgs(optax.identity().init, scale)
    chain = optim.chain(optax.scale(2.0), takes, optim.sgd(lr=1.0))
    updates, _ = chain.update(GRADS, chain.init(PARAMS), PARAMS, factor=3.0)
    np.testing.assert_array_equal(updates["w"], -6.0 * GRADS["w"])


def test_no_part_leaves_the_gradients():
    chain = optim.chain()
    assert chain.update(GRADS, chain.init(PARAMS)) == (GRADS, ())


def test_a_state_of_another_chain_is_refused():
    chain = optim.chain(*parts())
    with pytest.raises(ValueError, match="has 2 transformations and the state is of 1"):
        chain.update(GRADS, chain.init(PARAMS)[:1], PARAMS)


def test_what_is_not_a_transformation_is_refused():
    with pytest.raises(TypeError, match=r"argument 1: .* got function; call it: sgd"):
        optim.chain(optim.clip_grad_value(1.0), optim.sgd)  # pyright: ignore[reportArgumentType]
