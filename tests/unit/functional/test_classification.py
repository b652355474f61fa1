# SPDX-License-Identifier: Apache-2.0
"""Cross entropy and nll_loss: labels, ignored targets, poison, dtypes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import flaxnn.functional as F
from flaxnn.functional import from_scratch

f32 = functools.partial(np.array, dtype=np.float32)

X = np.array([[1, 2, 3], [0, 5, 1], [2, 2, 2]], np.float32)
Y = np.array([0, 1, 2])
IGNORED = np.full(3, -100)
INF = np.inf
both_losses = pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss])


def test_against_the_documents_formula():
    one_hot = np.eye(3)[Y]
    expected = from_scratch.cross_entropy(from_scratch.softmax_rows(X), one_hot)
    np.testing.assert_allclose(
        F.cross_entropy(X, Y, reduction="sum"), expected, rtol=1e-6
    )
    probabilities = F.cross_entropy(X, one_hot, reduction="sum")
    np.testing.assert_allclose(probabilities, expected, rtol=1e-6)


@both_losses
@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_labels_may_be_any_of_three_dtypes(loss: Callable, dtype: type):
    np.testing.assert_array_equal(loss(X, Y.astype(dtype)), loss(X, Y))
    compiled = jax.jit(loss)(X, Y.astype(dtype))
    np.testing.assert_allclose(compiled, loss(X, Y), rtol=1e-6)


@both_losses
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weight", [None, f32([1, 2, 3])])
def test_all_ignored_is_nan_with_a_gradient_of_exactly_zero(
    loss: Callable, smoothing: float, weight: np.ndarray | None
):
    options: dict[str, Any] = {"weight": weight}
    if loss is F.cross_entropy:
        options["label_smoothing"] = smoothing
    for target in (IGNORED, jnp.asarray(IGNORED)):
        value, gradient = jax.value_and_grad(loss)(X, target, **options)
        assert np.isnan(value)
        np.testing.assert_array_equal(gradient, np.zeros_like(X))
    value, gradient = jax.jit(jax.value_and_grad(loss))(X, IGNORED)
    assert np.isnan(value)
    np.testing.assert_array_equal(gradient, np.zeros_like(X))


def test_classes_of_weight_zero_are_not_ignored():
    weight = np.array([0, 1, 1], np.float32)
    value, gradient = jax.value_and_grad(F.cross_entropy)(X, np.zeros(3, int), weight)
    assert np.isnan(value)
    assert np.isnan(gradient).all()


def test_infinite_logits_have_pytorchs_gradients():
    x = np.array([[-INF, 1, 2], [1, -INF, 3], [0, 0, -INF]], np.float32)
    value, gradient = jax.value_and_grad(F.cross_entropy)(x, np.array([1, 0, 0]))
    np.testing.assert_allclose(value, 1.3777790, rtol=1e-6)
    expected = [
        [0, -0.24368620, 0.24368620],
        [-0.29359904, 0, 0.29359904],
        [-0.16666667, 0.16666667, 0],
    ]
    np.testing.assert_allclose(gradient, expected, rtol=1e-6)
    # The label that cannot be: an infinite loss, still with finite gradients.
    value, gradient = jax.value_and_grad(F.cross_entropy)(x, np.array([0, 1, 2]))
    assert value == INF
    assert np.isfinite(gradient).all()


@both_losses
@pytest.mark.parametrize("as_labels", [np.asarray, jnp.asarray], ids=["numpy", "jax"])
def test_a_concrete_bad_label_raises(loss: Callable, as_labels: Callable):
    target = as_labels([0, 1, 3])
    for call in (loss, jax.jit(lambda x, y: loss(x, target))):
        with pytest.raises(IndexError, match=r"^Target 3 is out of bounds\."):
            call(X, target) if call is loss else call(X, Y)


@both_losses
def test_a_concrete_bad_label_raises_during_shape_inference(loss: Callable):
    # What the training engine relies on: the input abstract, the labels known.
    abstract = jax.ShapeDtypeStruct((3, 3), jnp.float32)
    with pytest.raises(IndexError, match="Target -1 is out of bounds"):
        jax.eval_shape(lambda x: loss(x, np.array([0, -1, 2])), abstract)
    assert jax.eval_shape(lambda x: loss(x, Y), abstract).shape == ()


@functools.cache
def _compiled(loss: Callable, reduction: str) -> Callable:
    """Returns value and gradient as a compiled function of logits and labels."""

    @jax.jit
    def run(x: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
        value, pull = jax.vjp(lambda x: loss(x, y, reduction=reduction), x)
        return value, pull(jnp.ones_like(value))[0]

    return run


@both_losses
@pytest.mark.parametrize("bad", [3, -1, -99, 2**31 - 1])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_a_traced_bad_label_poisons_value_and_gradient(
    loss: Callable, bad: int, reduction: str
):
    run = _compiled(loss, reduction)
    value, gradient = run(X, np.array([0, 1, bad]))
    assert np.isnan(value if value.ndim == 0 else value[2])
    assert np.isnan(gradient[2]).all()
    # A batch of that one label must not come out with a gradient of 0 either.
    value, gradient = run(X[:1], np.array([bad]))
    assert np.isnan(value).all()
    assert np.isnan(gradient).all()


def test_traced_good_labels_are_not_poisoned():
    target = np.array([0, -100, 2])
    for smoothing in (0.0, 0.1):
        options: dict[str, Any] = {"label_smoothing": smoothing}
        loss = jax.jit(lambda x, y, o=options: F.cross_entropy(x, y, **o))
        expected = F.cross_entropy(X, target, **options)
        np.testing.assert_allclose(loss(X, target), expected, rtol=1e-6)


def test_ignore_index_may_be_a_class_and_is_not_read_modulo_256():
    ones = np.array([1, 1, 2], np.uint8)
    expected = F.cross_entropy(X[2:], Y[2:])
    np.testing.assert_array_equal(F.cross_entropy(X, ones, ignore_index=1), expected)
    with pytest.raises(IndexError, match="Target 156"):
        F.cross_entropy(X, np.array([0, 1, 156], np.uint8))
    poisoned = jax.jit(F.cross_entropy)(X, np.array([0, 1, 156], np.uint8))
    assert np.isnan(poisoned)


@pytest.mark.parametrize("smoothing", [-0.1, np.nan])
def test_smoothing_outside_the_unit_interval_is_refused(smoothing: float):
    with pytest.raises(RuntimeError, match=r"must be between 0\.0 and 1\.0\. Got:"):
        F.cross_entropy(X, Y, label_smoothing=smoothing)


def test_probabilities_promote():
    half = X.astype(jnp.bfloat16)
    assert F.cross_entropy(X, half).dtype == jnp.float32
    assert F.cross_entropy(half, X).dtype == jnp.float32
    assert F.cross_entropy(half, half).dtype == jnp.bfloat16


def test_options_are_keywords():
    # PyTorch's fourth argument is another one, deprecated.
    with pytest.raises(TypeError, match="positional"):
        F.cross_entropy(X, Y, None, -100)  # pyright: ignore[reportCallIssue]
