# SPDX-License-Identifier: Apache-2.0
"""Shapes, dtypes and ranges of what is drawn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from flaxnn.random import Generator

FLOATS = (np.float32, np.float64)

SHAPED: dict[str, Callable[..., np.ndarray]] = {
    "rand": lambda g, shape, dtype: g.rand(shape, dtype=dtype),
    "randn": lambda g, shape, dtype: g.randn(shape, dtype=dtype),
    "uniform": lambda g, shape, dtype: g.uniform(shape, -1, 1, dtype=dtype),
    "normal": lambda g, shape, dtype: g.normal(shape, 1, 2, dtype=dtype),
    "exponential": lambda g, shape, dtype: g.exponential(shape, dtype=dtype),
    "randint": lambda g, shape, dtype: g.randint(0, 9, shape, dtype=dtype),
    "random": lambda g, shape, dtype: g.random(shape, dtype=dtype),
    "bernoulli": lambda g, shape, dtype: g.bernoulli(0.5, shape, dtype=dtype),
}


@pytest.mark.parametrize("kind", SHAPED)
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 0, 2), (5,), (2, 3), (4, 1, 9)])
def test_shape_and_dtype(kind: str, dtype: type, shape: tuple[int, ...]) -> None:
    drawn = SHAPED[kind](Generator(0), shape, dtype)
    assert isinstance(drawn, np.ndarray)
    assert drawn.shape == shape
    assert drawn.dtype == dtype
    assert drawn.flags.c_contiguous
    assert drawn.flags.writeable
    # The shape only arranges the numbers.
    flat = SHAPED[kind](Generator(0), int(np.prod(shape)), dtype)
    np.testing.assert_array_equal(drawn.reshape(-1), flat)


@pytest.mark.parametrize("method", ["rand", "randn"])
def test_sizes_can_be_given_in_three_ways(method: str) -> None:
    draws = [
        getattr(Generator(0), method)(2, 3),
        getattr(Generator(0), method)((2, 3)),
        getattr(Generator(0), method)([np.int64(2), np.int32(3)]),
    ]
    for drawn in draws[1:]:
        np.testing.assert_array_equal(drawn, draws[0])
    assert getattr(Generator(0), method)().shape == ()


def test_float32_is_the_default() -> None:
    generator = Generator(0)
    for drawn in (
        generator.rand(2),
        generator.randn(2),
        generator.uniform(2),
        generator.normal(2),
        generator.exponential(2),
        generator.bernoulli(0.5, 2),
    ):
        assert drawn.dtype == np.float32
    for drawn in (
        generator.randint(0, 3, 2),
        generator.random(),
        generator.randperm(3),
        generator.multinomial(np.ones(3), 2),
    ):
        assert drawn.dtype == np.int64


@pytest.mark.parametrize("dtype", FLOATS)
def test_uniform_stays_below_its_upper_end(dtype: type) -> None:
    # Two neighbouring numbers: half of the sums round up.
    low = dtype(1)
    high = np.nextafter(low, dtype(2))
    assert set(Generator(0).uniform(1000, low, high, dtype=dtype)) == {low}
    before = Generator(0, torch_version="2.11").uniform(1000, low, high, dtype=dtype)
    assert set(before) == {low, high}


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_point_is_a_range(dtype: type) -> None:
    assert set(Generator(0).uniform(9, 2.5, 2.5, dtype=dtype)) == {dtype(2.5)}
    assert set(Generator(0).normal(40, 2.5, 0, dtype=dtype)) == {dtype(2.5)}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n", [5, 40])
def test_extreme_parameters_warn_of_nothing(dtype: type, n: int) -> None:
    generator = Generator(0)
    assert np.isinf(generator.normal(n, np.inf, 1, dtype=dtype)).all()
    assert np.isinf(generator.normal(n, 0, np.inf, dtype=dtype)).all()
    assert np.isnan(generator.normal(n, np.nan, 1, dtype=dtype)).all()
    assert (generator.exponential(n, np.inf, dtype=dtype) == 0).all()
    assert np.isinf(generator.exponential(n, 1e-320, dtype=dtype)).all()
    wide = generator.uniform(n, 0, np.finfo(dtype).max, dtype=dtype)
    assert np.isfinite(wide).all()
    overflowing = generator.normal(n, 0, 1e300, dtype=dtype)
    assert np.isinf(overflowing).all() == (dtype == np.float32)


@pytest.mark.parametrize("capability", ["avx2", "default"])
@pytest.mark.parametrize("dtype", FLOATS)
def test_normal_numbers_are_normal(capability: str, dtype: type) -> None:
    drawn = Generator(0, cpu_capability=capability).normal(10**5, 3, 2, dtype=dtype)
    assert abs(drawn.mean() - 3) < 0.03
    assert abs(drawn.std() - 2) < 0.03
    within = np.mean(np.abs(drawn - 3) < 2)
    assert abs(within - 0.6827) < 0.005


def test_capability_changes_last_bits_only() -> None:
    for draw in (
        lambda g: g.uniform(1000, -0.3, 1.6),
        lambda g: g.randn(1000),
        lambda g: g.normal(15, 0.3, 1.7, dtype=np.float64),
    ):
        fused = draw(Generator(0, cpu_capability="avx2"))
        plain = draw(Generator(0, cpu_capability="default"))
        assert not np.array_equal(fused, plain)
        eps = float(np.finfo(fused.dtype).eps)
        np.testing.assert_allclose(fused, plain, rtol=8 * eps, atol=16 * eps)


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "int16", "int32", "uint8", "uint16", "uint32", "uint64"]
)
def test_integers_reach_both_ends(dtype: str) -> None:
    info = np.iinfo("uint8" if dtype == "bool" else dtype)
    low = max(int(info.min), -100)
    high = 2 if dtype == "bool" else min(int(info.max) + 1, 100)
    drawn = Generator(0).randint(low, high, 5000, dtype=dtype)
    assert drawn.dtype == dtype
    assert (int(drawn.min()), int(drawn.max())) == (low, high - 1)


def test_integers_of_the_whole_range() -> None:
    low, high = -(2**63), 2**63 - 1
    drawn = Generator(0).randint(low, high, 1000)
    assert drawn.min() < low // 2
    assert drawn.max() > high // 2


def test_bernoulli_broadcasts_and_keeps_its_dtype() -> None:
    p = np.array([0.0, 1.0, 1.0], np.float32)
    np.testing.assert_array_equal(Generator(0).bernoulli(p), p)
    spread = Generator(0).bernoulli(p, (4, 3))
    np.testing.assert_array_equal(spread, np.tile(p, (4, 1)))
    assert Generator(0).bernoulli(p, dtype=bool).dtype == np.bool_
    assert Generator(0).bernoulli(np.array(0.5)).shape == ()
    assert Generator(0).bernoulli(True, (2,)).tolist() == [1, 1]
    # In the order of the indices, whatever the layout of p.
    layout = np.full((3, 4), 0.5, np.float32)
    np.testing.assert_array_equal(
        Generator(0).bernoulli(np.asfortranarray(layout)),
        Generator(0).bernoulli(layout),
    )


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("replacement", [True, False])
def test_multinomial_shapes_and_frequencies(dtype: type, replacement: bool) -> None:
    weights = np.array([1, 0, 2, 5], dtype)
    rows = np.tile(weights, (4000, 1))
    drawn = Generator(0).multinomial(rows, 2, replacement)
    assert drawn.shape == (4000, 2)
    shares = np.bincount(drawn[:, 0], minlength=4) / 4000
    np.testing.assert_allclose(shares, weights / 8, atol=0.02)
    assert (drawn != 1).all()
    assert (drawn[:, 0] == drawn[:, 1]).any() == replacement
    assert Generator(0).multinomial(weights, 3, replacement).shape == (3,)
    assert Generator(0).multinomial(rows[:0], 2, replacement).shape == (0, 2)


def test_multinomial_of_an_overflowing_sum() -> None:
    """PyTorch's cumulative sums are then 0 and nan; it draws the first nan."""
    weights = np.array([1, 3e38, 3e38, 3e38], np.float32)
    assert set(Generator(0).multinomial(weights, 9, replacement=True)) == {2}
