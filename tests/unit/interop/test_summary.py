# SPDX-License-Identifier: Apache-2.0
"""Statistics and differences of what files hold, against NumPy on whole arrays."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from flaxnn.interop import _summary
from flaxnn.interop._dtypes import TABLE, of_array
from flaxnn.interop._summary import differences, named_entries, summaries

REAL = [row.numpy for row in TABLE if row.numpy.kind != "c"]


def values_of(dtype: np.dtype, count: int = 997) -> np.ndarray:
    """Numbers that fit the dtype."""
    low = 0 if dtype.kind in "ub" or "e8m0" in dtype.name else -20
    high = 2 if dtype.kind == "b" else 20
    numbers = np.random.default_rng(0).uniform(low, high, count)
    return numbers.astype(np.int64 if dtype.kind in "iub" else np.float64).astype(dtype)


def assert_statistics(one: _summary.TensorSummary, values: np.ndarray) -> None:
    """Holds a summary against NumPy's statistics of the finite elements."""
    wide = values.astype(np.float64)
    finite = wide[np.isfinite(wide)]
    assert (one.minimum, one.maximum) == (finite.min(), finite.max())
    assert one.mean == pytest.approx(finite.mean(), rel=1e-12)
    assert one.std == pytest.approx(finite.std(), rel=1e-12)
    assert one.nonfinite == wide.size - finite.size


@pytest.mark.parametrize("chunk", [1 << 20, 100, 1], ids=["one", "several", "single"])
@pytest.mark.parametrize("dtype", REAL, ids=str)
def test_statistics(
    dtype: np.dtype, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_summary, "_CHUNK", chunk)
    values = values_of(dtype).reshape(-1, 1)
    (one,) = summaries({"a": {"b": values}})
    assert (one.name, one.shape, one.bytes) == ("a.b", (997, 1), values.nbytes)
    assert one.dtype == of_array(dtype).torch
    assert_statistics(one, values)


@pytest.mark.parametrize(
    "dtype",
    [np.float64, np.float32, np.float16, ml_dtypes.bfloat16, ml_dtypes.float8_e5m2],
)
def test_what_is_not_finite_is_counted_and_left_out(
    dtype: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_summary, "_CHUNK", 3)
    values = np.array([np.nan, np.inf, -np.inf, np.nan, 1, -2, np.inf, 4], dtype)
    (one,) = summaries({"a": values})
    assert one.nonfinite == 5
    assert_statistics(one, values)


@pytest.mark.parametrize("dtype", [row.numpy for row in TABLE], ids=str)
def test_any_bits_have_a_summary(dtype: np.dtype) -> None:
    """Signalling nan and numbers near the limit too, and no warning of NumPy's."""
    raw = np.random.default_rng(0).integers(0, 256, 16_000, np.uint8)
    values = (raw % 2 if dtype.kind == "b" else raw).view(dtype)
    (one,) = summaries([values])
    with np.errstate(invalid="ignore"):
        assert one.nonfinite == np.count_nonzero(~np.isfinite(values))
    changed = values.copy()
    changed.view(np.uint8)[5] ^= 1
    (difference,) = differences([values], [changed])
    assert difference.what == "values"


def test_beyond_float64() -> None:
    (one,) = summaries({"a": np.array([1e300, -1e300, 1e308, 1e308])})
    assert (one.minimum, one.maximum) == (-1e300, 1e308)
    assert (one.mean, one.std) == (None, None)


@pytest.mark.parametrize(
    ("values", "nonfinite"),
    [
        pytest.param(np.empty((0, 3)), 0, id="empty"),
        pytest.param(np.full(3, np.nan), 3, id="nan"),
        pytest.param(np.array([1 + 2j, np.nan]), 1, id="complex"),
    ],
)
def test_without_statistics(values: np.ndarray, nonfinite: int) -> None:
    (one,) = summaries({"a": values})
    assert (one.minimum, one.maximum, one.mean, one.std) == (None,) * 4
    assert one.nonfinite == nonfinite


def test_strided_and_tied() -> None:
    base = np.arange(12.0).reshape(3, 4)
    found = summaries(
        {"a": base, "t": base.T, "a again": base[:], "e": base[:0], "f": base[:0]}
    )
    assert [one.shares for one in found] == [None, None, "a", None, None]
    assert_statistics(found[1], base)


def test_names_of_entries() -> None:
    value = {"a": [1, {"b": None}], 3: (), "c": {}, "d": "text"}
    assert list(named_entries(value)) == [
        ("a.0", 1),
        ("a.1.b", None),
        ("3", ()),
        ("c", {}),
        ("d", "text"),
    ]
    assert list(named_entries(5)) == [("", 5)]


X = np.arange(6.0)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        pytest.param({"a": X}, {}, ("a", "missing", None), id="missing"),
        pytest.param({}, {"a": X}, ("a", "unexpected", None), id="unexpected"),
        pytest.param([X], [X[:, None]], ("0", "shape", None), id="shape"),
        pytest.param([X], [X.astype("f4")], ("0", "dtype", None), id="dtype"),
        pytest.param([X], [X + 0.5 * (X == 2)], ("0", "values", 0.5), id="value"),
        pytest.param([np.zeros(1)], [-np.zeros(1)], ("0", "values", 0.0), id="sign"),
        pytest.param(
            [np.array([np.nan, 1])],
            [np.array([np.nan, 3])],
            ("0", "values", 2),
            id="nan in both",
        ),
        pytest.param(
            [np.array([np.nan, 1])],
            [np.array([2.0, 1])],
            ("0", "values", None),
            id="nan in one",
        ),
        pytest.param(
            [np.array(np.inf)], [np.array(-np.inf)], ("0", "values", None), id="inf"
        ),
        pytest.param(
            [np.array([3 + 4j])],
            [np.zeros(1, "c16")],
            ("0", "values", 5.0),
            id="complex",
        ),
        pytest.param(
            [np.array(True)], [np.array(False)], ("0", "values", 1), id="bool"
        ),
        pytest.param({"a": 1}, {"a": 2}, ("a", "entry", None), id="number"),
        pytest.param({"a": 1}, {"a": True}, ("a", "entry", None), id="type"),
        pytest.param({"a": 0.0}, {"a": -0.0}, ("a", "entry", None), id="float"),
        pytest.param({"a": []}, {"a": {}}, ("a", "entry", None), id="container"),
        pytest.param(
            {"a": 1.0}, {"a": np.array(1.0)}, ("a", "entry", None), id="array"
        ),
        pytest.param(
            {"a.b": X, "a": {"b": X}},
            {"a.b": X, "a": {"b": -X}},
            ("a.b (2)", "values", 10.0),
            id="one name for two",
        ),
    ],
)
def test_differences(one: Any, other: Any, expected: tuple) -> None:
    (found,) = differences(one, other)
    assert (found.name, found.what, found.largest) == expected


def test_what_is_the_same() -> None:
    nan = np.array([np.nan, -0.0])
    value = {"a": nan, "b": [float("nan"), np.float64(0.5), "x", None], "c": {}}
    same = {"a": nan[:], "b": [float("nan"), 0.5, "x", None], "c": {}}
    assert differences(value, same) == []


def test_bits_of_nan_count() -> None:
    quiet = np.array([0x7FC00000, 0x7FC00000], np.uint32).view(np.float32)
    other = np.array([0x7FC00000, 0x7FC00001], np.uint32).view(np.float32)
    (found,) = differences([quiet], [other])
    assert found.detail == "1 of 2 elements"
