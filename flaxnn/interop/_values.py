# SPDX-License-Identifier: Apache-2.0
"""The opcodes that push numbers, text and bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from flaxnn.interop._errors import FileFormatError

if TYPE_CHECKING:
    from flaxnn.interop._unpickle import Machine

Action = Callable[["Machine"], None]

# Enough for the state of a 256-bit generator and for the magic number of torch.save.
MAX_INT_BYTES = 40
# A number that is longer as text than any that Python writes of these bytes.
MAX_DIGITS = 100


def damaged(machine: Machine, what: str) -> FileFormatError:
    """Returns the error for code that no pickler writes."""
    return FileFormatError(
        f"the pickle is damaged: {what}, before byte {machine.position}"
    )


def number(machine: Machine, width: int) -> int:
    """Returns the next bytes as an unsigned integer."""
    return int.from_bytes(machine.take(width), "little")


def push(value: object) -> Action:
    """Returns what pushes a constant."""

    def act(machine: Machine) -> None:
        machine.stack.append(value)

    return act


def unsigned(width: int) -> Action:
    """Returns what pushes an unsigned integer."""

    def act(machine: Machine) -> None:
        machine.stack.append(number(machine, width))

    return act


def push_signed(machine: Machine) -> None:
    """Four bytes."""
    machine.stack.append(int.from_bytes(machine.take(4), "little", signed=True))


def long_int(width: int) -> Action:
    """Returns what pushes an integer of any length."""

    def act(machine: Machine) -> None:
        length = number(machine, width)
        if length > MAX_INT_BYTES:
            raise FileFormatError(f"the pickle has an integer of {length} bytes")
        raw = machine.take(length)
        machine.stack.append(int.from_bytes(raw, "little", signed=True))

    return act


def integer_line(machine: Machine) -> int:
    """Returns the next line as an integer."""
    line = machine.take_line().removesuffix(b"L")
    if not line.lstrip(b"-").isdigit() or len(line) > MAX_DIGITS:
        raise damaged(machine, "a line that is no integer")
    try:
        return int(line)
    except ValueError:
        raise damaged(machine, "a line that is no integer") from None


def push_int_line(machine: Machine) -> None:
    """Protocol 0, which has truth values as the integers 00 and 01."""
    start = machine.code[machine.position : machine.position + 3]
    value = integer_line(machine)
    machine.stack.append(bool(value) if start in (b"00\n", b"01\n") else value)


def push_float(machine: Machine) -> None:
    """Eight bytes, big end first."""
    machine.stack.append(struct.unpack(">d", machine.take(8))[0])


def push_float_line(machine: Machine) -> None:
    """Protocol 0."""
    line = machine.take_line()
    try:
        machine.stack.append(float(line if len(line) < MAX_DIGITS else b""))
    except ValueError:
        raise damaged(machine, "a line that is no number") from None


def text(width: int) -> Action:
    """Returns what pushes text."""

    def act(machine: Machine) -> None:
        machine.stack.append(machine.take_text(number(machine, width)))

    return act


def raw_bytes(width: int) -> Action:
    """Returns what pushes bytes."""

    def act(machine: Machine) -> None:
        raw = machine.take(number(machine, width))
        machine.charge(64 + len(raw))
        machine.stack.append(raw)

    return act


def push_bytearray(machine: Machine) -> None:
    """Protocol 5."""
    raw = machine.take(number(machine, 8))
    machine.charge(64 + 2 * len(raw))
    machine.stack.append(bytearray(raw))


def old_text(width: int) -> Action:
    """Python 2's str: text where it is UTF-8, else bytes."""

    def act(machine: Machine) -> None:
        raw = machine.take(number(machine, width))
        machine.charge(64 + 4 * len(raw))
        try:
            machine.stack.append(raw.decode("utf-8"))
        except UnicodeDecodeError:
            machine.stack.append(raw)

    return act


def push_quoted(machine: Machine) -> None:
    """Python 2's str in protocol 0. One with escapes is not read."""
    line = machine.take_line()
    machine.charge(64 + len(line))
    quotes = line[:1] + line[-1:]
    if len(line) < 2 or quotes not in (b"''", b'""') or b"\\" in line:
        raise damaged(machine, "text without quotes or with escapes")
    try:
        machine.stack.append(line[1:-1].decode("ascii"))
    except UnicodeDecodeError:
        raise damaged(machine, "text that is no ASCII") from None


def push_escaped(machine: Machine) -> None:
    """Text of protocol 0."""
    line = machine.take_line()
    machine.charge(64 + 4 * len(line))
    try:
        machine.stack.append(line.decode("raw_unicode_escape"))
    except UnicodeDecodeError:
        raise damaged(machine, "an escape that stands for nothing") from None
