"""Activations where JAX's own differ: the kinks, infinities, dtypes."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import flaxnn.functional as F

f32 = partial(np.array, dtype=np.float32)

INF, NAN = np.inf, np.nan
EDGES = f32([-INF, -200, -1, -0.0, 0.0, 1, 200, INF, NAN])

# Printed by PyTorch 2.13.0 for the derivative at EDGES.
DERIVATIVES = {
    "relu": [0, 0, 0, 0, 0, 1, 1, 1, 1],
    "leaky_relu": [0.01, 0.01, 0.01, 0.01, 0.01, 1, 1, 1, 0.01],
    "elu": [0, 0, 0.36787945, 1, 1, 1, 1, 1, 1],
    "sigmoid": [0, 0, 0.19661194, 0.25, 0.25, 0.19661193, 0, 0, NAN],
    "tanh": [0, 0, 0.41997430, 1, 1, 0.41997430, 0, 0, NAN],
    "logsigmoid": [1, 1, 0.73105860, 0.5, 0.5, 0.26894143, 0, 0, NAN],
}


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivative_at_the_edges(name: str):
    derivative = jax.vmap(jax.grad(getattr(F, name)))(EDGES)
    np.testing.assert_allclose(derivative, DERIVATIVES[name], rtol=3e-7)


def test_elu_keeps_the_derivative_far_below_zero():
    # 1 + expm1(-30) is 0 in float32.
    assert jax.grad(F.elu)(-30.0) == pytest.approx(np.exp(-30.0), rel=1e-6)


def test_alpha_and_negative_slope_may_be_traced_and_differentiated_by():
    assert jax.jit(F.leaky_relu)(-2.0, 0.5) == -1.0
    by_alpha = jax.grad(lambda alpha: F.elu(-1.0, alpha))(2.0)
    assert by_alpha == pytest.approx(np.expm1(-1.0), rel=1e-6)


def test_sigmoid_of_the_documents():
    np.testing.assert_array_equal(F.sigmoid(f32([1000, 1001, 1002])), 1)
    assert round(float(F.sigmoid(1.9)), 4) == 0.8699


@pytest.mark.parametrize("dtype", [np.int32, np.uint8, np.bool_])
def test_sigmoid_and_tanh_of_integers_are_float32(dtype: type):
    x = np.array([0, 1], dtype)
    with jax.enable_x64(True):
        assert F.sigmoid(x).dtype == F.tanh(x).dtype == jnp.float32
    np.testing.assert_array_equal(F.sigmoid(x), F.sigmoid(f32([0, 1])))


def test_relu_keeps_integers():
    result = F.relu(np.array([-1, 2], np.int32))
    assert result.dtype == jnp.int32
    np.testing.assert_array_equal(result, [0, 2])


def test_binary_step():
    x = f32([-INF, -1, -0.0, 0, 1e-30, INF, NAN])
    np.testing.assert_array_equal(F.binary_step(x), [0, 0, 0, 0, 1, 1, 0])
    assert F.binary_step(x).dtype == jnp.float32
    assert jax.grad(F.binary_step)(0.5) == 0
    np.testing.assert_array_equal(F.binary_step(np.array([-3, 3], np.int32)), [0, 1])


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu"])
def test_inplace_is_refused_not_ignored(name: str):
    function = getattr(F, name)
    np.testing.assert_array_equal(function(1.0, inplace=False), 1)
    with pytest.raises(ValueError, match="cannot be changed"):
        function(1.0, inplace=True)


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_complex_input_is_refused(name: str):
    with pytest.raises(NotImplementedError, match=f'"{name}" not implemented for'):
        getattr(F, name)(np.complex64(1j))


@pytest.mark.parametrize("value", ["text", None, object(), [[1.0], [1.0, 2.0]]])
def test_what_is_no_array_is_refused(value: object):
    with pytest.raises(TypeError, match="'input' must be an array of numbers"):
        F.relu(value)  # pyright: ignore[reportArgumentType]
