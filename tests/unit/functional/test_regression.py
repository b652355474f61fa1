# SPDX-License-Identifier: Apache-2.0
"""Squared and absolute errors: the kink, broadcasting, promotion."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import flaxnn.functional as F

f32 = partial(np.array, dtype=np.float32)

X, T = np.array([0.0, 0.0, 3.0], np.float32), np.array([0.0, 1.0, 2.0], np.float32)
both_losses = pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss])


def test_the_derivative_of_the_absolute_error_at_zero_is_zero():
    value, gradient = jax.value_and_grad(lambda x: F.l1_loss(x, T, reduction="sum"))(X)
    assert value == 2
    np.testing.assert_array_equal(gradient, [0, -1, 1])


def test_there_is_no_half_in_the_squared_error():
    assert F.mse_loss(f32([0]), f32([3])) == 9


@both_losses
def test_other_shapes_warn_the_caller_and_broadcast(loss: Callable):
    with pytest.warns(UserWarning, match="target size") as caught:
        errors = loss(X[:, None], T, reduction="none")
    assert str(caught[0].message) == (
        "Using a target size (torch.Size([3])) that is different to the input size "
        "(torch.Size([3, 1])). This will likely lead to incorrect results due to "
        "broadcasting. Please ensure they have the same size."
    )
    assert caught[0].filename == __file__
    assert errors.shape == (3, 3)
    np.testing.assert_array_equal(jnp.diagonal(errors), loss(X, T, reduction="none"))


@both_losses
def test_shapes_that_do_not_broadcast_raise(loss: Callable):
    with (
        pytest.warns(UserWarning, match=r"torch\.Size\(\[2, 3\]\)"),
        pytest.raises(RuntimeError, match=r"a \(4\) must match .* b \(3\) at .* 1"),
    ):
        loss(np.zeros((2, 4), "f"), np.zeros((2, 3), "f"))


@both_losses
def test_the_weighted_mean_divides_by_the_weights(loss: Callable):
    weight = np.array([5.0, 1.0, 3.0], np.float32)
    assert loss(X, T, weight=weight) == np.float32(4 / 9)
    assert loss(X, T, weight=weight, reduction="sum") == 4


@both_losses
def test_dtypes_promote(loss: Callable):
    assert loss(X.astype(jnp.bfloat16), T).dtype == jnp.float32
    assert loss(X, T.astype(np.int32)).dtype == jnp.float32
    assert loss(X.astype(np.float16), T.astype(jnp.bfloat16)).dtype == jnp.float32
    assert loss(X.astype(np.float16), T.astype(np.float16)).dtype == jnp.float16


@both_losses
def test_no_elements_have_no_mean(loss: Callable):
    assert np.isnan(loss(X[:0], T[:0]))
    assert loss(X[:0], T[:0], reduction="sum") == 0
