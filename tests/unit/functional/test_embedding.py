# SPDX-License-Identifier: Apache-2.0
"""Embedding and one-hot: indices under transformations, options that are refused."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import flaxnn.functional as F

TABLE = np.arange(8, dtype=np.float32).reshape(4, 2)


@pytest.mark.parametrize("index", [4, -1, -5])
def test_an_index_out_of_range_is_an_error_or_nan(index):
    with pytest.raises(IndexError, match=f"index out of range in self.*got {index}"):
        F.embedding([0, index], TABLE)
    y = jax.jit(F.embedding)(jnp.array([0, index]), TABLE)
    np.testing.assert_array_equal(y, [[0.0, 1.0], [np.nan, np.nan]])
    integers = jax.jit(F.embedding)(jnp.array([0, index]), TABLE.astype(np.int32))
    np.testing.assert_array_equal(integers[1], 2 * [np.iinfo(np.int32).min])


def test_the_padding_row_has_no_gradient_and_its_value_is_kept():
    def total(table):
        return F.embedding([1, 2, 1], table, padding_idx=-3).sum()

    value, gradient = jax.value_and_grad(total)(jnp.asarray(TABLE))
    assert value == 5 + 9 + 5
    np.testing.assert_array_equal(gradient, [[0, 0], [0, 0], [1, 1], [0, 0]])


def test_options_that_change_the_table_or_the_gradients_kind_are_refused():
    with pytest.raises(ValueError, match=r"max_norm=1\.0"):
        F.embedding([0], TABLE, max_norm=1.0)
    with pytest.raises(ValueError, match="gradients are dense"):
        F.embedding([0], TABLE, sparse=True)


def test_one_hot_finds_the_number_of_classes():
    np.testing.assert_array_equal(F.one_hot([1, 0]), [[0, 1], [1, 0]])
    assert F.one_hot(np.array([[3]])).shape == (1, 1, 4)
    assert F.one_hot(np.array(2)).shape == (3,)


def test_one_hot_of_traced_indices_needs_the_number_of_classes():
    with pytest.raises(TypeError, match="pass num_classes, got -1"):
        jax.jit(F.one_hot)(jnp.array([1]))
    rows = jax.jit(lambda x: F.one_hot(x, 3))(jnp.array([1, 3, -1]))
    lowest = np.iinfo(rows.dtype).min
    np.testing.assert_array_equal(rows, [[0, 1, 0], [lowest] * 3, [lowest] * 3])


def test_one_hot_is_int64_where_jax_has_it():
    assert F.one_hot([0]).dtype == jnp.int32
    with jax.enable_x64(True):
        assert F.one_hot([0]).dtype == jnp.int64
