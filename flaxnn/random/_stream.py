# SPDX-License-Identifier: Apache-2.0
"""The generator as a stream: its seed, its state, its ledger."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from flaxnn.random._arguments import is_fused, kind_of, seed_of, state_of, version_of
from flaxnn.random._engine import STATE, Engine
from flaxnn.random._ledger import Draw
from flaxnn.random._types import Array, ArrayIn, Seed, UInt8

# What a fresh torch.Generator() is seeded with.
DEFAULT_SEED = 67280421310721


class Stream:
    """What a `Generator` is apart from its draws."""

    def __init__(
        self,
        seed: Seed = DEFAULT_SEED,
        *,
        torch_version: str = "2.13",
        cpu_capability: str = "avx2",
        ledger: bool = False,
    ) -> None:
        self._version = version_of(torch_version)
        self._fused = is_fused(cpu_capability)
        self._torch_version = torch_version
        self._cpu_capability = cpu_capability
        self._engine = Engine(seed_of(seed))
        self._ledger: list[Draw] | None = [] if ledger else None
        self._consumers: list[str] = []

    @property
    def torch_version(self) -> str:
        """The PyTorch release whose numbers are drawn."""
        return self._torch_version

    @property
    def cpu_capability(self) -> str:
        """The PyTorch kernels whose numbers are drawn: ``avx2`` or ``default``."""
        return self._cpu_capability

    @property
    def words_drawn(self) -> int:
        """How many 32-bit words were drawn since seeding or loading a state.

        Torch:
            No counterpart. Each number takes the words that PyTorch takes for it, so
            equal counts from equal states are equal positions.

        Example:
            >>> from flaxnn.random import Generator
            >>> generator = Generator(0)
            >>> _ = generator.randn(17)  # 17, and 16 anew for the last block
            >>> generator.words_drawn
            33
        """
        return self._engine.words_drawn

    @property
    def ledger(self) -> list[Draw] | None:
        """Every draw so far, oldest first, or None where no ledger is kept.

        Example:
            >>> from flaxnn.random import Generator
            >>> generator = Generator(0, ledger=True)
            >>> _ = generator.randperm(5)
            >>> generator.ledger
            [Draw(kind='randperm', shape=(5,), dtype=dtype('int64'), offset=0, words=4,
                  consumer=None)]
            >>> Generator(0).ledger is None
            True
        """
        return self._ledger

    @contextmanager
    def consumer(self, name: str) -> Iterator[None]:
        """Names whom the draws inside the ``with`` block are for, in the ledger.

        Args:
            name: Added to the names of the blocks around, after a ``/``.

        Example:
            >>> from flaxnn.random import Generator
            >>> generator = Generator(0, ledger=True)
            >>> with generator.consumer("dropout"):
            ...     _ = generator.bernoulli(0.5, (3,))
            >>> generator.ledger[0].consumer
            'dropout'
        """
        self._consumers.append(name)
        try:
            yield
        finally:
            self._consumers.pop()

    def manual_seed(self, seed: Seed) -> Self:
        """Starts the stream of a seed and returns the generator itself.

        Args:
            seed: An integer from -2^63 to 2^64 - 1; a negative one stands for its two's
                complement. A float is truncated. Only the low 32 bits choose the
                stream, all 64 are in the state.

        Returns:
            This generator. The cached normal number is gone, ``words_drawn`` is 0 and
            the ledger is kept.

        Raises:
            RuntimeError: The seed is no number, or a bool.
            ValueError: The seed is out of range.

        Torch:
            ``torch.Generator.manual_seed``, checked with 2.13.0, T0. Floats are taken
            as ``torch.manual_seed`` takes them; the method of ``torch.Generator``
            refuses them and NumPy's integers.

        Example:
            >>> from flaxnn.random import Generator
            >>> Generator().manual_seed(-1).initial_seed()
            18446744073709551615
        """
        self._engine.seed(seed_of(seed))
        return self

    def initial_seed(self) -> int:
        """Returns the seed, as an unsigned 64-bit number.

        Torch:
            ``torch.Generator.initial_seed``, checked with 2.13.0, T0.

        Example:
            >>> from flaxnn.random import Generator
            >>> Generator().initial_seed()
            67280421310721
        """
        return self._engine.initial_seed

    def get_state(self) -> UInt8:
        """Returns the whole state, cached normal number included, as bytes.

        Returns:
            ``(5056,)`` uint8, a copy.

        Torch:
            ``torch.Generator.get_state``, checked with 2.13.0, T0: the same bytes, so
            ``torch.from_numpy`` makes them a state for PyTorch.

        Example:
            >>> from flaxnn.random import Generator
            >>> generator = Generator(0)
            >>> state = generator.get_state()
            >>> first = generator.rand(3)
            >>> generator.set_state(state)
            >>> bool((generator.rand(3) == first).all())
            True
        """
        return self._engine.get_state()

    def set_state(self, state: ArrayIn) -> None:
        """Goes on from a state of this class or of PyTorch.

        Args:
            state: ``(5056,)`` uint8, from `get_state` or from PyTorch's
                ``get_state().numpy()``.

        Raises:
            TypeError: ``state`` is no array, or not of uint8.
            RuntimeError: Its shape is another, or its bytes are no valid state.

        Torch:
            ``torch.Generator.set_state``, checked with 2.13.0, T0. It accepts any
            shape of 5056 bytes, and counters that contradict each other; this does
            not. ``words_drawn`` starts anew, the ledger is kept.

        Example:
            >>> from flaxnn.random import Generator
            >>> import numpy as np
            >>> Generator().set_state(np.zeros(5056, np.uint8))
            Traceback (most recent call last):
            RuntimeError: Invalid mt19937 state: it says that the generator was never
            seeded...
        """
        self._engine.set_state(state_of(state, STATE.itemsize))

    def clone(self) -> Self:
        """Returns an independent generator that will draw the same numbers.

        Torch:
            ``torch.Generator.clone_state``, checked with 2.13.0, T0. The options, the
            count of words and the ledger are copied too.

        Example:
            >>> from flaxnn.random import Generator
            >>> generator = Generator(0)
            >>> twin = generator.clone()
            >>> bool(generator.rand(()) == twin.rand(()))
            True
        """
        return copy.deepcopy(self)

    def _noted(self, kind: str, drawn: Array, offset: int) -> Array:
        """Enters a draw in the ledger, if there is one, and returns what was drawn."""
        if self._ledger is not None:
            consumer = "/".join(self._consumers) or None
            words = self.words_drawn - offset
            self._ledger.append(
                Draw(kind, drawn.shape, drawn.dtype, offset, words, consumer)
            )
        return drawn

    def __copy__(self) -> Self:
        # A shallow copy would share the engine: two generators, one stream.
        return self.clone()

    def __getstate__(self) -> dict[str, Any]:
        # The blocks that name consumers are the original's, not a copy's.
        return {**self.__dict__, "_consumers": []}

    def __repr__(self) -> str:
        options = ""
        if self._torch_version != "2.13":
            options += f", torch_version={self._torch_version!r}"
        if not self._fused:
            options += f", cpu_capability={self._cpu_capability!r}"
        return (
            f"<{kind_of(self)} seed={self.initial_seed()}{options}, "
            f"{self.words_drawn} words drawn>"
        )
