# SPDX-License-Identifier: Apache-2.0
"""What the arrays of a file are, and how those of two files differ."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from flaxnn.interop._dtypes import of_array

# Elements that are widened at a time, so that a statistic needs little memory.
_CHUNK = 1 << 20


@dataclass(frozen=True)
class TensorSummary:
    """One array of a file.

    Attributes:
        name: Its name; those of nested containers joined with dots.
        dtype: PyTorch's name of its dtype.
        shape: Its sizes.
        bytes: What its elements take.
        minimum: The smallest finite element; None without one, and for complex numbers.
        maximum: The largest one; likewise.
        mean: Their mean, in float64; likewise, and where it is beyond that.
        std: Their standard deviation; likewise.
        nonfinite: How many elements are nan or infinite.
        shares: The name of the first array with the same memory, if there is one.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    std: float | None
    nonfinite: int
    shares: str | None


@dataclass(frozen=True)
class Difference:
    """How an array of one file differs from that of the other.

    Attributes:
        name: Its name.
        what: ``"missing"`` (in the second file), ``"unexpected"``, ``"shape"``,
            ``"dtype"``, ``"values"`` or, for entries that are no arrays, ``"entry"``.
        detail: Both sides, for a reader.
        largest: The largest absolute difference of values, if that is what differs;
            None also if every two that differ have a nan or infinity.
    """

    name: str
    what: str
    detail: str
    largest: float | None = None


def named_entries(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The arrays and other entries of nested containers, with their dotted names."""
    items: Any = None
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    if items is None or (prefix and not value):
        yield prefix.removesuffix("."), value
        return
    for key, one in items:
        yield from named_entries(one, f"{prefix}{key}.")


def summaries(value: Any) -> list[TensorSummary]:
    """One summary for each array of what a file holds, in its order."""
    first: dict[tuple[Any, ...], str] = {}
    found = []
    for name, array in named_entries(value):
        if isinstance(array, np.ndarray):
            memory = (array.ctypes.data, array.shape, array.strides, array.dtype)
            shares = first.get(memory) if array.size else None
            first.setdefault(memory, name)
            found.append(_summary(name, array, shares))
    return found


def _summary(name: str, array: np.ndarray, shares: str | None) -> TensorSummary:
    moments = _Moments()
    nonfinite = 0
    for part in _parts(array):
        finite = part[np.isfinite(part)]
        nonfinite += part.size - finite.size
        if finite.size and array.dtype.kind != "c":
            moments.add(finite)
    dtype = of_array(array.dtype).torch
    return TensorSummary(
        name,
        dtype,
        array.shape,
        array.nbytes,
        *moments.values(),
        nonfinite=nonfinite,
        shares=shares,
    )


class _Moments:
    """Extremes, mean and deviation of numbers that come in parts."""

    def __init__(self) -> None:
        self._count, self._mean, self._squares = 0, 0.0, 0.0
        self._low, self._high = np.inf, -np.inf

    def add(self, part: np.ndarray) -> None:
        """Takes further numbers in, by the update of Chan et al., 1979."""
        count = self._count + part.size
        with np.errstate(over="ignore", invalid="ignore"):
            apart = part.mean() - self._mean
            self._squares += part.var() * part.size
            self._squares += apart**2 * self._count * part.size / count
            self._mean += apart * part.size / count
        self._count = count
        self._low, self._high = min(self._low, part.min()), max(self._high, part.max())

    def values(self) -> tuple[float | None, float | None, float | None, float | None]:
        """Smallest, largest, mean, standard deviation; None where there was none."""
        if not self._count:
            return None, None, None, None
        deviation = np.sqrt(self._squares / self._count)
        mean, std = (
            float(one) if np.isfinite(one) else None for one in (self._mean, deviation)
        )
        return float(self._low), float(self._high), mean, std


def _parts(array: np.ndarray) -> Iterator[np.ndarray]:
    """An array in flat parts of float64, or complex128."""
    flat = array.reshape(-1) if array.flags.c_contiguous else array.flatten()
    for start in range(0, flat.size, _CHUNK):
        yield _wide(flat[start : start + _CHUNK])


def _wide(array: np.ndarray) -> np.ndarray:
    """An array in float64, or complex128; signalling nan of any dtype are quiet."""
    with np.errstate(invalid="ignore"):
        return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def differences(one: Any, other: Any) -> list[Difference]:
    """What differs between what two files hold: names, shapes, dtypes and bits.

    Bits decide: two nan of the same bits are equal, 0.0 and -0.0 are not.
    """
    left, right = _by_name(one), _by_name(other)
    found = []
    for name, a in left.items():
        if name not in right:
            found.append(Difference(name, "missing", _described(a)))
        elif (difference := _difference(name, a, right[name])) is not None:
            found.append(difference)
    for name, b in right.items():
        if name not in left:
            found.append(Difference(name, "unexpected", _described(b)))
    return found


def _by_name(value: Any) -> dict[str, Any]:
    """The entries under their names; those that have the same are counted."""
    found: dict[str, Any] = {}
    for name, one in named_entries(value):
        unique, count = name, 1
        while unique in found:
            count += 1
            unique = f"{name} ({count})"
        found[unique] = one
    return found


def _same_entry(a: Any, b: Any) -> bool:
    """Whether two entries are equal; a NumPy number is the number that it is."""
    a, b = (one.item() if isinstance(one, np.generic) else one for one in (a, b))
    if type(a) is not type(b) or isinstance(a, np.ndarray):
        return False
    if isinstance(a, float):
        return struct.pack("d", a) == struct.pack("d", b)
    return a == b


def _difference(name: str, a: Any, b: Any) -> Difference | None:
    both = f"{_described(a)} and {_described(b)}"
    if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)):
        return None if _same_entry(a, b) else Difference(name, "entry", both)
    if a.shape != b.shape:
        return Difference(name, "shape", f"{a.shape} and {b.shape}")
    if a.dtype != b.dtype:
        return Difference(name, "dtype", f"{a.dtype} and {b.dtype}")
    bits = f"V{a.dtype.itemsize}"
    unequal = np.ascontiguousarray(a).view(bits) != np.ascontiguousarray(b).view(bits)
    if not unequal.any():
        return None
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(_wide(a) - _wide(b))
    # Where one is nan or infinite there is no distance to speak of.
    apart = apart.reshape(-1)[unequal.reshape(-1)]
    apart = apart[np.isfinite(apart)]
    largest = float(apart.max()) if apart.size else None
    return Difference(
        name, "values", f"{int(unequal.sum()):,} of {a.size:,} elements", largest
    )


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    return repr(value)[:60]
