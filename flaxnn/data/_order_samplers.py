# SPDX-License-Identifier: Apache-2.0
"""Samplers of a whole data set: in its order, or shuffled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from flaxnn.data._sampler import DrawingSampler, Sampler
from flaxnn.data._source import Source
from flaxnn.random import Generator

# PyTorch draws with replacement in portions of this many.
_PORTION = 32


class SequentialSampler(Sampler):
    """Every row in its place, without a draw.

    Args:
        data_source: Anything that `DataLoader` takes; only its length counts.

    Attributes:
        data_source: As given.

    Raises:
        TypeError: `data_source` cannot be batched.

    Torch:
        `torch.utils.data.SequentialSampler` (2.13.0), T0. A tuple is taken as arrays,
        as by `DataLoader`.

    Example:
        >>> list(SequentialSampler(range(3)))
        [0, 1, 2]
    """

    def __init__(self, data_source: Any) -> None:
        self._source = Source.of(data_source)
        self.data_source: Any = self._source.dataset

    def pieces(self, rngs: Generator | None = None) -> Iterator[np.ndarray]:
        yield np.arange(len(self), dtype=np.int64)

    def __len__(self) -> int:
        return len(self._source)

    def __repr__(self) -> str:
        return f"SequentialSampler({len(self)} rows)"


class RandomSampler(DrawingSampler):
    """Rows in random order, with or without replacement.

    Args:
        data_source: Anything that `DataLoader` takes; only its length counts.
        replacement: Whether a row can be drawn more than once.
        num_samples: How many rows to draw; as many as there are where it is None. More
            than there are, without replacement, are several shuffles, one after the
            other.
        generator: The `Generator` to permute or to draw with.
        rngs: The run's `Generator`, for PyTorch's global one, of which two words seed
            a private generator; used where `generator` is not given. In a `DataLoader`
            that has `rngs`, neither need be given.

    Attributes:
        data_source: As given.
        replacement: As given.
        generator: As given, or None.
        rngs: As given, or None.

    Raises:
        TypeError: `replacement` is not a bool, `data_source` cannot be batched, or, on
            iterating, there is no Generator.
        ValueError: `num_samples` is not a positive int, or there are no rows.

    Torch:
        `torch.utils.data.RandomSampler` (2.13.0; the same since 1.13), T0: the indices,
        and the state of the generator after any number of them. Each shuffle, and each
        portion of 32 with replacement, is drawn when it is reached, and a generator of
        its own is drawn from once more at the end.

    Example:
        >>> from flaxnn.random import Generator
        >>> list(RandomSampler(range(5), generator=Generator(42)))
        [2, 4, 3, 0, 1]
        >>> list(RandomSampler(range(3), num_samples=4, rngs=Generator(0)))
        [0, 1, 2, 2]
    """

    def __init__(
        self,
        data_source: Any,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
        *,
        rngs: Any = None,
    ) -> None:
        super().__init__(generator, rngs)
        if not isinstance(replacement, bool):
            raise TypeError(
                "replacement should be a boolean value, but got "
                f"replacement={replacement}"
            )
        self._source = Source.of(data_source)
        self.data_source: Any = self._source.dataset
        self.replacement = replacement
        self._num_samples = num_samples
        check_num_samples(self.num_samples, "the data set is empty")
        if len(self._source) == 0:
            raise ValueError(
                f"expected a data set with rows to draw {num_samples} from, got none"
            )

    @property
    def num_samples(self) -> int:
        """How many rows are drawn."""
        return len(self._source) if self._num_samples is None else self._num_samples

    def _draws(self, stream: Generator) -> Iterator[np.ndarray]:
        own = stream is self.generator
        # The run's generator only seeds a private one.
        source = stream if own else Generator(int(stream.random()))
        rows = len(self._source)
        portion = _PORTION if self.replacement else rows
        whole, rest = divmod(self.num_samples, portion)
        for _ in range(whole):
            yield self._portion(source, rows, portion)
        # Where nothing is left, this is the draw that is thrown away; nobody sees it
        # in a private generator.
        if rest or own:
            yield self._portion(source, rows, rest)

    def _portion(self, source: Generator, rows: int, count: int) -> np.ndarray:
        if self.replacement:
            return source.randint(0, rows, (count,))
        return source.randperm(rows)[:count]

    def __len__(self) -> int:
        return self.num_samples

    def __repr__(self) -> str:
        return (
            f"RandomSampler({self.num_samples} of {len(self._source)} rows, "
            f"replacement={self.replacement})"
        )


def check_num_samples(num_samples: Any, hint: str = "") -> None:
    """Raises PyTorch's ValueError unless a number of samples is a positive int."""
    if (
        not isinstance(num_samples, int)
        or isinstance(num_samples, bool)
        or num_samples <= 0
    ):
        explanation = f" ({hint})" if hint and num_samples == 0 else ""
        raise ValueError(
            "num_samples should be a positive integer value, but got "
            f"num_samples={num_samples}{explanation}"
        )
