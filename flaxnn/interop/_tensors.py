# SPDX-License-Identifier: Apache-2.0
"""Tensors as views of the storages in a file."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from flaxnn.interop._errors import FileFormatError

# NumPy's own limit; PyTorch saves no more either.
MAX_DIMENSIONS = 64
_NO_STORAGE = "the pickle has a persistent id of no storage"
# How many converted copies there may be of a storage: as one dtype, perhaps as another
# of the same bytes, conjugates and negatives of them.
MAX_COPIES = 6


@dataclass(slots=True, eq=False)
class Storage:
    """A run of bytes that tensors view, shared by all that name it.

    Attributes:
        nbytes: Its length.
        data: The bytes, uint8 of shape `(nbytes,)`; None as long as it is not known
            where they are, which is so in the first reading of the older format.
    """

    nbytes: int
    data: np.ndarray | None
    _copies: dict[tuple[object, ...], np.ndarray] | None = None

    def converted(
        self, start: int, dtype: np.dtype, *, swap: bool, conj: bool, neg: bool
    ) -> np.ndarray:
        """Returns a changed copy of the storage from there on, the same each time."""
        key = (start % dtype.itemsize, dtype, conj, neg)
        if self._copies is None:
            self._copies = {}
        if key not in self._copies:
            if len(self._copies) == MAX_COPIES:
                raise FileFormatError(
                    f"tensors read one storage in more than {MAX_COPIES} ways that "
                    "take a copy each: save clones of them instead"
                )
            assert self.data is not None
            copy = self.data.copy()
            elements = (self.nbytes - key[0]) // dtype.itemsize
            inside = copy[key[0] : key[0] + elements * dtype.itemsize]
            if swap:
                width = dtype.itemsize // (2 if dtype.kind == "c" else 1)
                inside.view(f"u{width}").byteswap(inplace=True)
            values = inside.view(dtype)
            if conj:
                np.conjugate(values, out=values)
            if neg:
                np.negative(values, out=values)
            copy.setflags(write=False)
            self._copies[key] = copy
        return self._copies[key]


class StorageClass(NamedTuple):
    """What a global such as `torch.FloatStorage` stands for."""

    name: str
    dtype: np.dtype


class Piece(NamedTuple):
    """The part of a storage that a persistent id names, with its dtype."""

    storage: Storage
    dtype: np.dtype
    start: int
    nbytes: int


@dataclass(slots=True)
class Tensors:
    """Makes the arrays of one file.

    Attributes:
        find: Gives the storage of a key, for the key, its length in bytes as the pickle
            has it, and the width of an element.
        swap: The storages are of the other byte order.
        copying: Tensors that are no plain views are made too. Without it they are
            left out, so that nothing is copied before the whole file is known to be
            sound.
        incomplete: Some tensor was left out: the pickle has to be read again.
    """

    find: Callable[[str, int, int], Storage]
    swap: bool = False
    copying: bool = False
    incomplete: bool = False

    def piece(self, saved: object) -> Piece:
        """Returns what a persistent id names.

        Args:
            saved: `("storage", class, key, location, elements)`, in the older format
                with a view of the storage, `(key, offset, elements)` or None, behind.

        Returns:
            The storage or the view of it.

        Raises:
            FileFormatError: It is no such id, or points outside of the storage.
        """
        view = None
        # No literals in the patterns: an array compares with one to an array.
        match saved:
            case (str(tag), StorageClass() as kind, str(key), str(), int(count), *rest):
                if tag != "storage" or len(rest) > 1:
                    raise FileFormatError(_NO_STORAGE)
                view = rest[0] if rest else None
            case _:
                raise FileFormatError(_NO_STORAGE)
        width = kind.dtype.itemsize
        if not 0 <= count < 1 << 56:
            raise FileFormatError(f"storage {key[:80]!r} has {count} elements")
        storage = self.find(key, count * width, width)
        match view:
            case None:
                return Piece(storage, kind.dtype, 0, storage.nbytes)
            case (str(), int(offset), int(length)):
                if offset < 0 or length < 0 or offset + length > count:
                    raise FileFormatError(
                        f"a view of storage {key[:80]!r} is not in it"
                    )
                return Piece(storage, kind.dtype, offset * width, length * width)
        raise FileFormatError(f"storage {key[:80]!r} has a view that is none")

    def tensor(
        self,
        piece: Piece,
        offset: int,
        shape: tuple[object, ...],
        strides: tuple[object, ...],
        *,
        dtype: np.dtype | None = None,
        conj: bool = False,
        neg: bool = False,
    ) -> np.ndarray:
        """Returns a read-only array over a storage.

        Args:
            piece: The storage.
            offset: The first element's index in it.
            shape: The sizes.
            strides: For each size, the number of elements from one to the next.
            dtype: The dtype, where it is not the storage's.
            conj: The storage holds the conjugates.
            neg: The storage holds the negatives.

        Returns:
            A view of the storage, or of its converted copy.

        Raises:
            FileFormatError: Some element is outside of the storage, or shape and
                strides are none.
        """
        dtype = dtype or piece.dtype
        sizes = checked_shape(shape, dtype.itemsize)
        numel = math.prod(sizes)
        if len(strides) != len(shape) or offset < 0:
            raise FileFormatError(
                f"a tensor has {len(shape)} sizes, {len(strides)} strides and offset "
                f"{offset}"
            )
        last = offset
        steps = []
        for length, stride in zip(sizes, strides, strict=True):
            if type(stride) is not int or stride < 0:
                raise FileFormatError(
                    "a tensor has a stride that is negative or no integer"
                )
            last += (length - 1) * stride
            # A stride that is never taken may be any number; NumPy wants small ones.
            steps.append(stride * dtype.itemsize if length > 1 else 0)
        if numel and (last + 1) * dtype.itemsize > piece.nbytes:
            raise FileFormatError(
                f"a tensor of shape {shape} reaches element {last} of a storage of "
                f"{piece.nbytes // dtype.itemsize}: the file is damaged"
            )
        if (conj and dtype.kind != "c") or (neg and dtype.kind not in "fc"):
            raise FileFormatError(f"a tensor of {dtype} is marked as conj or neg")
        swap = self.swap and dtype.itemsize > 1
        plain = not (swap or conj or neg)
        if not numel or piece.storage.data is None or not (plain or self.copying):
            self.incomplete |= bool(numel)
            array = np.empty(sizes if not numel else 0, dtype)
            array.setflags(write=False)
            return array
        buffer = piece.storage.data
        if not plain:
            buffer = piece.storage.converted(
                piece.start, dtype, swap=swap, conj=conj, neg=neg
            )
        start = piece.start + offset * dtype.itemsize
        return np.ndarray(sizes, dtype, buffer, start, steps)


def checked_shape(shape: Sequence[object], width: int) -> tuple[int, ...]:
    """Returns a shape that NumPy can address.

    Args:
        shape: The sizes.
        width: The bytes of an element.

    Returns:
        The sizes.

    Raises:
        FileFormatError: A size is negative or no integer, or there are too many.
    """
    if len(shape) > MAX_DIMENSIONS:
        raise FileFormatError(
            f"a tensor has {len(shape)} dimensions; NumPy has at most {MAX_DIMENSIONS}"
        )
    sizes = tuple(length for length in shape if type(length) is int and length >= 0)
    if len(sizes) != len(shape):
        raise FileFormatError("a tensor has a size that is negative or no integer")
    # Without the zeros, for so NumPy multiplies them.
    if math.prod(length or 1 for length in sizes) * width >= 1 << 63:
        raise FileFormatError("a tensor has more elements than memory has addresses")
    return sizes
