# SPDX-License-Identifier: Apache-2.0
"""linear and flatten: precision, layout, what broadcasts."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import flaxnn.functional as F

X = np.arange(6, dtype=np.float32).reshape(2, 3)
W = np.arange(12, dtype=np.float32).reshape(4, 3)


def test_the_weight_is_out_features_by_in_features():
    np.testing.assert_array_equal(F.linear(X, W), X @ W.T)
    np.testing.assert_array_equal(F.linear(X, W, np.float32(1)), X @ W.T + 1)


def _lowered(**options: Any) -> str:
    return jax.jit(lambda x, w: F.linear(x, w, **options)).lower(X, W).as_text()


def test_the_product_asks_for_the_highest_precision():
    assert "precision = [HIGHEST, HIGHEST]" in _lowered()
    assert "precision = [DEFAULT" in _lowered(precision=lax.Precision.DEFAULT)
    # The weight is contracted where it lies.
    assert "transpose" not in _lowered()


def test_gradients_ask_for_the_highest_precision_too():
    loss = jax.grad(lambda x, w: F.linear(x, w).sum(), argnums=(0, 1))
    text = jax.jit(loss).lower(X, W).as_text()
    products = text.count("stablehlo.dot_general")
    assert products == text.count("precision = [HIGHEST, HIGHEST]") == 2


@pytest.mark.parametrize("shape", [(), (1,), (4,), (1, 4), (2, 4), (2, 1)])
def test_biases_that_broadcast(shape: tuple[int, ...]):
    bias = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    np.testing.assert_array_equal(F.linear(X, W, bias), X @ W.T + bias)


@pytest.mark.parametrize("shape", [(3,), (3, 4), (2, 2, 4)])
def test_biases_that_do_not(shape: tuple[int, ...]):
    with pytest.raises(RuntimeError, match="expected a bias of"):
        F.linear(X, W, np.zeros(shape, np.float32))


def test_the_error_shows_both_shapes_and_the_one_expected():
    with pytest.raises(RuntimeError) as caught:
        F.linear(np.zeros((4, 3), np.float32), np.zeros((2, 5), np.float32))
    assert str(caught.value) == (
        "mat1 and mat2 shapes cannot be multiplied (4x3 and 5x2): the weight, "
        "(out_features, in_features) = (2, 5), expects an input of (*, 5), got (4, 3)"
    )


def test_integers_multiply_exactly():
    product = F.linear(X.astype(np.int32), W.astype(np.int32))
    assert product.dtype == jnp.int32
    np.testing.assert_array_equal(product, X @ W.T)


def test_float64_of_numpy_is_float32_unless_jax_has_64_bits():
    assert F.linear(X.astype(np.float64), W).dtype == jnp.float32
    with (
        jax.enable_x64(True),
        pytest.raises(RuntimeError, match="got Double and Float"),
    ):
        F.linear(X.astype(np.float64), W)


def test_flatten_keeps_dtype_and_order():
    x = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    flat = F.flatten(x, start_dim=1)
    assert flat.dtype == jnp.uint8
    np.testing.assert_array_equal(flat, x.reshape(2, 12))
    np.testing.assert_array_equal(F.flatten(np.uint8(7)), [7])
    assert F.flatten(np.zeros((2, 0, 4)), 1, 2).shape == (2, 0)
