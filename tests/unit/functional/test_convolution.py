# SPDX-License-Identifier: Apache-2.0
"""Convolutions: precision, layout, groups, and what is whose transpose."""

from __future__ import annotations

from typing import Any

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import flaxnn.functional as F
from flaxnn.functional._convolve import _groups_per_chunk

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 6, 9, 8)).astype(np.float32)
W = RNG.normal(size=(4, 6, 3, 2)).astype(np.float32)


def test_channels_come_second_and_the_weight_is_out_in_height_width():
    y = F.conv2d(X, W)
    assert y.shape == (2, 4, 7, 7)
    window = X[1, :, 2:5, 6:8]
    np.testing.assert_allclose(y[1, 3, 2, 6], np.sum(window * W[3]), rtol=1e-5)


def _text(function: Any, *args: Any, platform: str = "cpu") -> str:
    return jax.export.export(jax.jit(function), platforms=[platform])(
        *args
    ).mlir_module()


def _gradients(function: Any) -> Any:
    return jax.grad(lambda x, w: function(x, w).sum(), argnums=(0, 1))


@pytest.mark.parametrize("function", [F.conv2d, F.conv_transpose2d])
def test_the_products_of_gradients_ask_for_the_highest_precision(function: Any):
    weight = W if function is F.conv2d else W.swapaxes(0, 1)
    text = _text(_gradients(function), X, weight)
    products = text.count("stablehlo.convolution")
    assert products == text.count("#stablehlo<precision HIGHEST>, ")
    assert products >= 2


def test_the_precision_can_be_chosen():
    text = _text(lambda x, w: F.conv2d(x, w, precision=lax.Precision.DEFAULT), X, W)
    assert "stablehlo.convolution" in text
    assert "HIGHEST" not in text


GROUPED = RNG.normal(size=(12, 2, 3, 3)).astype(np.float32)


def _grouped(x: Any, w: Any) -> jax.Array:
    return F.conv2d(x, w, groups=3, stride=2, padding=1)


def _native(x: Any, w: Any) -> jax.Array:
    return lax.conv_general_dilated(
        x, w, (2, 2), [(1, 1), (1, 1)], feature_group_count=3, precision="highest"
    )


def test_groups_are_joined_on_cpu_only():
    assert "feature_group_count = 3" not in _text(_grouped, X, GROUPED)
    for platform in ("cuda", "tpu"):
        text = _text(_grouped, X, GROUPED, platform=platform)
        assert "feature_group_count = 3" in text
        assert text.count("stablehlo.convolution") == 1


def test_joined_groups_are_xlas_groups():
    np.testing.assert_allclose(_grouped(X, GROUPED), _native(X, GROUPED), atol=1e-5)
    ours = _gradients(lambda x, w: jnp.sin(_grouped(x, w)))(X, GROUPED)
    theirs = _gradients(lambda x, w: jnp.sin(_native(x, w)))(X, GROUPED)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-4), ours, theirs)


def test_groups_under_vmap():
    weights = np.stack([GROUPED, -GROUPED, 2 * GROUPED])
    mapped = jax.vmap(_grouped, in_axes=(None, 0))(X, weights)
    looped = np.stack([_grouped(X, w) for w in weights])
    np.testing.assert_allclose(mapped, looped, atol=1e-5)


@pytest.mark.parametrize(
    ("groups", "channels", "joined"),
    [
        (2, 32, 1),
        (4, 8, 2),
        (32, 1, 16),
        (3, 2, 3),
        (512, 1, 32),
        (7, 1, 7),
        (64, 64, 4),
    ],
)
def test_chunks_hold_16_channels_and_are_no_more_than_16(
    groups: int, channels: int, joined: int
):
    assert _groups_per_chunk(groups, channels) == joined


@pytest.mark.parametrize("stride", [1, 2, (3, 1)])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("groups", [1, 2])
def test_a_transposed_convolution_is_the_transpose(
    stride: Any, dilation: int, groups: int
):
    weight = W[:, : 6 // groups]
    options = {"stride": stride, "dilation": dilation, "groups": groups, "padding": 1}

    def forward(x: jax.Array) -> jax.Array:
        return F.conv2d(x, weight, **options)

    y = forward(jnp.asarray(X))
    cotangent = RNG.normal(size=y.shape).astype(np.float32)
    (expected,) = jax.vjp(forward, jnp.asarray(X))[1](jnp.asarray(cotangent))
    back = F.conv_transpose2d(cotangent, weight, **options)
    smaller = expected[..., : back.shape[2], : back.shape[3]]
    np.testing.assert_allclose(back, smaller, atol=1e-4)
    rest = [a - b for a, b in zip(X.shape[2:], back.shape[2:], strict=True)]
    whole = F.conv_transpose2d(cotangent, weight, output_padding=rest, **options)
    np.testing.assert_allclose(whole, expected, atol=1e-4)


def test_second_derivatives():
    def loss(w: jax.Array) -> jax.Array:
        return jnp.sum(jnp.tanh(F.conv1d(X[:, :, 0], w, groups=2, padding=1)))

    weight = jnp.asarray(W[:, :3, :, 0])
    direction = jnp.cos(weight)
    _, ours = jax.jvp(jax.grad(loss), (weight,), (direction,))
    (reverse,) = jax.vjp(jax.grad(loss), weight)[1](direction)
    np.testing.assert_allclose(ours, reverse, atol=1e-4)


def test_integers_convolve_exactly():
    x = np.arange(24).reshape(1, 2, 3, 4)
    y = F.conv2d(x, np.ones((1, 2, 2, 2), int))
    assert y.dtype == jnp.int32
    assert y[0, 0, 0, 0] == 0 + 1 + 4 + 5 + 12 + 13 + 16 + 17
