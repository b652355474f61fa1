# SPDX-License-Identifier: Apache-2.0
"""Which keys a pickle may put into dicts and sets.

Python protects text and bytes from made-up collisions by a secret in their hash. It
has none for numbers and tuples, whose slots in a dict can be chosen: 40,000 integers
that all walk the same slots take a quarter of a minute.
"""

from __future__ import annotations

from flaxnn.interop._errors import FileFormatError

MAX_TUPLES = 2_000
MAX_TUPLE_LENGTH = 16
# Those that count up from 0, as an optimiser's state has them, cannot collide.
MAX_NUMBERS = 10_000
# Text that is equal to a key is compared to its end, each time that it is used.
MAX_LENGTH = 10_000

_OTHERS = frozenset({bool, type(None)})


class Keys:
    """The keys of one pickle, counted by kind."""

    def __init__(self) -> None:
        self.tuples = self.numbers = 0

    def check(self, key: object, count: int) -> None:
        """Refuses a key that could make a dict or a set slow.

        Args:
            key: The key, or the member of a set.
            count: How many the dict or set has already.

        Raises:
            FileFormatError: The key is long, of no plain kind, or one too many.
        """
        if type(key) is str or type(key) is bytes:
            _check_item(key)
        elif type(key) is tuple:
            self.tuples += 1
            if len(key) > MAX_TUPLE_LENGTH or self.tuples > MAX_TUPLES:
                raise FileFormatError(
                    f"the pickle has more than {MAX_TUPLES} keys that are tuples, or "
                    f"one longer than {MAX_TUPLE_LENGTH}"
                )
            for item in key:
                _check_item(item)
        elif type(key) is not int or not 0 <= key <= count:
            _check_item(key)
            self.numbers += type(key) in (int, float)
            if self.numbers > MAX_NUMBERS:
                raise FileFormatError(
                    f"the pickle has more than {MAX_NUMBERS} keys that are numbers and "
                    "do not count up from 0: save them as a tensor"
                )


def _check_item(item: object) -> None:
    """Refuses what is no number, text or bytes, or is too long."""
    if isinstance(item, str | bytes):
        if len(item) > MAX_LENGTH:
            raise FileFormatError(f"the pickle has a key of {len(item)} characters")
    elif type(item) is int:
        # Longer integers can be made to have any hash.
        if not -(1 << 63) <= item < 1 << 64:
            raise FileFormatError("the pickle has a key of more than 64 bits")
    elif type(item) is not float and type(item) not in _OTHERS:
        raise FileFormatError(
            f"the pickle has a key of type {type(item).__name__}; only text, bytes, "
            "numbers and flat tuples of them are read"
        )
