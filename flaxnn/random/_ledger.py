# SPDX-License-Identifier: Apache-2.0
"""The record of what was drawn and for whom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Draw:
    """One entry of a `Generator`'s ledger.

    Attributes:
        kind: Name of the method that drew.
        shape: Shape of what it returned.
        dtype: Data type of what it returned.
        offset: How many 32-bit words had been drawn before, since the generator was
            last seeded or given a state.
        words: How many words it took. A normal number out of the cache takes none.
        consumer: The names of the enclosing `Generator.consumer` blocks, joined by
            ``/``; None outside of any.

    Torch:
        No counterpart: PyTorch's stream does not say who drew from it.

    Example:
        >>> from flaxnn.random import Generator
        >>> generator = Generator(0, ledger=True)
        >>> with generator.consumer("encoder"), generator.consumer("weight"):
        ...     _ = generator.uniform((4, 2), -0.5, 0.5)
        >>> generator.ledger[0].consumer, generator.ledger[0].words
        ('encoder/weight', 8)
    """

    kind: str
    shape: tuple[int, ...]
    dtype: np.dtype
    offset: int
    words: int
    consumer: str | None
