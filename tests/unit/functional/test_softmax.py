# SPDX-License-Identifier: Apache-2.0
"""Softmax: the documents' figures, the implicit dimension, dtypes, infinities."""

from __future__ import annotations

import warnings
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import flaxnn.functional as F

f32 = partial(np.array, dtype=np.float32)

LARGE = f32([1000, 1001, 1002])
INF = np.inf


def test_the_documents_figures():
    for result in (F.softmax(LARGE, dim=0), F.softmax(LARGE, dim=-1)):
        assert [f"{p:.4f}" for p in result] == ["0.0900", "0.2447", "0.6652"]


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize(("ndim", "dim"), [(0, 0), (1, 0), (2, 1), (3, 0), (4, 1)])
def test_no_dimension_warns_the_caller_and_chooses(name: str, ndim: int, dim: int):
    x = np.arange(2.0**ndim, dtype=np.float32).reshape((2,) * ndim)
    function = getattr(F, name)
    with pytest.warns(UserWarning, match="dimension") as caught:
        result = function(x)
    assert str(caught[0].message) == (
        f"Implicit dimension choice for {name} has been deprecated. Change the call "
        "to include dim=X as an argument."
    )
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(result, function(x, dim=dim))


def test_the_warning_of_a_compiled_call_points_at_the_caller_too():
    def model(x: jax.Array) -> jax.Array:
        return F.softmax(x)

    with pytest.warns(UserWarning, match="dimension") as caught:
        jax.jit(model)(LARGE)
    assert caught[0].filename == __file__


def test_a_dimension_given_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        F.softmax(LARGE, 0)


@pytest.mark.parametrize("x", [[-INF, -INF], [INF, 0.0], [np.nan, 0.0]])
def test_undefined_slices_are_nan(x: list[float]):
    assert np.isnan(F.softmax(f32(x), 0)).all()
    assert np.isnan(F.log_softmax(f32(x), 0)).all()


def test_minus_infinity_has_no_probability():
    x = np.array([-INF, 0.0, 0.0], np.float32)
    np.testing.assert_array_equal(F.softmax(x, 0), [0, 0.5, 0.5])
    gradient = jax.grad(lambda x: F.log_softmax(x, 0)[1])(x)
    np.testing.assert_array_equal(gradient, [0, 0.5, -0.5])


def test_dtype_is_applied_before():
    x = np.array([1, 2, 3])
    expected = F.softmax(x.astype(np.float32), 0)
    np.testing.assert_array_equal(F.softmax(x, 0, dtype=jnp.float32), expected)
    half = F.softmax(x.astype(np.float16), 0, dtype="float32")
    np.testing.assert_array_equal(half, expected)
    with pytest.raises(NotImplementedError, match="not implemented for 'Int'"):
        F.softmax(x.astype(np.float32), 0, dtype=np.int32)


def test_the_error_names_the_dtype_that_was_passed():
    # JAX would make it int32; the user passed a 'Long', as the document did.
    with pytest.raises(NotImplementedError, match=r"_lastdim_kernel_impl.*'Long'"):
        F.softmax(np.array([1000, 1001, 1002]), dim=0)
    with pytest.raises(NotImplementedError, match="'Int'"):
        F.softmax(jnp.array([1000, 1001, 1002]), dim=0)


def test_half_precision_is_rounded_once():
    x = np.linspace(-4, 4, 11, dtype=np.float16)
    for function in (F.softmax, F.log_softmax):
        once = function(x.astype(np.float32), 0).astype(jnp.float16)
        np.testing.assert_array_equal(function(x, 0), once)
