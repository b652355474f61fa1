# SPDX-License-Identifier: Apache-2.0
"""Convolution modules: sizes that are asked for, options that are lists."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import flaxnn.functional as F
from flaxnn import nn
from flaxnn.random import Generator


@pytest.mark.parametrize("size", [(13,), (14,), (15,), (2, 13), (2, 15)])
def test_an_output_size_is_reached_by_output_padding(size: tuple[int, ...]):
    layer = nn.ConvTranspose1d(4, 2, 4, 3, 0, rngs=Generator(0))
    x = jnp.ones((4, 4))
    y = layer(x, output_size=size)
    weight, bias = layer.weight.get_value(), layer.bias.get_value()
    expected = F.conv_transpose1d(x, weight, bias, 3, 0, size[-1] - 13)
    assert y.shape == (2, size[-1])
    np.testing.assert_array_equal(y, expected)


def test_other_sizes_are_refused():
    layer = nn.ConvTranspose1d(4, 2, 4, 3, rngs=Generator(0))
    for size in (12, 16):
        with pytest.raises(ValueError, match="valid sizes range from"):
            layer(jnp.ones((4, 4)), output_size=(size,))


@pytest.mark.parametrize(
    "build",
    [
        lambda: nn.Conv2d(1, 2, [3, 3], [1, 2], [0, 1], [1, 1], rngs=Generator(0)),
        lambda: nn.MaxPool2d([2, 2], [1, 2]),
        lambda: nn.AvgPool2d([2, 2], None, [0, 1]),
        lambda: nn.LPPool2d(2, [2, 2]),
        lambda: nn.AdaptiveAvgPool2d([2, None]),
        lambda: nn.AdaptiveMaxPool2d([2, 2]),
        lambda: nn.ZeroPad2d([1, 1, 0, 0]),
        lambda: nn.Unflatten(1, [1, 1]),
        lambda: nn.Unfold([2, 2]),
    ],
)
def test_options_that_are_lists_leave_a_module_hashable(build):
    one, other = (nnx.split(build())[0] for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_a_padding_mode_pads_in_front_of_the_convolution(mode: str):
    options = {"padding": (1, 2), "stride": 2, "rngs": Generator(3)}
    layer = nn.Conv2d(2, 3, 3, padding_mode=mode, **options)
    x = np.random.default_rng(0).normal(size=(1, 2, 5, 6)).astype(np.float32)
    weight, bias = layer.weight.get_value(), layer.bias.get_value()
    expected = F.conv2d(F.pad(x, (2, 2, 1, 1), mode), weight, bias, stride=2)
    np.testing.assert_array_equal(layer(x), expected)
