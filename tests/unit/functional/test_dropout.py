# SPDX-License-Identifier: Apache-2.0
"""Dropout's masks: handed in, made where they are due, refused where they are wrong."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import flaxnn.functional as F
from flaxnn.random import Generator

ONES = np.ones((2, 3, 4), np.float32)
NOISE = {
    F.dropout: (2, 3, 4),
    F.dropout1d: (2, 3, 1),
    F.alpha_dropout: (2, 3, 4),
    F.feature_alpha_dropout: (2, 3, 1),
}
every_dropout = pytest.mark.parametrize("function", NOISE, ids=lambda f: f.__name__)


@every_dropout
def test_a_function_makes_the_mask_only_where_pytorch_draws(function):
    asked = []

    def make(shape):
        asked.append(shape)
        return np.ones(shape, bool)

    for p, training, x in (
        (0.0, True, ONES),
        (1.0, True, ONES),
        (0.5, False, ONES),
        (0.5, True, ONES[:0]),
    ):
        function(x, p, training, mask=make)
    assert asked == []
    function(ONES, 0.5, True, mask=make)
    assert asked == [NOISE[function]]


@every_dropout
def test_a_missing_mask_says_how_to_draw_it(function):
    with pytest.raises(TypeError, match=r"mask=generator.bernoulli\(0.75, \(2, 3, "):
        function(ONES, 0.25, True)


@every_dropout
def test_a_mask_of_another_shape_is_refused(function):
    with pytest.raises(ValueError, match=r"mask must have shape \(2, 3, "):
        function(ONES, 0.5, True, mask=np.ones((3, 4), bool))


@every_dropout
def test_a_probability_can_be_traced(function):
    mask = Generator(0).bernoulli(0.7, NOISE[function], bool)

    @jax.jit
    def run(p):
        return function(ONES, p, True, mask=mask)

    np.testing.assert_allclose(run(0.3), function(ONES, 0.3, True, mask=mask), 1e-6)
    assert np.isnan(run(1.5)).all()
    everything = jax.jit(lambda p: function(ONES, p, True, mask=np.ones_like(mask)))
    np.testing.assert_array_equal(everything(0.0), ONES)


def test_dropping_everything_keeps_signs_and_poison():
    x = np.array([-1.0, 2.0, np.inf, np.nan], np.float32)
    y = np.asarray(F.dropout(x, 1.0))
    np.testing.assert_array_equal(np.signbit(y[:2]), [True, False])
    assert np.isnan(y[2:]).all()


def test_integers_pass_where_nothing_is_drawn():
    x = np.arange(3)
    np.testing.assert_array_equal(F.dropout(x, 0.0), x)
    np.testing.assert_array_equal(F.dropout(x, 0.5, False), x)
    np.testing.assert_array_equal(F.dropout(x, 1.0), np.zeros(3))
    mask = np.ones(3, bool)
    with pytest.raises(RuntimeError, match="desired output type Long"):
        F.dropout(x, 0.5, mask=mask)
    with pytest.raises(NotImplementedError, match="'ComplexFloat'"):
        F.dropout(x.astype(np.complex64), 0.5, mask=mask)


def test_masks_of_numbers_are_masks():
    numbers = Generator(0).bernoulli(0.5, (3, 5))
    x = np.ones((3, 5), np.float32)
    np.testing.assert_array_equal(F.dropout(x, mask=numbers), 2 * numbers)


def test_half_precision_divides_the_noise_before_it_multiplies():
    x = jnp.asarray([1.1, 3.3], jnp.bfloat16)
    expected = x * jnp.asarray(1 / 0.9, jnp.bfloat16)
    y = F.dropout(x, 0.1, mask=[True, True])
    np.testing.assert_array_equal(y, expected)


def test_inplace_is_refused():
    with pytest.raises(ValueError, match="inplace=True"):
        F.dropout(ONES, inplace=True)


@pytest.mark.parametrize(
    ("function", "shape", "noise"),
    [
        (F.dropout2d, (2, 3, 4), (2, 3, 1)),
        (F.dropout2d, (2, 3), (2, 3)),
        (F.dropout3d, (3, 4), (3, 1)),
        (F.dropout3d, (4,), (4,)),
    ],
)
def test_other_dimensions_warn_and_mean_what_they_mean_in_pytorch(
    function, shape, noise
):
    mask = np.zeros(noise, bool)
    mask.flat[0] = True
    with pytest.warns(UserWarning, match=f"{function.__name__}: Received a") as caught:
        y = function(np.ones(shape, np.float32), 0.5, mask=mask)
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(y, np.broadcast_to(2.0 * mask, shape))


def test_channels_need_two_dimensions():
    with (
        pytest.warns(UserWarning, match="dropout2d"),
        pytest.raises(RuntimeError, match="requires at least 2 dimensions"),
    ):
        F.dropout2d(np.ones(3, np.float32))
    with pytest.raises(RuntimeError, match="requires at least 2 dimensions"):
        F.feature_alpha_dropout(np.ones(3, np.float32), training=True)


def test_alpha_dropout_keeps_mean_and_variance_of_normal_numbers():
    x = np.random.default_rng(0).normal(size=200_000).astype(np.float32)
    mask = Generator(0).bernoulli(0.8, x.shape, bool)
    y = F.alpha_dropout(x, 0.2, True, mask=mask)
    assert abs(float(y.mean())) < 0.01
    assert abs(float(y.std()) - 1) < 0.01
