# SPDX-License-Identifier: Apache-2.0
"""Initialisers: bounds, draws and bad input."""

import math

import jax
import jax.numpy as jnp
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


SOURCES = [Generator, nnx.Rngs]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (6, 6), (3, 2, 2)])
def test_orthogonal_is_orthogonal(source, dtype, shape):
    weight = np.asarray(init.orthogonal(shape, 1.5, rngs=source(3), dtype=dtype))
    matrix = weight.reshape(shape[0], -1).astype(np.float64)
    tall = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
    identity = np.eye(tall.shape[1]) * 1.5**2
    atol = {"float32": 2e-6, "float64": 1e-14}[dtype]
    np.testing.assert_allclose(tall.T @ tall, identity, 0, atol)


@pytest.mark.parametrize("source", SOURCES)
def test_every_column_of_sparse_has_its_zeros(source):
    weight = np.asarray(init.sparse((10, 7), 0.25, rngs=source(0)))
    np.testing.assert_array_equal((weight == 0).sum(axis=0), 3)
    assert len({tuple(column) for column in (weight == 0).T}) > 1


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("bounds", [(-1.0, 0.5), (2.0, 3.0), (-2.0, -1.5)])
def test_trunc_normal_stays_inside(source, bounds):
    low, high = bounds
    drawn = init.trunc_normal((500,), 0.0, 1.0, low, high, rngs=source(0))
    assert low <= drawn.min() < drawn.max() <= high


def test_the_warning_of_trunc_normal_points_here():
    with pytest.warns(UserWarning, match="more than 2 std") as caught:
        init.trunc_normal((2,), 9.0, rngs=Generator(0))
    assert caught[0].filename == __file__


def test_half_precision_consumes_the_stream_block_by_block():
    # 16 numbers for the first block and 16 for the last; float32 takes 17 and 16.
    generator = Generator(0)
    init.normal((17,), rngs=generator, dtype="bfloat16")
    assert generator.words_drawn == 32


def test_what_older_releases_drew_otherwise_is_refused():
    old = Generator(0, torch_version="2.6.0")
    with pytest.raises(NotImplementedError, match="trunc_normal is reproduced for"):
        init.trunc_normal((2,), rngs=old)
    with pytest.raises(NotImplementedError, match="float16's stream is reproduced for"):
        init.uniform((2,), rngs=old, dtype="float16")
    assert old.words_drawn == 0
    init.trunc_normal((2,), rngs=Generator(0, torch_version="2.12.1+cpu"))


def test_traced_options_are_taken_and_bad_ones_give_nan():
    def drawn(std):
        return init.normal((3,), 0.0, std, rngs=nnx.Rngs(0))

    mapped = jax.vmap(drawn)(jnp.array([2.0, -1.0]))
    np.testing.assert_array_equal(mapped[0], drawn(2.0))
    assert np.isnan(mapped[1]).all()

    def between(high):
        return init.uniform((3,), 0.0, high, rngs=nnx.Rngs(0))

    mapped = jax.vmap(between)(jnp.array([2.0, -1.0]))
    np.testing.assert_array_equal(mapped[0], between(2.0))
    assert np.isnan(mapped[1]).all()


def test_bad_input():
    with pytest.raises(ValueError, match="Unsupported nonlinearity gelu"):
        init.calculate_gain("gelu")
    with pytest.raises(ValueError, match="not a valid number"):
        init.calculate_gain("leaky_relu", True)
    with pytest.raises(ValueError, match="Mode fan not supported"):
        init.kaiming_uniform((2, 2), mode="fan", rngs=Generator(0))
    with pytest.raises(TypeError, match="Generator"):
        init.uniform((2,), rngs=None)
    with pytest.raises(TypeError, match="Generator"):
        init.trunc_normal((2,), rngs=jax.random.key(0))
    with pytest.warns(UserWarning, match="zero-element tensors"):
        assert init.kaiming_uniform((0, 2), rngs=Generator(0)).shape == (0, 2)
