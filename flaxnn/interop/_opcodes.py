# SPDX-License-Identifier: Apache-2.0
"""What each opcode of a pickle does to the machine, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from flaxnn.interop._errors import FileFormatError
from flaxnn.interop._globals import Callee, TypeName, resolve
from flaxnn.interop._numpy_pickles import Pending
from flaxnn.interop._values import (
    Action,
    damaged,
    integer_line,
    long_int,
    number,
    old_text,
    push,
    push_bytearray,
    push_escaped,
    push_float,
    push_float_line,
    push_int_line,
    push_quoted,
    push_signed,
    raw_bytes,
    text,
    unsigned,
)

if TYPE_CHECKING:
    from flaxnn.interop._unpickle import Machine

STOP = ord(".")


# Framing.


def _protocol(machine: Machine) -> None:
    protocol = machine.take(1)[0]
    if protocol > 5:
        raise FileFormatError(f"the pickle has protocol {protocol}; 0 to 5 are read")


def _frame(machine: Machine) -> None:
    if number(machine, 8) > len(machine.code) - machine.position:
        raise IndexError


# The stack and the memo.


def _mark(machine: Machine) -> None:
    machine.marks.append(machine.stack)
    machine.stack = []


def _pop(machine: Machine) -> None:
    if machine.stack:
        machine.stack.pop()
    else:
        machine.pop_mark()


def _pop_mark(machine: Machine) -> None:
    machine.pop_mark()


def _dup(machine: Machine) -> None:
    machine.stack.append(machine.stack[-1])


def _short_put(machine: Machine) -> None:
    machine.memo[machine.code[machine.position]] = machine.stack[-1]
    machine.position += 1


def _short_get(machine: Machine) -> None:
    index = machine.code[machine.position]
    machine.position += 1
    machine.recall(index)


def _put(width: int) -> Action:
    def put(machine: Machine) -> None:
        machine.memo[number(machine, width)] = machine.stack[-1]

    return put


def _put_line(machine: Machine) -> None:
    index = integer_line(machine)
    if not 0 <= index < 1 << 32:
        raise damaged(machine, "a value's number")
    machine.memo[index] = machine.stack[-1]


def _memoize(machine: Machine) -> None:
    machine.memo[len(machine.memo)] = machine.stack[-1]


def _get(width: int) -> Action:
    def get(machine: Machine) -> None:
        machine.recall(number(machine, width))

    return get


def _get_line(machine: Machine) -> None:
    machine.recall(integer_line(machine))


def _byte(machine: Machine) -> None:
    machine.stack.append(machine.code[machine.position])
    machine.position += 1


# Containers.


def _new(kind: Callable[[], object]) -> Action:
    def push(machine: Machine) -> None:
        machine.stack.append(kind())

    return push


def _tuple(machine: Machine) -> None:
    items = machine.pop_mark()
    machine.charge(8 * len(items))
    machine.stack.append(tuple(items))


def _short_tuple(count: int) -> Action:
    def push(machine: Machine) -> None:
        items = tuple(machine.stack[-count:])
        if len(items) != count:
            raise IndexError
        machine.stack[-count:] = [items]

    return push


def _list(machine: Machine) -> None:
    items = machine.pop_mark()
    machine.stack.append(items)


def _append_to(machine: Machine, items: list) -> None:
    target = machine.stack[-1]
    if type(target) is not list:
        raise damaged(machine, "items of what is no list")
    target.extend(items)


def _append(machine: Machine) -> None:
    _append_to(machine, [machine.stack.pop()])


def _appends(machine: Machine) -> None:
    _append_to(machine, machine.pop_mark())


def _set_items(machine: Machine, pairs: list) -> None:
    target = machine.stack[-1]
    if type(target) is not dict or len(pairs) % 2:
        raise damaged(machine, "items of what is no dict")
    for index in range(0, len(pairs), 2):
        machine.set_item(target, pairs[index], pairs[index + 1])


def _set_item(machine: Machine) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    _set_items(machine, [key, value])


def _set_marked_items(machine: Machine) -> None:
    _set_items(machine, machine.pop_mark())


def _dict(machine: Machine) -> None:
    pairs = machine.pop_mark()
    machine.stack.append({})
    _set_items(machine, pairs)


def _add_items(machine: Machine) -> None:
    items = machine.pop_mark()
    target = machine.stack[-1]
    if type(target) is not set:
        raise damaged(machine, "items of what is no set")
    for item in items:
        machine.add_item(target, item)


def _frozenset(machine: Machine) -> None:
    result: set = set()
    for item in machine.pop_mark():
        machine.add_item(result, item)
    machine.stack.append(frozenset(result))


# Objects.


def _push_global(machine: Machine, module: bytes | str, name: bytes | str) -> None:
    if isinstance(module, bytes):
        module = module.decode("utf-8", "backslashreplace")
    if isinstance(name, bytes):
        name = name.decode("utf-8", "backslashreplace")
    if len(module) + len(name) > 500:
        raise damaged(machine, "a global with an endless name")
    machine.stack.append(resolve(module, name))


def _global(machine: Machine) -> None:
    module = machine.take_line()
    _push_global(machine, module, machine.take_line())


def _stack_global(machine: Machine) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    if type(name) is not str or type(module) is not str:
        raise damaged(machine, "a global without a name")
    _push_global(machine, module, name)


def _reduce(machine: Machine) -> None:
    args, callee = machine.stack.pop(), machine.stack.pop()
    if type(callee) is not Callee or type(args) is not tuple:
        named = callee.name if type(callee) is TypeName else "what is no function"
        raise FileFormatError(f"the pickle calls {named}, which is not allowed")
    machine.stack.append(callee.call(machine, args))


def _build(machine: Machine) -> None:
    state, target = machine.stack.pop(), machine.stack[-1]
    if type(target) is Pending and target.value is None:
        target.value = target.finish(machine, state)
        machine.stack[-1] = target.value
    elif type(target) is not dict:
        # An OrderedDict's attributes, such as a state dict's `_metadata`, are dropped.
        raise FileFormatError(
            f"the pickle sets the state of a {type(target).__name__.lower()}"
        )


def _persistent(machine: Machine) -> None:
    machine.stack.append(machine.tensors.piece(machine.stack.pop()))


def _refused(what: str) -> Action:
    def refuse(machine: Machine) -> None:
        raise FileFormatError(
            f"the pickle uses {what} at byte {machine.position - 1}, which torch.save "
            "never writes"
        )

    return refuse


# For each opcode what it does and the bytes of memory it takes: the value, its place on
# the stack, in the memo or in a list. 32 is the least, for the time.
_ROWS: dict[bytes, tuple[Action, int]] = {
    b"\x80": (_protocol, 32),
    b"\x95": (_frame, 32),
    b"(": (_mark, 120),
    b"0": (_pop, 32),
    b"1": (_pop_mark, 32),
    b"2": (_dup, 32),
    b"p": (_put_line, 110),
    b"q": (_short_put, 110),
    b"r": (_put(4), 110),
    b"\x94": (_memoize, 110),
    b"g": (_get_line, 48),
    b"h": (_short_get, 40),
    b"j": (_get(4), 40),
    b"N": (push(None), 32),
    b"\x88": (push(True), 32),
    b"\x89": (push(False), 32),
    b"K": (_byte, 32),
    b"M": (unsigned(2), 48),
    b"J": (push_signed, 48),
    b"I": (push_int_line, 80),
    b"L": (lambda machine: machine.stack.append(integer_line(machine)), 80),
    b"\x8a": (long_int(1), 80),
    b"\x8b": (long_int(4), 80),
    b"F": (push_float_line, 48),
    b"G": (push_float, 48),
    b"S": (push_quoted, 32),
    b"T": (old_text(4), 32),
    b"U": (old_text(1), 32),
    b"V": (push_escaped, 32),
    b"X": (text(4), 32),
    b"\x8c": (text(1), 32),
    b"\x8d": (text(8), 32),
    b"B": (raw_bytes(4), 32),
    b"C": (raw_bytes(1), 32),
    b"\x8e": (raw_bytes(8), 32),
    b"\x96": (push_bytearray, 32),
    b")": (push(()), 32),
    b"\x85": (_short_tuple(1), 80),
    b"\x86": (_short_tuple(2), 80),
    b"\x87": (_short_tuple(3), 88),
    b"t": (_tuple, 80),
    b"]": (_new(list), 120),
    b"l": (_list, 120),
    b"a": (_append, 40),
    b"e": (_appends, 64),
    b"}": (_new(dict), 100),
    b"d": (_dict, 100),
    b"s": (_set_item, 32),
    b"u": (_set_marked_items, 32),
    b"\x8f": (_new(set), 240),
    b"\x90": (_add_items, 32),
    b"\x91": (_frozenset, 240),
    b"c": (_global, 64),
    b"\x93": (_stack_global, 64),
    b"R": (_reduce, 64),
    b"\x81": (_reduce, 64),
    b"b": (_build, 32),
    # With a storage, most often a new one.
    b"Q": (_persistent, 520),
    b"P": (_refused("a persistent id as text"), 32),
    b"i": (_refused("INST"), 32),
    b"o": (_refused("OBJ"), 32),
    b"\x92": (_refused("NEWOBJ_EX"), 32),
    b"\x82": (_refused("EXT1"), 32),
    b"\x83": (_refused("EXT2"), 32),
    b"\x84": (_refused("EXT4"), 32),
    b"\x97": (_refused("NEXT_BUFFER"), 32),
    b"\x98": (_refused("READONLY_BUFFER"), 32),
}
_UNKNOWN = (_refused("a byte that is no opcode"), 32)
TABLE = tuple(_ROWS.get(bytes([code]), _UNKNOWN) for code in range(256))
