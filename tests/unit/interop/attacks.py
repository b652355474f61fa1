# SPDX-License-Identifier: Apache-2.0
"""Hostile files of every kind, and sound files that are much like them."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Callable
from typing import NamedTuple

from tests.unit.interop import code_attacks
from tests.unit.interop.crafted import (
    CENTRAL_STORAGE,
    END,
    GOOD,
    LOCAL_STORAGE,
    PROTO,
    archive,
    array,
    holding,
    integer,
    old_format,
    patched,
    persistent,
    renamed,
    safetensors,
    tensor,
    text,
)

MILLION = 1_000_000
FLOATS = struct.pack("<4f", 1, 2, 3, 4)
_EMPTY = {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}
_LONG = text("a" * 7 * MILLION)


class Attack(NamedTuple):
    """A file, what it belongs to, and what the error must say.

    Attributes:
        family: The kind of attack.
        match: A pattern in the error's message; empty for a sound file.
        files: Makes the content of each file; the first is the one to load.
    """

    family: str
    match: str
    files: Callable[[], dict[str, bytes]]


def _pickle(family: str, match: str, *parts: bytes) -> Attack:
    return Attack(family, match, lambda: {"a.pt": holding(b"".join(parts))})


def _file(family: str, match: str, content: bytes) -> Attack:
    return Attack(family, match, lambda: {"a.pt": content})


def _made(family: str, match: str, make: Callable[[], bytes]) -> Attack:
    return Attack(family, match, lambda: {"a.pt": make()})


def _old(code: bytes, storages: dict[str, tuple[int, bytes]] | None = None) -> bytes:
    # A storage's last of six is its view, which the newer format has not.
    given = {"0": (4, FLOATS)} if storages is None else storages
    return old_format(code, given).replace(b"tQ", b"NtQ")


def _index(places: dict[str, str], **shards: bytes) -> dict[str, bytes]:
    index = json.dumps({"weight_map": places}).encode()
    return {"model.safetensors.index.json": index, **shards}


def _span(dtype: str, shape: list[int], *offsets: int) -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def _bomb() -> bytes:
    """64 MiB of pickle in 64 KiB."""
    return archive(b"N0" * (32 << 20), method=zipfile.ZIP_DEFLATED)


def _many_shards() -> dict[str, bytes]:
    """Each of these headers is read, if none before it is refused."""
    shards = {
        f"s{n}": safetensors({f"{n}/{i}": _EMPTY for i in range(25_000)})
        for n in range(4)
    }
    return _index({f"{n}/0": f"s{n}" for n in range(4)}, **shards)


def _many_files() -> dict[str, bytes]:
    """More shards than a process can have open."""
    shards = {f"s{n}": safetensors({f"t{n}": _EMPTY}) for n in range(1100)}
    return _index({f"t{n}": f"s{n}" for n in range(1100)}, **shards)


def _colliding() -> bytes:
    """A dict of integers that all walk the same slots of Python's hash table.

    References:
        CPython 3.11, Objects/dictobject.c, "perturb".
    """
    slots, slot = {0}, 0
    mask = (1 << 18) - 1
    for _ in range(100_000):
        slot = (5 * slot + 1) & mask
        slots.add(slot)
    late: list[int] = []
    for key in range(1 << 18, 1 << 20):
        slot = perturb = key
        while slot & mask in slots and perturb:
            perturb >>= 5
            slot = 5 * slot + perturb + 1
        if slot & mask in slots:
            late.append(key)
    pairs = b"".join(b"J" + struct.pack("<i", key) + b"N" for key in (*slots, *late))
    return holding(b"}(" + pairs + b"u")


# The first reading of the older format has each of its pickles.
_MAGIC = PROTO + integer(0x1950A86A20F9469CFC6C) + b"."
_ENDLESS = text("a" * 100_000) + b"q\0]q\1(" + b"h\0" * 200_000 + b"e"
_COPIES = b"".join(
    tensor((16 // width, 1), (1, 1), storage=persistent(count=4)).replace(
        b"\x89}tR", b"\x89}ctorch\n" + dtype + b"\ntR"
    )
    for dtype, width in {
        b"float64": 8, b"float32": 4, b"float16": 2, b"bfloat16": 2, b"int64": 8,
        b"int32": 4, b"int16": 2, b"uint16": 2, b"uint32": 4, b"uint64": 8,
    }.items()
).replace(b"_rebuild_tensor_v2", b"_rebuild_tensor_v3")  # fmt: skip

ATTACKS: dict[str, Attack] = {
    **{
        kind: _pickle(
            "code", "asks for|INST|EXT1|NEXT_BUFFER|calls|plain numeric", code
        )
        for kind, code in (code_attacks.LIVE | code_attacks.OTHER).items()
    },
    "os.system in the older format": _file(
        "code", "asks for 'os.system'", _old(code_attacks.SYSTEM)
    ),
    "os.system for the magic number": _file(
        "code", "asks for 'os.system'", PROTO + code_attacks.SYSTEM + b"."
    ),
    "persistent id as text": _pickle("persistent id", "as text", b"P0\n"),
    "persistent id of a module": _pickle(
        "persistent id",
        "of no storage",
        b"("
        + text("module")
        + text("Model")
        + text("m.py")
        + text("import os")
        + b"tQ",
    ),
    "persistent id of an array": _pickle(
        "persistent id", "of no storage", b"(", array(b"ab"), persistent()[13:]
    ),
    "persistent id that leaves the archive": _pickle(
        "persistent id",
        "no data for",
        tensor(storage=persistent("../../../etc/passwd")),
    ),
    "persistent id with an endless key": _pickle(
        "persistent id", "elements", persistent("\U0001f600" * 2 * MILLION, 1 << 100)
    ),
    "memo of a million": _pickle("memo", "MiB", b"N" + b"\x94" * MILLION),
    "memo at the end of memory": _pickle(
        "memo", "refers to value", b"Nr\xff\xff\xff\xffj\xfe\xff\xff\xff"
    ),
    "memo of itself": _pickle("memo", "contains itself", b"]q\0h\0a"),
    "memo that doubles": _pickle(
        "memo", "counted each time", b"]q\0" + b"](h\0h\0eq\0" * 100
    ),
    "memo of text made again": _pickle(
        "memo",
        "MiB",
        b"c_codecs\nencode\nq\1" + text("a" * MILLION) + text("latin1") + b"\x86q\2",
        b"h\1h\2R" * 100,
    ),
    "memo of text in the error": _file(
        "memo", "protocol number", _MAGIC + PROTO + _ENDLESS + b"." + PROTO + b"}."
    ),
    "keys that collide": _made("keys", "keys that are numbers", _colliding),
    "keys that are equal to their end": _pickle(
        "keys", "a key of", _LONG, b"q\0", _LONG, b"q\1}h\0Ns", b"h\1Ns" * 80_000
    ),
    "zip bomb": _made("zip bomb", "compressed", _bomb),
    "zip bomb that overlaps": _file(
        "zip bomb", "overlaps", patched((CENTRAL_STORAGE + 42, bytes(4)))
    ),
    "zip bomb of entries": _file(
        "zip bomb", "entries in a dir", patched((END + 8, b"\xf0\xff\xf0\xff"))
    ),
    "zip in front of which is a pickle": _file(
        "zip bomb", "another program", PROTO + b"N." + GOOD
    ),
    "path to the parent": _file("path", "no plain", renamed(b"archive/../abc")),
    "path from the root": _file("path", "no plain", renamed(b"/rchive/data/0")),
    "path with backslashes": _file("path", "no plain", renamed(b"archive\\data/0")),
    "path of a shard": Attack(
        "path", "not in its folder", lambda: _index({"a": "../../etc/passwd"})
    ),
    "path of a shard from the root": Attack(
        "path", "not in its folder", lambda: _index({"a": "/etc/passwd"})
    ),
    "path of a shard that is endless": Attack(
        "path", "not in its folder", lambda: _index({"a": "a" * 5000})
    ),
    "storage that is cut": _file(
        "storage",
        "12 bytes where",
        archive(PROTO + tensor() + b".", {"data/0": bytes(12)}),
    ),
    "storage beyond the file": _file(
        "storage",
        "cut short",
        patched(
            (CENTRAL_STORAGE + 20, struct.pack("<2L", 1 << 30, 1 << 30)),
            (LOCAL_STORAGE + 18, struct.pack("<2L", 1 << 30, 1 << 30)),
        ),
    ),
    "storage of 2**100": _pickle(
        "storage", "elements", tensor(storage=persistent(count=1 << 100))
    ),
    "storage over the directory": _file(
        "storage",
        "cut short",
        patched(
            (CENTRAL_STORAGE + 20, struct.pack("<2L", 99, 99)),
            (LOCAL_STORAGE + 18, struct.pack("<2L", 99, 99)),
        ),
    ),
    "storage cut in the older format": _file(
        "storage", "cut short", _old(tensor(), {"0": (4, FLOATS[:-1])})
    ),
    "storage copied for each dtype": _made(
        "storage",
        "more than 6 ways",
        lambda: archive(
            PROTO + b"(" + _COPIES + b"l.", {"data/0": FLOATS, "byteorder": b"big"}
        ),
    ),
    "offset behind the end": _pickle("stride", "reaches element", tensor(offset=1)),
    "offset below zero": _pickle("stride", "offset -1", tensor(offset=-1)),
    "stride below zero": _pickle("stride", "negative", tensor((4,), (-1,), 3)),
    "stride of 2**62": _pickle("stride", "reaches", tensor((2,), (1 << 62,))),
    "sizes that overflow": _pickle(
        "stride", "more elements", tensor((1 << 40, 1 << 40), (0, 0))
    ),
    "sizes that overflow to zero": _pickle(
        "stride", "more elements", tensor((0, 1 << 62, 1 << 62), (0, 0, 0))
    ),
    "size below zero": _pickle("stride", "negative", tensor((-1,))),
    "entry twice": _made(
        "twice",
        "two entries",
        lambda: archive(
            PROTO + tensor() + b".", {"data/0": bytes(16), "data/1": bytes(16)}
        ).replace(b"archive/data/1", b"archive/data/0"),
    ),
    "tensor twice": _file("twice", "twice", safetensors(b'{"a":1,"a":1}')),
    "ten million opcodes": _made(
        "opcodes", "MiB", lambda: holding(b"N0" * 5 * MILLION)
    ),
    "million marks": _made("opcodes", "MiB", lambda: holding(b"(" * MILLION)),
    "million lists": _made("opcodes", "MiB", lambda: holding(b"]" * MILLION)),
    "deep lists": _pickle("depth", "nested", b"]" * 100_000 + b"a" * 99_999),
    "deep tuples": _pickle("depth", "nested", b")" + b"\x85" * 100_000),
    "deep header": _file("depth", "no JSON", safetensors(b'{"a":' + b"[" * 100_000)),
    "header of 32 MiB": _made(
        "safetensors", "split the", lambda: safetensors(b"{" + b" " * (33 << 20))
    ),
    "header of lists": _made(
        "safetensors", "MiB", lambda: safetensors(b'{"a":[' + b"[]," * 400_000)
    ),
    "tensors that overlap": _file(
        "safetensors",
        "first that is free",
        safetensors(
            {"a": _span("U8", [8], 0, 8), "b": _span("U8", [4], 4, 8)}, bytes(8)
        ),
    ),
    "tensor of 2**124": _file(
        "safetensors",
        "memory has addresses",
        safetensors({"a": _span("U8", [1 << 62, 1 << 62], 0, 8)}, bytes(8)),
    ),
    "shards of many files": Attack("safetensors", "1100 files", _many_files),
    "shards of many tensors": Attack("safetensors", "do not agree", _many_shards),
}

SOUND: dict[str, Attack] = {
    "calls of what is allowed": _pickle(
        "code",
        "",
        b"](ccollections\nOrderedDict\n)Rc_codecs\nencode\n",
        text("a") + text("latin1") + b"\x86R" + array(b"ab") + b"e",
    ),
    "storage by its id": _pickle("persistent id", "", tensor()),
    "memo that is used": _pickle("memo", "", b"](", text("a") + b"q\0h\0h\0e"),
    "keys that count up": _pickle(
        "keys", "", b"}(", *(integer(i) + b"N" for i in range(50_000)), b"u"
    ),
    "stored archive": _file("zip bomb", "", GOOD),
    "storage in a folder": _file(
        "path",
        "",
        archive(PROTO + tensor(storage=persistent("x/0")) + b".", {"data/x/0": FLOATS}),
    ),
    "shard beside its index": Attack(
        "path", "", lambda: _index({"a": "s0"}, s0=safetensors({"a": _EMPTY}))
    ),
    "storage that is shared": _pickle("storage", "", b"(", tensor(), tensor(), b"l"),
    "storage of the older format": _file("storage", "", _old(tensor())),
    "transposed": _pickle("stride", "", tensor((2, 2), (1, 2))),
    "broadcast": _pickle("stride", "", tensor((9, 2), (0, 1), 2)),
    "two entries": _file(
        "twice",
        "",
        archive(PROTO + tensor() + b".", {"data/0": FLOATS, "data/1": FLOATS}),
    ),
    "hundred thousand numbers": _pickle("opcodes", "", b"](", b"K\1" * 100_000, b"e"),
    "nested": _pickle("depth", "", b"]" * 199 + b"a" * 198),
    "tensors in a row": _file(
        "safetensors",
        "",
        safetensors(
            {"a": _span("U8", [4], 0, 4), "b": _span("U8", [4], 4, 8)}, bytes(8)
        ),
    ),
}
