# SPDX-License-Identifier: Apache-2.0
"""Pooling: ties, nan, what is never in a window, and how much work it is."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import flaxnn.functional as F
from flaxnn.functional._windows import adaptive, strided


def test_of_equal_maxima_the_first_gets_the_gradient():
    x = jnp.array([[[1.0, 3.0, 3.0], [3.0, 0.0, 3.0], [2.0, 3.0, 1.0]]])
    gradient = jax.grad(lambda x: F.max_pool2d(x, 3).sum())(x)
    np.testing.assert_array_equal(gradient, [[[0, 1, 0], [0, 0, 0], [0, 0, 0]]])
    gradient = jax.grad(lambda x: F.max_pool2d(x, 2, 1).sum())(x)
    np.testing.assert_array_equal(gradient, [[[0, 2, 0], [1, 0, 1], [0, 0, 0]]])
    gradient = jax.grad(lambda x: F.adaptive_max_pool2d(x, 1).sum())(x)
    np.testing.assert_array_equal(gradient, [[[0, 1, 0], [0, 0, 0], [0, 0, 0]]])


def test_the_last_nan_is_the_maximum():
    x = [[1.0, np.nan, 5.0, np.nan, 2.0]]
    values, indices = F.max_pool1d(x, 5, return_indices=True)
    assert np.isnan(values).all()
    np.testing.assert_array_equal(indices, [[3]])


def test_a_window_without_elements_has_no_gradient():
    # Both its elements, at -1 and at 1, lie outside an input of one.
    x = jnp.array([[[7.0]]])

    def loss(x: jax.Array) -> jax.Array:
        return F.max_pool2d(x, 2, 1, 1, 2).sum()

    value, gradient = jax.value_and_grad(loss)(x)
    assert value == -np.inf
    assert gradient[0, 0, 0] == 0


def test_integers_have_maxima():
    x = np.array([[-5, -7, -9, -2]], np.int8)
    values, indices = F.max_pool1d(x, 2, 2, 1, return_indices=True)
    assert values.dtype == jnp.int8
    np.testing.assert_array_equal(values, [[-5, -7, -2]])
    np.testing.assert_array_equal(indices, [[0, 1, 3]])


def test_means_of_half_precision_are_rounded_once():
    x = np.full((1, 1000), 1.001, np.float16)
    assert F.avg_pool1d(x, 1000)[0, 0] == np.float16(1.001)


def test_the_work_grows_with_the_logarithm_of_a_window():
    def length(kernel: int) -> int:
        x = jnp.zeros((1, 1, 4096))
        run = jax.make_jaxpr(lambda x: F.avg_pool1d(x, kernel, 1))(x)
        return len(run.eqns)

    assert length(2048) < 3 * length(16)


def test_infinities_stay_in_their_windows():
    x = np.array([[np.inf, 1.0, 2.0, 3.0, np.nan]], np.float32)
    np.testing.assert_array_equal(F.avg_pool1d(x, 2, 1), [[np.inf, 1.5, 2.5, np.nan]])
    ours = F.adaptive_avg_pool1d(x, 3)
    np.testing.assert_array_equal(ours, [[np.inf, 2.0, np.nan]])


def test_adaptive_windows_cover_the_input():
    assert adaptive(7, 3).starts == (0, 2, 4)
    assert adaptive(7, 3).lengths == (3, 3, 3)
    assert adaptive(3, 5).starts == (0, 0, 1, 1, 2)
    assert adaptive(3, 5).lengths == (1, 2, 1, 2, 1)
    assert adaptive(4, 0).starts == ()


def test_in_ceil_mode_a_window_starts_in_the_input_or_in_front_of_it():
    assert strided(5, 2, 2, 0, 1, False).starts == (0, 2)
    assert strided(5, 2, 2, 0, 1, True).starts == (0, 2, 4)
    assert strided(4, 2, 3, 1, 1, True).starts == (-1, 2)


def test_no_output_at_all():
    assert F.adaptive_max_pool2d(np.ones((2, 3, 4), np.float32), 0).shape == (2, 0, 0)


def test_indices_under_vmap():
    x = np.random.default_rng(0).normal(size=(4, 2, 3, 6, 6)).astype(np.float32)

    def pool(x: jax.Array) -> tuple[jax.Array, jax.Array]:
        return F.max_pool2d(x, 3, 2, 1, return_indices=True)

    mapped = jax.vmap(pool)(x)
    for lane, sample in enumerate(x):
        for ours, alone in zip(mapped, pool(jnp.asarray(sample)), strict=True):
            np.testing.assert_array_equal(ours[lane], alone)


def test_unpooling_undoes_pooling_up_to_zeros():
    x = np.random.default_rng(0).normal(size=(2, 3, 7, 6)).astype(np.float32)
    values, indices = F.max_pool2d(x, 2, return_indices=True)
    back = F.max_unpool2d(values, indices, 2, output_size=(7, 6))
    assert back.shape == x.shape
    kept = np.asarray(back != 0)
    np.testing.assert_array_equal(np.asarray(back)[kept], x[kept])
    assert kept.sum() == values.size


@pytest.mark.parametrize("index", [4, -1])
def test_a_traced_index_outside_poisons_the_output(index: int):
    x, where = np.ones((1, 2), np.float32), np.array([[0, index]])
    with pytest.raises(RuntimeError, match="Found an invalid max index"):
        F.max_unpool1d(x, where, 2)
    assert np.isnan(jax.jit(lambda x, i: F.max_unpool1d(x, i, 2))(x, where)).all()
