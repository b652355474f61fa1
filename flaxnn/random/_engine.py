# SPDX-License-Identifier: Apache-2.0
"""The Mersenne Twister behind PyTorch's CPU generator: its words and its state."""

from __future__ import annotations

from typing import Any

import numpy as np

from flaxnn.random._types import UInt8, UInt32, UInt64

WORDS = 624  # words of MT19937 state, and words produced between two regenerations

# `CPUGeneratorImplState` of PyTorch's aten/src/ATen/CPUGeneratorImpl.cpp, as a C
# compiler on a 64-bit machine lays it out (the gaps are padding).
STATE = np.dtype(
    {
        "names": [
            "seed", "left", "seeded", "next", "words",
            "normal_x", "normal_y", "normal_rho", "normal_is_valid",
            "float_normal", "float_normal_is_valid",
        ],
        "formats": [
            "<u8", "<i4", "<i4", "<u8", ("<u8", WORDS),
            "<f8", "<f8", "<f8", "<i4",
            "<f4", "?",
        ],
        "offsets": [0, 8, 12, 16, 24, 5016, 5024, 5032, 5040, 5048, 5052],
        "itemsize": 5056,
    }
)  # fmt: skip


class Engine:
    """MT19937's words, the normal cached by the serial path, and both as bytes.

    Attributes:
        initial_seed: What the generator was seeded with, as an unsigned 64-bit number.
        words_drawn: How many words were drawn since seeding or loading a state.
        cached_normal: The second number of a serial Box-Muller pair, not yet used.
    """

    def __init__(self, seed: int) -> None:
        self.seed(seed)

    def seed(self, seed: int) -> None:
        """Starts the stream of ``seed``, of which only the low 32 bits matter."""
        self.initial_seed = seed
        self.words_drawn = 0
        self.cached_normal: float | None = None
        # PyTorch stores a float32 normal too, which no CPU kernel reads or writes.
        self._float_normal = np.float32(0)
        self._has_float_normal = False
        # `next` of a state whose words are used up: nothing depends on it but bytes.
        self._spent_next = 0
        # The legacy seeding is MT19937's own `init_genrand`, which PyTorch uses; what
        # NumPy recommends today hashes the seed and starts another stream.
        self._twister = np.random.RandomState(seed & 0xFFFFFFFF)

    def words(self, count: int) -> UInt32:
        """Returns the next ``count`` 32-bit words."""
        drawn = self._twister.randint(0, 1 << 32, size=count, dtype=np.uint32)
        self.words_drawn += count
        return drawn

    def double_words(self, count: int) -> UInt64:
        """Returns the next ``count`` 64-bit words, each two words, high one first."""
        pairs = self.words(2 * count).reshape(count, 2)
        joined = pairs[:, 0].astype(np.uint64)
        joined <<= np.uint64(32)
        joined |= pairs[:, 1]
        return joined

    def get_state(self) -> UInt8:
        """Returns the state as PyTorch's 5056 bytes."""
        twister: dict[str, Any] = self._twister.get_state(legacy=False)["state"]
        position = int(twister["pos"])
        state = np.zeros((), STATE)
        state["seed"] = self.initial_seed
        state["seeded"] = 1
        if position == WORDS:
            state["left"] = 1
            state["next"] = WORDS if self.words_drawn else self._spent_next
        else:
            state["left"] = WORDS + 1 - position
            state["next"] = position
        state["words"] = twister["key"]
        if self.cached_normal is not None:
            state["normal_y"] = self.cached_normal
            state["normal_is_valid"] = 1
        state["float_normal"] = self._float_normal
        state["float_normal_is_valid"] = self._has_float_normal
        return np.frombuffer(state.tobytes(), np.uint8).copy()

    def set_state(self, raw: UInt8) -> None:
        """Takes over PyTorch's 5056 bytes; RuntimeError if they are no valid state."""
        state = np.frombuffer(raw.tobytes(), STATE)[0]
        left, following = int(state["left"]), int(state["next"])
        words = state["words"]
        if fault := _fault(left, following, bool(state["seeded"]), words):
            raise RuntimeError(
                f"Invalid mt19937 state: {fault}. The bytes are damaged or are not "
                "the state of a PyTorch CPU generator; take them again with get_state()"
            )
        self.initial_seed = int(state["seed"])
        self.words_drawn = 0
        self.cached_normal = (
            float(state["normal_y"]) if state["normal_is_valid"] else None
        )
        self._has_float_normal = bool(state["float_normal_is_valid"])
        self._float_normal = (
            state["float_normal"] if self._has_float_normal else np.float32(0)
        )
        self._spent_next = following
        position = WORDS if left == 1 else following
        twister = {"key": words.astype(np.uint32), "pos": position}
        self._twister.set_state({"bit_generator": "MT19937", "state": twister})


def _fault(left: int, following: int, seeded: bool, words: UInt64) -> str | None:
    """Says what is wrong with the fields of a state, or nothing."""
    if not seeded:
        return "it says that the generator was never seeded"
    if not 0 < left <= WORDS:
        return f"{left} words left, expected 1 to {WORDS}"
    if not 0 <= following <= WORDS:
        return f"the next word is {following}, expected 0 to {WORDS}"
    if left != 1 and left + following != WORDS + 1:
        return f"{left} words left do not go with a next word of {following}"
    if int(words.max()) >= 1 << 32:
        return "a word of the state has more than 32 bits"
    return None
