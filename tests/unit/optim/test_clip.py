# SPDX-License-Identifier: Apache-2.0
"""Gradient clipping: known values, state, transformations, arguments."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from flaxnn import optim

GRADS = {"w": jnp.array([3.0, 0.0]), "b": jnp.array(-4.0)}


def update(clip, grads=GRADS):
    return clip.update(grads, clip.init(grads))


def test_the_coefficient_has_1e_6_in_the_denominator():
    small = jax.tree.map(lambda g: g * 1e-6, GRADS)
    clipped, state = update(optim.clip_grad_norm(1e-6), small)
    np.testing.assert_allclose(state.total_norm, 5e-6, rtol=1e-6)
    np.testing.assert_allclose(clipped["w"], [3e-6 / 6, 0.0], rtol=1e-6)


def test_gradients_within_the_norm_are_left_alone():
    clipped, state = update(optim.clip_grad_norm(5.1))
    assert float(state.total_norm) == 5.0
    jax.tree.map(np.testing.assert_array_equal, clipped, GRADS)


@pytest.mark.parametrize(
    ("norm_type", "norm"), [(1, 7.0), (2, 5.0), (float("inf"), 4.0), (0, 2.0)]
)
def test_the_norm_is_over_all_leaves(norm_type, norm):
    _, state = update(optim.clip_grad_norm(1.0, norm_type))
    np.testing.assert_allclose(state.total_norm, norm, rtol=1e-6)


def test_another_bound_neither_recompiles_nor_makes_another_update():
    traces = []

    def step(update, state):
        traces.append(1)
        return update(GRADS, state)

    compiled = jax.jit(step, static_argnums=0)
    for make in (optim.clip_grad_norm, optim.clip_grad_value):
        traces.clear()
        first = {
            float(compiled(make(bound).update, make(bound).init(GRADS))[0]["b"])
            for bound in (0.5, 1.0, 2.0)
        }
        assert len(traces) == 1
        assert len(first) == 3
        assert make(1.0) == make(1.0)
        assert hash(make(1.0)) == hash(make(1.0))
        assert make(1.0) != make(2.0)
    norm = optim.clip_grad_norm
    assert norm(1.0, 2).update == norm(3.0, 2.0).update
    assert norm(1.0, 2).update != norm(1.0, 1).update
    assert norm(1.0).update != norm(1.0, error_if_nonfinite=True).update


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_norm_that_is_not_finite_raises_where_it_is_asked_for(bad):
    grads = {**GRADS, "b": jnp.array(bad)}
    clip = optim.clip_grad_norm(1.0, error_if_nonfinite=True)
    with pytest.raises(RuntimeError, match=r"order 2\.0 .* is non-finite"):
        update(clip, grads)
    with pytest.raises(RuntimeError, match="set `error_if_nonfinite=False`"):
        jax.block_until_ready(jax.jit(clip.update)(grads, clip.init(grads)))
    scaled, _ = update(optim.clip_grad_norm(1.0), grads)
    assert np.isnan(scaled["b"])


def test_a_finite_norm_passes_the_check_in_every_transformation():
    clip = optim.clip_grad_norm(1.0, error_if_nonfinite=True)
    expected, _ = update(optim.clip_grad_norm(1.0))
    eager, _ = update(clip)
    compiled, _ = jax.jit(clip.update)(GRADS, clip.init(GRADS))
    jax.tree.map(np.testing.assert_array_equal, eager, expected)
    jax.tree.map(np.testing.assert_array_equal, compiled, expected)
    twice = jax.tree.map(lambda g: jnp.stack([g, g]), GRADS)
    mapped, _ = jax.vmap(lambda g: update(clip, g))(twice)
    np.testing.assert_array_equal(mapped["w"][1], expected["w"])


def test_the_state_keeps_its_shape_in_a_scan():
    clip = optim.clip_grad_norm(1.0)
    many = jax.tree.map(lambda g: jnp.stack([g, 2 * g]), GRADS)

    def step(state, grads):
        _, state = clip.update(grads, state)
        return state, state.total_norm

    _, norms = jax.lax.scan(step, clip.init(GRADS), many)
    np.testing.assert_allclose(norms, [5.0, 10.0], rtol=1e-6)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_kept_and_the_norm_is_wide(dtype):
    grads = jax.tree.map(lambda g: (200 * g).astype(dtype), GRADS)
    clipped, state = update(optim.clip_grad_norm(1.0), grads)
    # The squares are beyond float16.
    assert float(state.total_norm) == 1000.0
    assert clipped["w"].dtype == dtype
    clipped, _ = update(optim.clip_grad_value(1.0), grads)
    assert clipped["w"].dtype == dtype


@pytest.mark.parametrize("name", ["clip_grad_norm", "clip_grad_value"])
def test_parameters_in_place_of_the_bound_are_explained(name):
    with pytest.raises(TypeError, match=rf"chain\(optim\.{name}\(1\.0\), optim\.sgd"):
        getattr(optim, name)(iter([1]))
