# SPDX-License-Identifier: Apache-2.0
"""Samplers of chosen rows: of some, or of all by weight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flaxnn.data._order_samplers import check_num_samples
from flaxnn.data._sampler import DrawingSampler
from flaxnn.random import Generator


class SubsetRandomSampler(DrawingSampler):
    """Chosen rows, shuffled.

    Args:
        indices: `(M,)` integers, the rows to visit. A boolean mask is no list of rows:
            give `np.flatnonzero(mask)`.
        generator: The `Generator` to permute with.
        rngs: The run's `Generator`, for PyTorch's global one; used where `generator` is
            not given. In a `DataLoader` that has `rngs`, neither need be given.

    Attributes:
        indices: `(M,)` int64, read-only.
        generator: As given, or None.
        rngs: As given, or None.

    Raises:
        TypeError: `indices` are not integers, or, on iterating, there is no Generator.

    Torch:
        `torch.utils.data.SubsetRandomSampler` (2.13.0), T0: the indices, and the state
        of the generator. The whole permutation is drawn with the first index, from the
        generator itself, global or not.

    Example:
        >>> from flaxnn.random import Generator
        >>> list(SubsetRandomSampler([10, 20, 30, 40], Generator(0)))
        [10, 20, 40, 30]
    """

    def __init__(
        self, indices: Any, generator: Generator | None = None, *, rngs: Any = None
    ) -> None:
        super().__init__(generator, rngs)
        chosen = np.asarray(indices)
        if chosen.ndim != 1 or (chosen.dtype.kind not in "iu" and chosen.size):
            raise TypeError(
                "indices should be a one-dimensional sequence of integers, got an "
                f"array of shape {chosen.shape} and dtype {chosen.dtype}"
            )
        self.indices: NDArray[np.int64] = chosen.astype(np.int64)
        self.indices.flags.writeable = False

    def _draws(self, stream: Generator) -> Iterator[np.ndarray]:
        yield self.indices[stream.randperm(len(self.indices))]

    def __len__(self) -> int:
        return len(self.indices)

    def __repr__(self) -> str:
        return f"SubsetRandomSampler({len(self)} indices)"


class WeightedRandomSampler(DrawingSampler):
    """Rows drawn in proportion to weights, as for classes of unequal size.

    Args:
        weights: `(N,)` numbers, one for each row, not negative and not all zero; they
            need not add up to 1.
        num_samples: How many rows to draw.
        replacement: Whether a row can be drawn more than once.
        generator: The `Generator` to draw with.
        rngs: The run's `Generator`, for PyTorch's global one; used where `generator` is
            not given. In a `DataLoader` that has `rngs`, neither need be given.

    Attributes:
        weights: `(N,)` float64, read-only.
        num_samples: As given.
        replacement: As given.
        generator: As given, or None.
        rngs: As given, or None.

    Raises:
        ValueError: `num_samples` is not a positive int, `replacement` not a bool, or
            `weights` not one-dimensional.
        TypeError: On iterating, there is no Generator.
        RuntimeError: On iterating, a weight is negative or not finite, all are zero, or
            there are fewer than `num_samples` and none may be drawn twice.

    Torch:
        `torch.utils.data.WeightedRandomSampler` (2.13.0), T0: the indices, and the
        state of the generator. All are drawn with the first one, by
        `torch.multinomial` of float64 weights, from the generator itself, global or
        not.

    Example:
        >>> import numpy as np
        >>> from flaxnn.random import Generator
        >>> labels = np.array([0, 0, 0, 0, 0, 1])
        >>> weights = 1 / np.bincount(labels)[labels]
        >>> sampler = WeightedRandomSampler(weights, 8, generator=Generator(0))
        >>> labels[list(sampler)]
        array([1, 1, 0, 1, 1, 1, 0, 0])
    """

    def __init__(
        self,
        weights: Sequence[float] | np.ndarray,
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
        *,
        rngs: Any = None,
    ) -> None:
        super().__init__(generator, rngs)
        check_num_samples(num_samples)
        if not isinstance(replacement, bool):
            raise ValueError(
                "replacement should be a boolean value, but got "
                f"replacement={replacement}"
            )
        self.weights: NDArray[np.float64] = np.array(weights, np.float64)
        if self.weights.ndim != 1:
            raise ValueError(
                "weights should be a 1d sequence but given weights have shape "
                f"{self.weights.shape}"
            )
        self.weights.flags.writeable = False
        self.num_samples = num_samples
        self.replacement = replacement

    def _draws(self, stream: Generator) -> Iterator[np.ndarray]:
        yield stream.multinomial(self.weights, self.num_samples, self.replacement)

    def __len__(self) -> int:
        return self.num_samples

    def __repr__(self) -> str:
        return (
            f"WeightedRandomSampler({self.num_samples} of {len(self.weights)} rows, "
            f"replacement={self.replacement})"
        )
