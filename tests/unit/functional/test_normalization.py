# SPDX-License-Identifier: Apache-2.0
"""Normalisations: what the contract's table cannot say."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import flaxnn.functional as F

X = np.array([[1.0, -2.0], [3.0, 4.0], [5.0, 0.0]], np.float32)


def test_the_batch_is_normalised_by_the_biased_variance():
    y = F.batch_norm(X, None, None, training=True, eps=1e-12)
    np.testing.assert_allclose(y, (X - X.mean(0)) / X.std(0), rtol=1e-6)


def test_the_running_variance_is_the_unbiased_one():
    mean, var = F.batch_norm_running_stats(X, [1.0, 2.0], [3.0, 4.0], momentum=0.25)
    np.testing.assert_allclose(mean, 0.75 * np.array([1, 2]) + 0.25 * X.mean(0))
    np.testing.assert_allclose(var, 0.75 * np.array([3, 4]) + 0.25 * X.var(0, ddof=1))


def test_statistics_that_are_passed_in_do_not_change_and_carry_no_gradient():
    mean, var = np.zeros(2, np.float32), np.ones(2, np.float32)
    F.batch_norm(X, mean, var, training=True)
    np.testing.assert_array_equal(mean, np.zeros(2))
    np.testing.assert_array_equal(var, np.ones(2))
    for function in (F.batch_norm_running_stats, F.instance_norm_running_stats):
        x = jnp.asarray(X)[None]
        grad = jax.grad(lambda x, f=function: sum(map(jnp.sum, f(x, mean, var))))(
            x.transpose(0, 2, 1)
        )
        np.testing.assert_array_equal(grad, np.zeros((1, 2, 3)))


def test_an_empty_batch_leaves_the_statistics():
    """PyTorch's instance norm makes them nan there."""
    mean, var = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    new = F.instance_norm_running_stats(np.zeros((0, 2, 3)), mean, var)
    np.testing.assert_array_equal(new[0], mean)
    np.testing.assert_array_equal(new[1], var)


def test_a_large_mean_costs_no_digits():
    rng = np.random.default_rng(0)
    exact = rng.normal(size=(512, 3))
    y = F.batch_norm((exact + 4096).astype(np.float32), None, None, training=True)
    exact = (exact + 4096).astype(np.float32).astype(np.float64)
    expected = (exact - exact.mean(0)) / np.sqrt(exact.var(0) + 1e-5)
    np.testing.assert_allclose(y, expected, atol=5e-4)


def test_options_can_be_traced():
    @jax.jit
    def run(eps, momentum):
        y = F.batch_norm(X, None, None, training=True, eps=eps)
        return y, F.batch_norm_running_stats(X, [0.0, 0], [1.0, 1], momentum=momentum)

    y, (mean, _) = run(0.5, 0.3)
    expected = F.batch_norm(X, None, None, training=True, eps=0.5)
    np.testing.assert_allclose(y, expected, rtol=1e-6)
    np.testing.assert_allclose(mean, 0.3 * X.mean(0), rtol=1e-6)
    assert np.isnan(run(-0.5, 0.3)[0]).all()


def test_half_precision_may_meet_float32_parameters():
    """Mixed precision: PyTorch takes float32 parameters with half inputs only."""
    x = jnp.asarray(X, jnp.bfloat16)
    weight, bias = np.ones(2, np.float32), np.zeros(2, np.float32)
    for y in (
        F.batch_norm(x, weight * 0, weight, weight, bias),
        F.layer_norm(x, (2,), weight, bias),
        F.group_norm(x, 1, weight, bias),
        F.rms_norm(x, (2,), weight),
    ):
        assert y.dtype == jnp.bfloat16
    with jax.enable_x64(True), pytest.raises(RuntimeError, match="share same datatype"):
        F.layer_norm(X.astype(np.float64), (2,), weight, bias)


def test_rms_norm_keeps_its_dtype_beside_a_wider_weight():
    with jax.enable_x64(True):
        assert F.rms_norm(X, (2,), np.ones(2)).dtype == jnp.float32


def test_normalize_has_no_gradient_of_the_norm_of_zeros():
    gradient = jax.grad(lambda x: F.normalize(x, eps=0.5).sum())(jnp.zeros((1, 3)))
    np.testing.assert_array_equal(gradient, np.full((1, 3), 2.0))


def test_complex_numbers_are_refused():
    with pytest.raises(RuntimeError, match="floating point"):
        F.normalize(X + 1j)
    with pytest.raises(NotImplementedError):
        F.rms_norm(X + 1j, (2,))


def test_the_neighbours_of_a_channel_are_half_before_it():
    """Of an even number one more lies before."""
    x = np.zeros((1, 5, 1), np.float32)
    x[0, 2] = 1.0
    ones = x + np.eye(5, dtype=np.float32)[[4]].T
    y = F.local_response_norm(ones, 2, alpha=2.0, beta=1.0, k=0.0)
    assert y.shape == (1, 5, 1)
    y = F.local_response_norm(np.ones((1, 4, 1), np.float32), 2, 2.0, 1.0, 0.0)
    np.testing.assert_allclose(y.ravel(), [1.0, 0.5, 0.5, 0.5])
    y = F.local_response_norm(np.ones((1, 4, 1), np.float32), 3, 3.0, 1.0, 0.0)
    np.testing.assert_allclose(y.ravel(), [1 / 2, 1 / 3, 1 / 3, 1 / 2], rtol=1e-6)
