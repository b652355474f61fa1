# SPDX-License-Identifier: Apache-2.0
"""Optimisers: known facts of their formulas; tests/contract has the rest."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from flaxnn import optim

PARAMS = {"w": jnp.array([1.0, -2.0]), "b": jnp.array(0.5)}
GRADS = {"w": jnp.array([0.25, 1.0]), "b": jnp.array(-1.0)}

OPTIONS = [
    (optim.sgd, {}),
    (optim.sgd, {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1}),
    (optim.sgd, {"momentum": 0.9, "nesterov": True, "maximize": True}),
    (optim.adam, {}),
    (optim.adam, {"weight_decay": 0.1, "amsgrad": True}),
    (optim.adam, {"weight_decay": 0.1, "decoupled_weight_decay": True}),
]


def run(optimizer, params=PARAMS, grads=GRADS, steps=3):
    state = optimizer.init(params)
    for _ in range(steps):
        updates, state = optimizer.update(grads, state, params)
        params = optax.apply_updates(params, updates)
    return params, state


def test_options_that_change_the_program_change_the_update():
    plain = optim.sgd(0.1)
    assert plain.update != optim.sgd(0.1, momentum=0.9).update
    assert plain.update != optim.sgd(0.1, maximize=True).update
    assert optim.adam().update != optim.adam(amsgrad=True).update
    assert optim.adam().update != optim.adam(decoupled_weight_decay=True).update


@pytest.mark.parametrize(("make", "options"), OPTIONS)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_dtypes_are_kept(make, options, dtype):
    cast = lambda tree: jax.tree.map(lambda x: x.astype(dtype), tree)  # noqa: E731
    params, state = run(make(lr=0.1, **options), cast(PARAMS), cast(GRADS))
    expected, _ = run(make(lr=0.1, **options))
    for name in PARAMS:
        assert params[name].dtype == dtype
        np.testing.assert_allclose(
            params[name].astype("float32"), expected[name], rtol=0.02
        )
    floats = [x for x in jax.tree.leaves(state[1:-1]) if x.dtype != "int32"]
    assert all(x.dtype == dtype for x in floats)


@pytest.mark.parametrize(("make", "options"), OPTIONS)
def test_float64_is_kept_under_x64(make, options):
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda x: jnp.asarray(np.asarray(x, np.float64)), PARAMS)
        params, state = run(make(lr=0.1, **options), wide, wide)
        assert params["w"].dtype == np.float64
        assert state.hyperparams["lr"].dtype == np.float64


def test_dampening_starts_with_the_second_update():
    params, state = run(optim.sgd(1.0, momentum=0.5, dampening=0.25), steps=2)
    buffer = 0.5 * GRADS["w"] + 0.75 * GRADS["w"]
    np.testing.assert_allclose(state.momentum_buffer["w"], buffer, rtol=1e-6)
    np.testing.assert_allclose(
        params["w"], PARAMS["w"] - GRADS["w"] - buffer, rtol=1e-6
    )


def test_adam_adds_eps_outside_the_root():
    # With one gradient g, m and v are corrected to g and g²: lr·g / (|g| + eps).
    params, _ = run(optim.adam(lr=1.0, eps=0.5), steps=1)
    expected = PARAMS["w"] - GRADS["w"] / (jnp.abs(GRADS["w"]) + 0.5)
    np.testing.assert_allclose(params["w"], expected, rtol=1e-6)


def test_coupled_decay_enters_the_moments_and_decoupled_does_not():
    zero = jax.tree.map(jnp.zeros_like, GRADS)
    coupled, _ = run(optim.adam(0.1, weight_decay=0.5), grads=zero, steps=1)
    np.testing.assert_allclose(coupled["w"], [0.9, -1.9], rtol=1e-6)
    decoupled, state = run(
        optim.adam(0.1, weight_decay=0.5, decoupled_weight_decay=True),
        grads=zero,
        steps=1,
    )
    np.testing.assert_allclose(decoupled["w"], 0.95 * PARAMS["w"], rtol=1e-6)
    np.testing.assert_array_equal(state.exp_avg["w"], np.zeros(2))


@pytest.mark.parametrize("steps", [1, 10, 100_000])
def test_the_bias_correction_is_accurate_in_float32(steps):
    optimizer = optim.adam(lr=1.0, eps=0.0)
    state = optimizer.init(PARAMS)._replace(step=jnp.asarray(steps - 1))
    state = state._replace(
        exp_avg=jax.tree.map(jnp.zeros_like, PARAMS),
        exp_avg_sq=jax.tree.map(jnp.zeros_like, PARAMS),
    )
    updates, _ = optimizer.update(GRADS, state, PARAMS)
    corrected = (1 - 0.9) / -math.expm1(steps * math.log(0.9))
    root = math.sqrt((1 - 0.999) / -math.expm1(steps * math.log(0.999)))
    np.testing.assert_allclose(updates["b"], corrected / root, rtol=1e-6)


def test_it_works_in_an_optax_chain():
    chain = optax.chain(optax.clip_by_global_norm(0.1), optim.sgd(1.0))
    params, _ = run(chain, steps=1)
    moved = jax.tree.map(lambda a, b: a - b, PARAMS, params)
    assert optax.tree.norm(moved) == pytest.approx(0.1, rel=1e-5)


def test_a_learning_rate_of_nan_is_refused_where_pytorchs_sgd_takes_it():
    with pytest.raises(ValueError, match="Invalid learning rate: nan"):
        optim.sgd(lr=math.nan)


def test_parameters_in_place_of_the_learning_rate_are_explained():
    with pytest.raises(TypeError, match=r"stands for optim\.SGD\(model\.parameters"):
        optim.sgd(iter([1]))


def test_decay_without_parameters_says_what_to_pass():
    optimizer = optim.sgd(0.1, weight_decay=0.1)
    with pytest.raises(ValueError, match="update\\(grads, state, params\\)"):
        optimizer.update(GRADS, optimizer.init(PARAMS))
