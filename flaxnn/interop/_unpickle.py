# SPDX-License-Identifier: Apache-2.0
"""A pickle machine that makes plain data and tensors, and can do nothing else.

Python's own unpickler calls what a file names, and allocates as a file tells it to.
Here a global is a row of a table (`_globals.py`), and what a pickle does is charged to
a budget: every opcode and every byte that it makes. So one number bounds the time and
the memory that a hostile file can take.

References:
    The opcodes are those of Python's `pickletools.opcodes`, protocols 0 to 5.
"""

from __future__ import annotations

from flaxnn.interop._errors import FileFormatError
from flaxnn.interop._keys import Keys
from flaxnn.interop._numpy_pickles import Pending
from flaxnn.interop._opcodes import STOP, TABLE
from flaxnn.interop._plain import check_plain
from flaxnn.interop._tensors import Tensors

# What a pickle may take of memory, its own bytes and the archive's directory included:
# enough for some 14,000 tensors. An opcode counts as at least 32 bytes, so this is also
# at most 1.7 million opcodes.
MEMORY = 52 << 20
# The bytes of the pickle itself.
MAX_PICKLE = 16 << 20

# Bytes of memory for an item of a dict, for the first one, and for one of a set.
_PAIR = 120
_FIRST = 300
_MEMBER = 128


class Machine:
    """The stack, the memo and the budget of pickles that are read from one place.

    Attributes:
        code: The bytes.
        position: Where the next opcode is.
        tensors: Makes the tensors.
        left: What is left of the budget, in bytes.
        stack: The values since the last mark.
        marks: The stacks before each mark.
        memo: The values that the pickle has numbered.
    """

    def __init__(self, code: bytes, tensors: Tensors, budget: int = MEMORY) -> None:
        self.code = code
        self.position = 0
        self.tensors = tensors
        self.budget = self.left = budget
        self.keys = Keys()
        self.stack: list = []
        self.marks: list[list] = []
        self.memo: dict[int, object] = {}

    def load(self) -> object:
        """Returns what the pickle at the position holds, and goes behind it.

        Returns:
            Dicts, lists, tuples, sets, numbers, text, bytes, dtypes and arrays.

        Raises:
            FileFormatError: It is damaged, too large, or asks for anything else.
        """
        self.stack, self.marks, self.memo = [], [], {}
        code, table = self.code, TABLE
        try:
            while True:
                op = code[self.position]
                self.position += 1
                if op == STOP:
                    break
                action, cost = table[op]
                self.left -= cost
                if self.left < 0:
                    self.charge(0)
                action(self)
            value = self.stack.pop()
        except IndexError:
            # The code or a stack had no more.
            raise FileFormatError(
                f"the pickle is damaged or cut short, at byte {self.position}"
            ) from None
        self.stack, self.marks, self.memo = [], [], {}
        check_plain(value, self.charge)
        return value

    def charge(self, nbytes: int) -> None:
        """Takes so many bytes from the budget, before they are used.

        Args:
            nbytes: About as many as will be used.

        Raises:
            FileFormatError: The budget is used up.
        """
        self.left -= nbytes
        if self.left < 0:
            raise FileFormatError(
                f"the pickle takes more than {self.budget >> 20} MiB of memory beside "
                "its tensors' data: save large lists and arrays as tensors, and many "
                "tensors as .safetensors"
            )

    def take(self, count: int) -> bytes:
        """Returns the next bytes of the code."""
        start, end = self.position, self.position + count
        if end > len(self.code):
            raise IndexError
        self.position = end
        return self.code[start:end]

    def take_line(self) -> bytes:
        """Returns the bytes up to the next line feed, which is dropped."""
        start = self.position
        end = self.code.find(b"\n", start)
        if end < 0:
            raise IndexError
        self.charge(end - start)
        self.position = end + 1
        return self.code[start:end]

    def take_text(self, count: int) -> str:
        """Returns the next bytes as text."""
        raw = self.take(count)
        # Python stores every character as wide as the widest.
        widest = 0 if raw.isascii() else max(raw)
        width = 4 if widest >= 0xF0 else 2 if widest >= 0xC4 else 1
        self.charge(64 + width * count)
        try:
            return raw.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise FileFormatError(
                f"the pickle has text that is no UTF-8, before byte {self.position}"
            ) from None

    def pop_mark(self) -> list:
        """Returns the values since the last mark, and takes both away."""
        items = self.stack
        self.stack = self.marks.pop()
        return items

    def recall(self, index: int) -> None:
        """Pushes what has that number in the memo."""
        try:
            value = self.memo[index]
        except KeyError:
            raise FileFormatError(
                f"the pickle refers to value {index}, which is none"
            ) from None
        if type(value) is Pending and value.value is not None:
            value = value.value
        self.stack.append(value)

    def set_item(self, target: dict, key: object, value: object) -> None:
        """Sets an item of a dict, if the key is of a kind that hashes well."""
        self.charge(_PAIR if target else _FIRST)
        self.keys.check(key, len(target))
        target[key] = value

    def add_item(self, target: set, item: object) -> None:
        """Adds an item to a set, if it is of a kind that hashes well."""
        self.charge(_MEMBER)
        self.keys.check(item, len(target))
        target.add(item)
