# SPDX-License-Identifier: Apache-2.0
"""Changes of pickles by whole opcodes, and files around a pickle."""

from __future__ import annotations

import pickletools
import random
import struct

from flaxnn.interop import _globals
from tests.unit.interop import crafted

_CODES = {ord(op.code): op for op in pickletools.opcodes}
_FRAME = 0x95
_INTEGERS = (-1, 0, 1, 2, 3, 4, 5, 16, 255, 1 << 31, (1 << 63) - 1, 1 << 64, 1 << 200)
_WORDS = (
    "storage", "0", "1", "cpu", "latin1", "f4", "u1", "c8", "<", "|", ">", "C", "F",
    "conj", "neg", "", "a", "é", "\U0001f600",
)  # fmt: skip
_GLOBALS = tuple(
    f"c{module}\n{name}\n".encode()
    for module, _, name in (full.rpartition(".") for full in _globals._TABLE)
)
_SIMPLE = tuple(
    bytes([code]) for code, op in _CODES.items() if op.arg is None and op.name != "STOP"
)
# Opcodes whose argument is a line, or of a fixed length.
_OLD = (
    b"I1\n", b"I01\n", b"L-5L\n", b"F1.5\n", b"S'a'\n", b"V\\u00e9\n", b"T\1\0\0\0a",
    b"U\1\xff", b"p3\n", b"g3\n", b"r\3\0\0\0", b"j\3\0\0\0", b"M\1\0",
    b"J\xff\xff\xff\x80",
    b"G?\xf0\0\0\0\0\0\0", b"\x8b\1\0\0\0\5", b"\x8c\1a", b"\x8e\1" + bytes(7) + b"a",
    b"\x96\1" + bytes(7) + b"a", b"\x8d\1" + bytes(7) + b"a", b"B\1\0\0\0a", b"C\1a",
)  # fmt: skip


def _call(full: str, *args: bytes) -> bytes:
    module, _, name = full.rpartition(".")
    return f"c{module}\n{name}\n(".encode() + b"".join(args) + b"tR"


_ARRAY = crafted.array(b"ab")
_F8 = _call("numpy.dtype", crafted.text("f8"), b"\x89\x88")
_F8 += b"(K\3" + crafted.text(">") + b"NNN" + b"J\xff\xff\xff\xff" * 2 + b"K\0tb"
_ORDER = crafted.text("C")
_EIGHT = b"C\10" + bytes(8)
_PAIRS = b"](](" + crafted.text("a") + b"K\1ee"
_TENSOR_TYPE = b"ctorch._tensor\nTensor\n"
_PARTS = crafted.persistent() + b"K\0K\4\x85K\1\x85"
_VIEW = b"(" + crafted.text("v") + b"K\1K\3ttQ"
_WHOLE = (
    crafted.tensor(),
    crafted.tensor((2, 2), (2, 1)),
    crafted.tensor((2,), (2,), 1, crafted.persistent("1", 4)),
    crafted.tensor(storage=crafted.persistent("0", 2, "ComplexFloatStorage")),
    crafted.tensor((3,), storage=crafted.persistent()[:-2] + _VIEW),
    crafted.tensor()[:-2] + b"}" + crafted.text("neg") + b"\x88stR",
    crafted.tensor((2,), storage=crafted.persistent("1", 2, "ComplexFloatStorage"))[:-2]
    + b"}" + crafted.text("conj") + b"\x88stR",
    crafted.persistent(),
    crafted.persistent("1", 16, "ByteStorage"),
    _call("torch._utils._rebuild_tensor", _PARTS),
    _call("torch._utils._rebuild_tensor_v3", _PARTS, b"\x89}ctorch\nint32\n"),
    _call("torch._utils._rebuild_parameter", crafted.tensor(), b"\x88}"),
    _call(
        "torch._tensor._rebuild_from_type_v2",
        b"ctorch._utils\n_rebuild_tensor_v2\n", _TENSOR_TYPE, b"(", _PARTS, b"\x89}t}",
    ),
    _call("torch.Size", b"](K\1K\2e"),
    _call("torch.device", crafted.text("cuda"), b"K\1"),
    _call("collections.OrderedDict"),
    _call("collections.OrderedDict", _PAIRS),
    _call("collections.Counter", b"}" + crafted.text("a") + b"K\1s"),
    _call("collections.defaultdict", b"cbuiltins\nlist\n"),
    _call("builtins.set", b"](K\1K\2e"),
    _call("builtins.frozenset", b"]"),
    _call("builtins.bytearray", b"C\1a"),
    _call("builtins.complex", b"G" + bytes(8), b"G" + bytes(8)),
    _call("_codecs.encode", crafted.text("\xe9"), crafted.text("latin1")),
    _call("numpy.core.multiarray.scalar", _F8, _EIGHT),
    _call("numpy._core.numeric._frombuffer", _EIGHT, _F8, b"K\1\x85", _ORDER),
    _ARRAY,
    b"(" + _ARRAY + b"t",
    b"\x8f(K\1K\2\x90",
    b"(K\1K\2\x91",
    b"}" + crafted.text("conj") + b"\x88s",
    b"h\0",
    b"q\0",
    b"(K\1K\2t",
    b")R",
    b"}b",
)  # fmt: skip


