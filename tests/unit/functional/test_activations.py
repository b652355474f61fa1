# SPDX-License-Identifier: Apache-2.0
"""Activations where the table of the contract cannot say it: traced options, integers,
what is not drawn, and what differs from PyTorch."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import flaxnn.functional as F

f32 = partial(np.array, dtype=np.float32)

INF, NAN = np.inf, np.nan
X = f32([-3.0, -0.5, 0.0, 0.5, 3.0])


@pytest.mark.parametrize(
    ("function", "options"),
    [
        (F.leaky_relu, (0.5,)),
        (F.elu, (2.0,)),
        (F.celu, (2.0,)),
        (F.softplus, (0.7, 1.0)),
        (F.hardtanh, (-0.7, 0.3)),
        (F.threshold, (0.1, 7.0)),
        (F.rrelu, (0.1, 0.7)),
        (F.softshrink, (0.7,)),
        (F.hardshrink, (0.7,)),
    ],
)
def test_options_may_be_traced_and_differentiated_by(
    function: Callable[..., jax.Array], options: tuple[float, ...]
):
    expected = function(X, *options)
    np.testing.assert_allclose(jax.jit(function)(X, *options), expected, rtol=1e-6)

    def loss(options: Any) -> jax.Array:
        return function(X.astype(np.float64), *options).sum()

    with jax.enable_x64(True):
        run = jax.jit(jax.value_and_grad(loss))
        _, gradient = run(np.array(options))
        for by, step in zip(gradient, np.eye(len(options)) * 1e-6, strict=True):
            difference = run(options + step)[0] - run(options - step)[0]
            assert by == pytest.approx(float(difference) / 2e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("function", "options", "error"),
    [
        (F.celu, (0.0,), RuntimeError),
        (F.softshrink, (-1.0,), RuntimeError),
        (F.softshrink, (NAN,), RuntimeError),
        (F.hardtanh, (2.0, 1.0), ValueError),
        (F.hardtanh, (NAN, 1.0), ValueError),
        (F.rrelu, (0.5, 0.1), RuntimeError),
        (F.rrelu, (0.1, INF), RuntimeError),
    ],
)
def test_a_bad_option_is_refused_or_poisons_when_it_is_traced(
    function: Callable[..., jax.Array], options: tuple[float, ...], error: type
):
    with pytest.raises(error):
        function(X, *options)
    np.testing.assert_array_equal(jax.jit(function)(X, *options), np.full(5, NAN))


@pytest.mark.parametrize("dtype", [np.int32, np.uint8, np.bool_])
def test_sigmoid_and_tanh_of_integers_are_float32(dtype: type):
    x = np.array([0, 1], dtype)
    with jax.enable_x64(True):
        assert F.sigmoid(x).dtype == F.tanh(x).dtype == jnp.float32
    np.testing.assert_array_equal(F.sigmoid(x), F.sigmoid(f32([0, 1])))


@pytest.mark.parametrize("name", ["softsign", "tanhshrink"])
def test_activations_that_divide_or_subtract_make_integers_float32(name: str):
    function = getattr(F, name)
    x = np.array([0, 1, 255], np.uint8)
    assert function(x).dtype == jnp.float32
    np.testing.assert_array_equal(function(x), function(f32([0, 1, 255])))


@pytest.mark.parametrize(
    ("function", "options", "expected"),
    [
        # As C++ does, -1.5 becomes -1 and 7.5 becomes 7.
        (F.relu, (), [0, 0, 0, 0, 1, 7]),
        (F.relu6, (), [0, 0, 0, 0, 1, 6]),
        (F.hardtanh, (-1.5, 1.5), [-1, -1, -1, 0, 1, 1]),
        (F.threshold, (-1.5, 7.5), [7, 7, 7, 0, 1, 7]),
        (F.threshold, (-0.5, 7), [7, 7, 7, 7, 1, 7]),
    ],
)
def test_rectifiers_keep_integers(
    function: Callable[..., jax.Array], options: tuple[float, ...], expected: list[int]
):
    x = np.array([-3, -2, -1, 0, 1, 7], np.int32)
    for call in (function, jax.jit(function)):
        result = call(x, *options)
        assert result.dtype == jnp.int32
        np.testing.assert_array_equal(result, expected)


def test_binary_step():
    x = f32([-INF, -1, -0.0, 0, 1e-30, INF, NAN])
    np.testing.assert_array_equal(F.binary_step(x), [0, 0, 0, 0, 1, 1, 0])
    assert F.binary_step(x).dtype == jnp.float32
    assert jax.grad(F.binary_step)(0.5) == 0
    np.testing.assert_array_equal(F.binary_step(np.array([-3, 3], np.int32)), [0, 1])


def test_gelu_is_closer_to_the_exact_function_than_pytorchs():
    x = np.linspace(-8, 8, 4001).astype(np.float32)
    exact = [v * (1 + math.erf(v / math.sqrt(2))) / 2 for v in x.tolist()]
    np.testing.assert_allclose(F.gelu(x), exact, rtol=2e-7, atol=1.5e-7)
    assert F.gelu(INF) == INF


def test_softplus_does_not_overflow_below_a_high_threshold():
    value, derivative = jax.value_and_grad(F.softplus)(95.0, 1.0, 100.0)
    assert (value, derivative) == (95.0, 1.0)


def test_celu_and_hardsigmoid_take_pytorchs_float32_slopes_in_float64():
    with jax.enable_x64(True):
        assert jax.grad(F.hardsigmoid)(0.0) == float(np.float32(1 / 6))
        assert jax.grad(F.celu)(0.0, 0.7) == 0.7 / float(np.float32(0.7))


def test_leaky_gradients_by_the_slope_are_0_at_inf():
    by_slope = jax.grad(lambda slope: F.leaky_relu(f32([INF, -2.0]), slope)[1])
    assert by_slope(0.5) == -2
    by_weight = jax.grad(lambda w: F.prelu(f32([[INF, -2.0]]), w)[0, 1])
    np.testing.assert_array_equal(by_weight(f32([0.5, 0.5])), [0, -2])


def test_rrelu_maps_the_noise_between_the_bounds():
    x, noise = f32([-1, 0, 1, NAN]), f32([0.25, 0.5, 0.75, 0.0])
    value, pull = jax.vjp(lambda x: F.rrelu(x, 1.0, 3.0, True, noise=noise), x)
    np.testing.assert_array_equal(value, [-1.5, 0, 1, NAN])
    np.testing.assert_array_equal(pull(np.ones_like(x))[0], [1.5, 2, 1, 1])


def test_gumbel_softmax_hard_is_one_hot_with_the_softs_derivative():
    logits, noise = X.reshape(1, 5), f32([[0.1, 0.4, 0.2, 0.9, 0.3]])
    cotangent = f32([[1, -2, 3, -4, 5]])

    def run(hard: bool) -> tuple[jax.Array, jax.Array]:
        @jax.jit
        def both(x: jax.Array) -> tuple[jax.Array, jax.Array]:
            value, pull = jax.vjp(
                lambda x: F.gumbel_softmax(x, hard=hard, noise=noise), x
            )
            return value, pull(cotangent)[0]

        return both(logits)

    (hard, by_hard), (soft, by_soft) = run(True), run(False)
    np.testing.assert_array_equal(hard, [[0, 0, 0, 0, 1]])
    assert soft.argmax() == 4
    np.testing.assert_array_equal(by_hard, by_soft)


def test_gumbel_softmax_warns_of_eps_as_pytorch_does():
    with pytest.warns(UserWarning, match="`eps` parameter is deprecated") as caught:
        F.gumbel_softmax(X, eps=1e-3, noise=X)
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    "function", [F.gumbel_softmax, partial(F.rrelu, training=True)]
)
def test_what_pytorch_draws_must_be_given_in_the_inputs_shape(
    function: Callable[..., jax.Array],
):
    with pytest.raises(TypeError, match=r"noise=jax\.random\.\w+\(key, "):
        function(X)
    with pytest.raises(RuntimeError, match=r"torch\.Size\(\[5\]\), got .*\[4\]"):
        function(X, noise=X[:4])


def test_softmin_negates_unsigned_integers_after_the_conversion():
    x = np.array([0, 1, 2], np.uint8)
    expected = F.softmax(f32([0, -1, -2]), 0)
    np.testing.assert_array_equal(F.softmin(x, 0, dtype="float32"), expected)


INPLACE = [
    name
    for name in F.__all__
    if callable(function := getattr(F, name))
    and "inplace" in inspect.signature(function).parameters
    # The dropouts are not functions of their input alone.
    and "dropout" not in name
]


@pytest.mark.parametrize("name", INPLACE)
def test_inplace_is_refused_not_ignored(name: str):
    function = partial(getattr(F, name), X, *((0, 1) if name == "threshold" else ()))
    np.testing.assert_array_equal(function(inplace=False), function())
    with pytest.raises(ValueError, match="cannot be changed"):
        function(inplace=True)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softsign", "tanhshrink", "silu"])
def test_complex_input_is_refused(name: str):
    kernel = {"tanhshrink": "tanh", "silu": "silu_cpu"}.get(name, name)
    with pytest.raises(NotImplementedError, match=f'"{kernel}" not implemented for'):
        getattr(F, name)(np.complex64(1j))


@pytest.mark.parametrize("value", ["text", None, object(), [[1.0], [1.0, 2.0]]])
def test_what_is_no_array_is_refused(value: object):
    with pytest.raises(TypeError, match="'input' must be an array of numbers"):
        F.relu(value)  # pyright: ignore[reportArgumentType]


def test_sigmoid_of_the_documents():
    np.testing.assert_array_equal(F.sigmoid(f32([1000, 1001, 1002])), 1)
    assert round(float(F.sigmoid(1.9)), 4) == 0.8699
