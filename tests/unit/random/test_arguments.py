# SPDX-License-Identifier: Apache-2.0
"""What is refused: PyTorch's exceptions, a message that helps, no word drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from flaxnn.random import Generator

NAN, INF = float("nan"), float("inf")
ONES = np.ones(3, np.float32)

# Of Any, for the arguments are of types that no annotation allows.
Refused = tuple[Callable[[Any], object], type[Exception], str]

SEEDS: list[tuple[object, type[Exception], str]] = [
    (True, RuntimeError, "expected a long, but got bool"),
    (np.True_, RuntimeError, "expected a long, but got bool"),
    (None, RuntimeError, "expected a long, but got NoneType"),
    ("3", RuntimeError, "expected a long, but got str"),
    (1j, RuntimeError, "expected a long, but got complex"),
    (np.array([3]), RuntimeError, "expected a long, but got ndarray"),
    (2**64, ValueError, "Overflow when unpacking long long.*18446744073709551616"),
    (-(2**63) - 1, ValueError, "Overflow when unpacking long long"),
    (1e30, ValueError, "Overflow when unpacking long long"),
    (NAN, ValueError, "cannot convert float NaN to integer"),
    (INF, OverflowError, "cannot convert float infinity to integer"),
]

SIZES: list[Refused] = [
    (lambda g: g.rand(-1), RuntimeError, "negative dimension -1: \\[-1\\]"),
    (lambda g: g.rand(3, -2, 0), RuntimeError, "negative dimension -2: \\[3, -2, 0\\]"),
    (lambda g: g.randn(-1), RuntimeError, "negative dimension"),
    (lambda g: g.uniform((-1,)), RuntimeError, "negative dimension"),
    (lambda g: g.normal((-1,)), RuntimeError, "negative dimension"),
    (lambda g: g.exponential((-1,)), RuntimeError, "negative dimension"),
    (lambda g: g.bernoulli(0.5, (-1,)), RuntimeError, "negative dimension"),
    (lambda g: g.randint(0, 2, (-1,)), RuntimeError, "negative dimension"),
    (lambda g: g.random((-1,)), RuntimeError, "negative dimension"),
    (lambda g: g.randperm(-1), RuntimeError, "negative dimension -1: \\[-1\\]"),
    (lambda g: g.rand(2.0), TypeError, "'shape' must be int, not float"),
    (lambda g: g.rand(True), TypeError, "'shape' must be int, not bool"),
    (lambda g: g.rand("2"), TypeError, "'shape' must be int, not str"),
    (lambda g: g.uniform(None), TypeError, "'shape' must be int, not NoneType"),
    (lambda g: g.uniform([2, 0.5]), TypeError, "'shape' must be int, not float"),
    (lambda g: g.randperm(2.0), TypeError, "'n' must be int, not float"),
    (lambda g: g.randperm(True), TypeError, "'n' must be int, not bool"),
    (lambda g: g.rand(2**62, 2**62), RuntimeError, "Storage size calculation"),
    (lambda g: g.randperm(2**60), RuntimeError, "Storage size calculation"),
    (lambda g: g.rand(2**63), ValueError, "Overflow when unpacking long long"),
    (lambda g: g.rand(2**50), MemoryError, "allocate"),
]

DTYPES: list[Refused] = [
    (lambda g: g.rand(2, dtype=int), NotImplementedError, "not implemented for 'Long'"),
    (lambda g: g.rand(2, dtype="f2"), NotImplementedError, "for 'Half'.*float64"),
    (lambda g: g.randn(2, dtype="i4"), NotImplementedError, "normal_kernel_cpu.*'Int'"),
    (lambda g: g.rand(2, dtype=None), NotImplementedError, "for 'None'"),
    (lambda g: g.rand(2, dtype="no"), TypeError, "no"),
    (lambda g: g.random((2,), "u4"), NotImplementedError, "'UInt32'"),
    (lambda g: g.randint(0, 2, 2, "c8"), NotImplementedError, "'ComplexFloat'"),
    (lambda g: g.bernoulli(0.5, 2, "c8"), NotImplementedError, "'ComplexFloat'"),
    (lambda g: g.bernoulli(np.ones(2, int)), NotImplementedError, "'Long'"),
    (lambda g: g.exponential(2, 1, "i8"), NotImplementedError, "'Long'"),
    (lambda g: g.multinomial(np.ones(2, int), 1), RuntimeError, "floating.*Long"),
]

PARAMETERS: list[Refused] = [
    (lambda g: g.uniform(3, 1, 0), RuntimeError, "found from=1.0 > to=0.0"),
    (lambda g: g.uniform(0, 1, 0), RuntimeError, "found from=1.0 > to=0.0"),
    (lambda g: g.uniform(3, 0, INF), RuntimeError, "to is out of bounds for float"),
    (lambda g: g.uniform(3, NAN, 1), RuntimeError, "from is out of bounds for float"),
    (lambda g: g.uniform(3, 0, 1e39), RuntimeError, "out of bounds for float: got 1e"),
    (lambda g: g.uniform(3, -3e38, 3e38), RuntimeError, "to-from <= .*<Float>::max"),
    (
        lambda g: g.uniform(3, -1e308, 1e308, dtype=float),
        RuntimeError,
        "to-from <= .*<Double>::max",
    ),
    (lambda g: g.uniform(3, "0"), TypeError, "'low' must be float, not str"),
    (lambda g: g.uniform(3, 0, None), TypeError, "'high' must be float, not NoneType"),
    (lambda g: g.uniform(3, 1j), TypeError, "'low' must be float, not complex"),
    (lambda g: g.uniform(3, ONES), TypeError, "'low' must be float, not ndarray"),
    (lambda g: g.normal(3, 0, -1), RuntimeError, "std >= 0.0, but found std -1"),
    (lambda g: g.normal(0, 0, -1), RuntimeError, "std >= 0.0, but found std -1"),
    (lambda g: g.normal(40, 0, NAN), RuntimeError, "std >= 0.0, but found std nan"),
    (lambda g: g.normal(3, "0"), TypeError, "'mean' must be float, not str"),
    (lambda g: g.normal(3, 0, [1]), TypeError, "'std' must be float, not list"),
    (lambda g: g.randint(3, 3, 2), RuntimeError, "from=3 >= to=3"),
    (lambda g: g.randint(4, 3, 0), RuntimeError, "from=4 >= to=3"),
    (
        lambda g: g.randint(0, 257, 2, "u1"),
        RuntimeError,
        "to - 1 is out.*unsigned char",
    ),
    (lambda g: g.randint(-1, 2, 2, "u1"), RuntimeError, "from is out.*unsigned char"),
    (lambda g: g.randint(0, 3, 2, bool), RuntimeError, "to - 1 is out.*bool"),
    (
        lambda g: g.randint(0, 2**24 + 2, 2, "f4"),
        RuntimeError,
        "out of bounds.*16777216",
    ),
    (lambda g: g.randint(0, 2**63, 2), ValueError, "Overflow.*'high'"),
    (lambda g: g.randint(0.5, 3, 2), TypeError, "'low' must be int, not float"),
    (lambda g: g.randint(True, 3, 2), TypeError, "'low' must be int, not bool"),
    (lambda g: g.bernoulli(-0.1, 2), RuntimeError, "p to be in \\[0, 1\\].*p=-0.1"),
    (lambda g: g.bernoulli(1.1, 0), RuntimeError, "p to be in \\[0, 1\\].*p=1.1"),
    (lambda g: g.bernoulli(NAN, 2), RuntimeError, "p to be in \\[0, 1\\].*p=nan"),
    (lambda g: g.bernoulli(0.5), TypeError, "needs a shape"),
    (lambda g: g.bernoulli("a", 2), TypeError, "'p' must be float, not str"),
    (lambda g: g.bernoulli(ONES * 1.5), RuntimeError, "to be true.*is 1.5"),
    (lambda g: g.bernoulli(ONES * NAN), RuntimeError, "to be true.*is nan"),
    (lambda g: g.bernoulli(ONES, (3, 2)), RuntimeError, "cannot be broadcast"),
    (lambda g: g.exponential(2, 0), RuntimeError, "lambda > 0.0.*lambda=0"),
    (lambda g: g.exponential(2, NAN), RuntimeError, "lambda > 0.0.*lambda=nan"),
    (lambda g: g.exponential(2, "a"), TypeError, "'lambd' must be float, not str"),
]

WEIGHTS: list[Refused] = [
    (lambda g: g.multinomial([1.0, 2.0], 1), TypeError, "must be an array, not list"),
    (lambda g: g.multinomial(np.float32(1), 1), RuntimeError, "must be 1 or 2 dim"),
    (lambda g: g.multinomial(ONES.reshape(1, 1, 3), 1), RuntimeError, "1 or 2 dim"),
    (lambda g: g.multinomial(ONES, 0), RuntimeError, "n_sample <= 0"),
    (lambda g: g.multinomial(ONES, 4), RuntimeError, "without replacement: got 4 of 3"),
    (lambda g: g.multinomial(ONES, 1.0), TypeError, "'num_samples' must be int"),
    (lambda g: g.multinomial(ONES, True), TypeError, "'num_samples' must be int"),
    (lambda g: g.multinomial(-ONES, 1), RuntimeError, "element < 0"),
    (lambda g: g.multinomial(ONES * INF, 2, True), RuntimeError, "`inf`, `nan`"),
    (lambda g: g.multinomial(ONES * NAN, 1), RuntimeError, "`inf`, `nan`"),
    (lambda g: g.multinomial(ONES * 0, 1), RuntimeError, "sum of probabilities <= 0"),
    (lambda g: g.multinomial(ONES[:0], 1, True), RuntimeError, "sum of probabilities"),
    (lambda g: g.multinomial(np.eye(2) * [1, 0], 1), RuntimeError, "sum of prob"),
    (
        lambda g: g.multinomial(np.ones(2**24 + 1, np.float32), 1),
        RuntimeError,
        "cannot exceed 2\\^24",
    ),
]

STATES: list[Refused] = [
    (lambda g: g.set_state([0] * 5056), TypeError, "ByteTensor, but got list"),
    (lambda g: g.set_state(b"0" * 5056), TypeError, "ByteTensor, but got bytes"),
    (lambda g: g.set_state(g.get_state().astype("f4")), TypeError, "got float32"),
    (lambda g: g.set_state(g.get_state().view("i1")), TypeError, "got int8"),
    (lambda g: g.set_state(g.get_state()[1:]), RuntimeError, "size 5056.*to be 5055"),
    (
        lambda g: g.set_state(g.get_state().reshape(2, -1)),
        RuntimeError,
        "expected shape \\(5056,\\), got \\(2, 2528\\)",
    ),
]


@pytest.mark.parametrize(
    ("draw", "error", "message"),
    [*SIZES, *DTYPES, *PARAMETERS, *WEIGHTS, *STATES],
)
def test_bad_arguments(
    draw: Callable[[Generator], object], error: type[Exception], message: str
) -> None:
    generator = Generator(0, ledger=True)
    generator.randn(3)  # one normal number is cached
    before, words = generator.get_state(), generator.words_drawn
    with pytest.raises(error, match=message):
        draw(generator)
    np.testing.assert_array_equal(generator.get_state(), before)
    assert generator.words_drawn == words
    assert len(generator.ledger or []) == 1


@pytest.mark.parametrize(("seed", "error", "message"), SEEDS)
def test_bad_seeds(seed: int, error: type[Exception], message: str) -> None:
    generator = Generator(0)
    generator.randn(3)
    before = generator.get_state()
    with pytest.raises(error, match=message):
        generator.manual_seed(seed)
    np.testing.assert_array_equal(generator.get_state(), before)
    with pytest.raises(error, match=message):
        Generator(seed)


@pytest.mark.parametrize("version", ["", "2", "two", "1.6", "v2.13"])
def test_bad_versions(version: str) -> None:
    with pytest.raises(ValueError, match=f"torch_version must be.*'{version}'"):
        Generator(0, torch_version=version)


@pytest.mark.parametrize("version", ["1.7", "2.13", "2.13.0", "2.13.0+cpu", "3.0a1"])
def test_good_versions(version: str) -> None:
    assert Generator(0, torch_version=version).torch_version == version


@pytest.mark.parametrize("capability", ["AVX2", "avx512", ""])
def test_bad_capabilities(capability: str) -> None:
    with pytest.raises(ValueError, match=r"must be 'avx2'.*'default'"):
        Generator(0, cpu_capability=capability)
