"""Initialisers: bounds, draws and bad input."""

import math

import numpy as np
import pytest
from flax import nnx

from flaxnn import init
from flaxnn.random import Generator


def test_kaiming_draws_the_stream_of_a_symmetric_uniform():
    weight = init.kaiming_uniform((3, 5), a=math.sqrt(5), rngs=Generator(4))
    bound = math.sqrt(3.0) * (math.sqrt(2.0 / 6) / math.sqrt(5))
    expected = Generator(4).uniform((3, 5), -bound, bound)
    np.testing.assert_array_equal(weight, expected)


def test_float64_weights_are_float64_without_x64():
    weight = init.uniform((3,), rngs=Generator(0), dtype="float64")
    expected = Generator(0).uniform((3,), dtype=np.float64)
    assert weight.dtype == np.float64
    np.testing.assert_array_equal(weight, expected)
    assert init.uniform((3,), rngs=nnx.Rngs(0), dtype="float64").dtype == np.float64
    assert init.zeros((2,), dtype="float64").dtype == np.float64


def test_fans():
    assert init.fan_in_and_fan_out((8, 4)) == (4, 8)
    assert init.fan_in_and_fan_out((8, 4, 3, 5)) == (60, 120)
    with pytest.raises(ValueError, match="fewer than 2"):
        init.fan_in_and_fan_out((3,))


@pytest.mark.parametrize(
    ("name", "gain"),
    [
        ("linear", 1),
        ("conv2d", 1),
        ("sigmoid", 1),
        ("tanh", 5 / 3),
        ("relu", math.sqrt(2)),
        ("leaky_relu", math.sqrt(2 / 1.0001)),
        ("selu", 0.75),
    ],
)
def test_gains(name, gain):
    assert init.calculate_gain(name) == gain


def test_bad_input():
    with pytest.raises(ValueError, match="Unsupported nonlinearity gelu"):
        init.calculate_gain("gelu")
    with pytest.raises(ValueError, match="not a valid number"):
        init.calculate_gain("leaky_relu", True)
    with pytest.raises(ValueError, match="Mode fan not supported"):
        init.kaiming_uniform((2, 2), mode="fan", rngs=Generator(0))
    with pytest.raises(TypeError, match="Generator"):
        init.uniform((2,), rngs=None)
    with pytest.warns(UserWarning, match="zero-element tensors"):
        assert init.kaiming_uniform((0, 2), rngs=Generator(0)).shape == (0, 2)