def split(code: bytes) -> list[bytes]:
    """The opcodes of a pickle, each with its argument; the rest in one piece."""
    parts = []
    position = 0
    while position < len(code):
        op = _CODES.get(code[position])
        end = position + 1
        if op is not None and op.arg is not None:
            width = op.arg.n
            if width >= 0:
                end += width
            elif width == pickletools.UP_TO_NEWLINE:
                for _ in range(1 + (op.name in ("GLOBAL", "INST"))):
                    end = code.find(b"\n", end) + 1 or len(code)
            else:
                size = {-2: 1, -3: 4, -4: 4, -5: 8}[width]
                end += size + int.from_bytes(code[end : end + size], "little")
        parts.append(code[position : min(end, len(code))])
        position = end
    return parts


def mutate_pickle(code: bytes, rng: random.Random) -> bytes:
    """Changes, adds, drops or moves a few opcodes. Frames are dropped."""
    parts = [part for part in split(code) if part[0] != _FRAME]
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(len(parts) + 1)
        length = rng.choice((1, 1, 2, 3, 8))
        match rng.randrange(8):
            case 0:
                del parts[at : at + length]
            case 1:
                start = rng.randrange(len(parts) + 1)
                parts[at:at] = parts[start : start + length]
            case 2 if len(parts) > 1:
                other = rng.randrange(len(parts))
                at %= len(parts)
                parts[at], parts[other] = parts[other], parts[at]
            case 3 if parts:
                at %= len(parts)
                parts[at] = _changed(parts[at], rng)
            case 4:
                parts[at : at + 1] = [_piece(rng)]
            case 5:
                # Made and dropped, so that what follows is as it was.
                parts[at:at] = [rng.choice(_WHOLE), b"0"]
            case _:
                parts.insert(at, _piece(rng))
    return b"".join(parts)


def _piece(rng: random.Random) -> bytes:
    """Something to push, or to do."""
    match rng.randrange(7):
        case 0:
            return rng.choice(_GLOBALS)
        case 4:
            return rng.choice(_OLD)
        case 1:
            return crafted.integer(rng.choice(_INTEGERS))
        case 2:
            return crafted.text(rng.choice(_WORDS))
        case 3:
            return rng.choice(_WHOLE)
        case _:
            return rng.choice(_SIMPLE)


def _changed(part: bytes, rng: random.Random) -> bytes:
    """An opcode with another argument of the same kind."""
    op = _CODES.get(part[0])
    if op is None or op.arg is None:
        return rng.choice(_SIMPLE)
    if op.name == "GLOBAL":
        return rng.choice(_GLOBALS)
    if op.name.startswith("LONG") and op.arg.n < 0:
        return crafted.integer(rng.choice(_INTEGERS))
    if op.arg.n > 0:
        return part[:1] + rng.choice((rng.randbytes(op.arg.n), b"\0" * op.arg.n))
    if op.arg.n == pickletools.UP_TO_NEWLINE:
        line = rng.choice((b"1", b"01", b"-1L", b"'a'", b"1.5", b"\\u0041", b"9" * 120))
        return part[:1] + line + b"\n"
    return crafted.text(rng.choice(_WORDS))


STORAGES = {key: struct.pack("<4f", 1, -2, 3, 4) for key in ("0", "1")}


def in_old_format(code: bytes) -> bytes:
    """A file in the older format around a pickle, with the storages that it names."""
    named = {
        key: (4, data) for key, data in STORAGES.items() if crafted.text(key) in code
    }
    file = crafted.old_format(b"", named)
    # What `old_format` writes for an object that is none.
    return file.replace(b"}." + crafted.PROTO + b".", b"}." + code, 1)
