# SPDX-License-Identifier: Apache-2.0
"""Binary cross entropy: the clamps, derivatives at the ends, poison."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import flaxnn.functional as F
from flaxnn._typing import ArrayLike

f32 = partial(np.array, dtype=np.float32)

INF, NAN = np.inf, np.nan
P = np.array([0.0, 1e-30, 0.3, 0.5, 1.0], np.float32)
bce, with_logits = F.binary_cross_entropy, F.binary_cross_entropy_with_logits


@pytest.mark.parametrize(
    ("target", "losses", "derivatives"),
    [  # Printed by PyTorch 2.13.0.
        (0.0, [0, 1e-30, 0.35667497, 0.69314718, 100], [0, 1e-18, 1.4285715, 2, 1e12]),
        (
            1.0,
            [100, 69.077553, 1.2039728, 0.69314718, 0],
            [-1e12, -1e12, -3.3333333, -2, 0],
        ),
    ],
)
def test_the_clamps(target: float, losses: list[float], derivatives: list[float]):
    t = np.full_like(P, target)
    value, pull = jax.vjp(lambda p: bce(p, t, reduction="none"), P)
    np.testing.assert_allclose(value, losses, rtol=1e-6)
    np.testing.assert_allclose(pull(np.ones_like(value))[0], derivatives, rtol=1e-6)


def test_the_derivatives_clamp_is_pytorchs_float32_constant():
    with jax.enable_x64(True):
        derivative = jax.grad(bce)(np.float64(0), np.float64(1))
    assert float(derivative) == -1 / float(np.float32(1e-12))


def test_the_infinite_derivative_by_the_target_leaves_the_other_alone():
    one = np.ones_like(P)
    by_p = jax.jvp(lambda p: bce(p, one, reduction="none"), (P,), (one,))[1]
    assert np.isfinite(by_p).all()
    by_t = jax.grad(lambda t: bce(P, t, reduction="sum"))(one)
    np.testing.assert_array_equal(np.isinf(by_t), [1, 0, 0, 0, 1])


def test_logits_at_infinity_have_finite_gradients():
    x = np.array([-INF, INF], np.float32)
    for target in (0.0, 0.3, 1.0):
        t = np.full_like(x, target)

        def loss(x: jax.Array, t: np.ndarray = t) -> jax.Array:
            return with_logits(x, t, reduction="none")

        gradient = jax.grad(lambda x, loss=loss: loss(x).sum())(x)
        np.testing.assert_allclose(gradient, f32([0, 1]) - t, rtol=1e-6)
        pushed = jax.jvp(loss, (x,), (np.ones_like(x),))[1]
        np.testing.assert_array_equal(pushed, gradient)


def test_the_gradient_at_a_logit_of_zero():
    # jax.grad of the textbook formula with abs() is off by a half here.
    gradient = jax.grad(with_logits)(np.float32(0), np.float32(1))
    assert gradient == -0.5


def test_small_logits_do_not_cancel():
    gradient = jax.grad(with_logits)(np.float32(-20), np.float32(0))
    assert gradient == pytest.approx(np.exp(-20.0), rel=1e-6)


@pytest.mark.parametrize("bad", [-0.25, 1.25, NAN, INF])
def test_concrete_numbers_outside_raise(bad: float):
    good, outside = np.float32(0.5), np.float32(bad)
    with pytest.raises(RuntimeError, match="elements of input should be between"):
        bce(outside, good)
    with pytest.raises(RuntimeError, match="elements of target should be between"):
        bce(good, outside)
    with pytest.raises(RuntimeError, match="elements of target should be between"):
        jax.eval_shape(lambda p: bce(p, outside), jax.ShapeDtypeStruct((), "float32"))


@pytest.mark.parametrize("bad", [-0.25, 1.25, NAN])
def test_traced_numbers_outside_poison_value_and_gradient(bad: float):
    good, outside = np.array([0.5, 0.5], "f"), np.array([0.5, bad], "f")

    @jax.jit
    def run(p: jax.Array, t: jax.Array) -> tuple[jax.Array, jax.Array]:
        value, pull = jax.vjp(lambda p: bce(p, t, reduction="none"), p)
        return value, pull(jnp.ones_like(value))[0]

    for arrays in ((outside, good), (good, outside)):
        for array in run(*arrays):
            np.testing.assert_array_equal(np.isnan(array), [False, True])
    for array in run(good, good):
        assert np.isfinite(array).all()


def test_the_logits_loss_has_the_targets_dtype():
    x = np.zeros(2, np.float32)
    assert with_logits(x, x.astype(jnp.bfloat16)).dtype == jnp.bfloat16
    assert with_logits(x.astype(jnp.bfloat16), x).dtype == jnp.float32
    integers = np.array([1, 2])
    assert with_logits(x, x, weight=integers, pos_weight=integers).dtype == jnp.float32


@pytest.mark.parametrize("name", ["weight", "pos_weight"])
def test_weights_are_differentiated_by(name: str):
    x, t = f32([1, -2]), f32([1, 0.5])

    def loss(weight: ArrayLike) -> jax.Array:
        options: dict[str, Any] = {name: weight}
        return with_logits(x, t, **options)

    two, step = f32([2.0, 2.0]), f32([1e-2, 0.0])
    difference = (loss(two + step) - loss(two - step)) / 2e-2
    np.testing.assert_allclose(jax.grad(loss)(two)[0], difference, rtol=1e-4)
