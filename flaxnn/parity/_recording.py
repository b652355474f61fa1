# SPDX-License-Identifier: Apache-2.0
"""What is kept of a training run, PyTorch's or ours."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Sample:
    """A tensor, or evenly spaced entries of it.

    Attributes:
        entries: ``(n,)`` the entries, in C order.
        shape: The tensor's shape.
        largest: The largest magnitude of the whole tensor.
        digest: SHA-256 of the bytes of the whole tensor; empty where unknown.
    """

    entries: np.ndarray
    shape: tuple[int, ...]
    largest: float
    digest: str = ""

    @classmethod
    def of(cls, array: ArrayLike) -> Sample:
        """Returns a whole tensor.

        Args:
            array: The tensor.
        """
        whole = np.asarray(array, order="C")
        largest = float(np.abs(whole).max(initial=0))
        digest = hashlib.sha256(whole.tobytes()).hexdigest()
        return cls(whole.ravel(), whole.shape, largest, digest)

    @property
    def size(self) -> int:
        """How many entries the whole tensor has."""
        return int(np.prod(self.shape))

    def thinned(self, most: int) -> Sample:
        """Returns at most so many of the entries, evenly spaced.

        Args:
            most: How many to keep.
        """
        if self.entries.size <= most:
            return self
        kept = self.entries[places(self.entries.size, most)]
        return Sample(kept, self.shape, self.largest, self.digest)

    def entries_of(self, array: ArrayLike) -> np.ndarray:
        """Returns those entries of another tensor that this one has of its own.

        Args:
            array: A tensor of the same shape.

        Raises:
            ValueError: The shapes differ.
        """
        other = np.asarray(array)
        if other.shape != self.shape:
            raise ValueError(f"expected shape {self.shape}, got {other.shape}")
        return other.ravel()[places(self.size, self.entries.size)]


def places(size: int, count: int) -> np.ndarray:
    """Returns evenly spaced indices, the first and the last among them.

    Args:
        size: How many entries there are.
        count: How many to take.
    """
    return np.linspace(0, max(size - 1, 0), count).astype(np.int64)


@dataclass(frozen=True)
class Recording:
    """A run's losses and the tensors at its end.

    Attributes:
        losses: ``(n,)`` the loss before each update, in the dtype of the run.
        tensors: Floating-point parameters and buffers behind the last update, under
            PyTorch's names and in PyTorch's layouts.
    """

    losses: np.ndarray
    tensors: Mapping[str, Sample]

    @classmethod
    def of(cls, losses: ArrayLike, tensors: Mapping[str, ArrayLike]) -> Recording:
        """Returns the recording of a run.

        Args:
            losses: ``(n,)`` the loss before each update.
            tensors: Parameters and buffers; those that are no floats are left out.

        Raises:
            ValueError: There are no losses, or they are not a series of numbers.
        """
        series = np.asarray(losses)
        if series.ndim != 1 or not series.size or series.dtype.kind != "f":
            raise ValueError(
                "the losses of a run must be a series of floats, one for each step, "
                f"got {series.dtype} of shape {series.shape}"
            )
        return cls(series, samples(tensors))


def samples(tensors: Mapping[str, ArrayLike]) -> dict[str, Sample]:
    """Returns the floating-point tensors under their names.

    Args:
        tensors: Arrays of any dtype.
    """
    arrays = {name: np.asarray(array) for name, array in tensors.items()}
    return {name: Sample.of(a) for name, a in arrays.items() if a.dtype.kind == "f"}
