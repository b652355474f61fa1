# SPDX-License-Identifier: Apache-2.0
"""Embedding and Bilinear as modules."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from flaxnn import nn
from flaxnn.random import Generator


def test_the_padding_row_is_drawn_and_then_set_to_zeros():
    plain = nn.Embedding(5, 3, rngs=Generator(0)).state_dict()["weight"]
    padded = nn.Embedding(5, 3, padding_idx=-4, rngs=Generator(0)).state_dict()[
        "weight"
    ]
    np.testing.assert_array_equal(padded[1], np.zeros(3))
    np.testing.assert_array_equal(np.delete(padded, 1, 0), np.delete(plain, 1, 0))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_dtype_is_kept_where_the_padding_row_is_set(dtype):
    layer = nn.Embedding(4, 2, 0, rngs=Generator(0), dtype=dtype)
    assert layer.weight.dtype == dtype


def test_a_pretrained_table_is_taken_as_it_is():
    table = np.arange(6, dtype=np.float32).reshape(3, 2)
    frozen = nn.Embedding.from_pretrained(table, padding_idx=1)
    assert repr(frozen) == "Embedding(3, 2, padding_idx=1)"
    np.testing.assert_array_equal(frozen.state_dict()["weight"], table)
    assert not list(frozen.parameters())
    trained = nn.Embedding.from_pretrained(table, freeze=False)
    assert [name for name, _ in trained.named_parameters()] == ["weight"]
    np.testing.assert_array_equal(trained([2]), table[[2]])
    with pytest.raises(AssertionError, match="expected to be 2-dimensional"):
        nn.Embedding.from_pretrained(table[0])


def test_what_cannot_be_pure_is_refused_on_the_call():
    for options in ({"max_norm": 1.0}, {"sparse": True}):
        layer = nn.Embedding(4, 2, rngs=Generator(0), **options)
        assert "max_norm=1.0" in repr(layer) or "sparse=True" in repr(layer)
        with pytest.raises(ValueError, match=next(iter(options))):
            layer(jnp.array([0]))


def test_jax_keys_draw_from_the_same_distributions():
    table = np.asarray(nn.Embedding(400, 50, rngs=nnx.Rngs(0)).weight.get_value())
    assert abs(table.mean()) < 0.02
    assert abs(table.std() - 1) < 0.02
    weight = nn.Bilinear(16, 40, 20, rngs=nnx.Rngs(0)).weight.get_value()
    assert float(jnp.abs(weight).max()) <= 0.25
    assert abs(float(weight.std()) - 0.25 / np.sqrt(3)) < 0.005


def test_lookups_under_jit_and_gradients_reach_the_table():
    layer = nn.Embedding(4, 2, padding_idx=0, rngs=Generator(0))
    graphdef, params = nnx.split(layer)

    @jax.jit
    @jax.grad
    def gradient(params, indices):
        return nnx.merge(graphdef, params)(indices).sum()

    (rows,) = jax.tree.leaves(gradient(params, jnp.array([0, 3, 3])))
    np.testing.assert_array_equal(rows, [[0, 0], [0, 0], [0, 0], [2, 2]])
