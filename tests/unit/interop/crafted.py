# SPDX-License-Identifier: Apache-2.0
"""Files written byte by byte, for what PyTorch would not write."""

from __future__ import annotations

import io
import json
import struct
import zipfile

PROTO = b"\x80\x02"


def text(value: str) -> bytes:
    """The opcodes that push a text."""
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def integer(value: int) -> bytes:
    """The opcodes that push an integer."""
    raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def integers(*values: int) -> bytes:
    """The opcodes that push a tuple of integers."""
    return b"(" + b"".join(map(integer, values)) + b"t"


def persistent(key: str = "0", count: int = 4, kind: str = "FloatStorage") -> bytes:
    """The opcodes that push a storage."""
    name = b"ctorch\n" + kind.encode() + b"\n"
    return (
        b"(" + text("storage") + name + text(key) + text("cpu") + integer(count) + b"tQ"
    )


def tensor(
    shape: tuple[int, ...] = (4,),
    strides: tuple[int, ...] = (1,),
    offset: int = 0,
    storage: bytes | None = None,
) -> bytes:
    """The opcodes that push a tensor."""
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + (persistent() if storage is None else storage)
        + integer(offset)
        + integers(*shape)
        + integers(*strides)
        + b"\x89}tR"
    )


def array(data: bytes) -> bytes:
    """The opcodes that push a NumPy array of uint8."""
    minus = b"J\xff\xff\xff\xff"
    dtype = b"cnumpy\ndtype\n" + text("u1") + b"\x89\x88\x87R"
    dtype += b"(K\3" + text("|") + b"NNN" + minus + minus + b"K\0tb"
    made = b"cnumpy._core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85C\1b\x87R"
    size = integers(len(data))
    return made + b"(K\1" + size + dtype + b"\x89C" + bytes([len(data)]) + data + b"tb"


def archive(
    pickle: bytes,
    entries: dict[str, bytes] | None = None,
    *,
    method: int = zipfile.ZIP_STORED,
) -> bytes:
    """A file in the zip format, with one storage of four float32 unless told."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("archive/data.pkl", pickle)
        given = {"data/0": struct.pack("<4f", 1, 2, 3, 4)}
        for name, data in (given if entries is None else entries).items():
            archive.writestr(f"archive/{name}", data)
    return file.getvalue()


def holding(opcodes: bytes) -> bytes:
    """A file in the zip format whose pickle pushes one value."""
    return archive(PROTO + opcodes + b".")


def old_format(
    opcodes: bytes, storages: dict[str, tuple[int, bytes]], tail: bytes = b""
) -> bytes:
    """A file in the older format; each storage has a count of elements and data."""
    magic = integer(0x1950A86A20F9469CFC6C)
    keys = b"](" + b"".join(map(text, storages)) + b"e"
    pickles = [magic, integer(1001), b"}", opcodes, keys]
    file = b"".join(PROTO + code + b"." for code in pickles)
    for count, data in storages.values():
        file += struct.pack("<q", count) + data
    return file + tail


def safetensors(header: dict | bytes, data: bytes = b"") -> bytes:
    """A safetensors file."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + data


# A sound file in the zip format, and where the parts are that `patched` changes.
GOOD = holding(tensor())
LOCAL_STORAGE = GOOD.index(b"PK\x03\x04", 4)
CENTRAL_STORAGE = GOOD.rindex(b"PK\x01\x02")
END = GOOD.index(b"PK\x05\x06")


def patched(*patches: tuple[int, bytes]) -> bytes:
    """The sound file with other bytes in some places."""
    content = bytearray(GOOD)
    for place, data in patches:
        content[place : place + len(data)] = data
    return bytes(content)


def renamed(name: bytes) -> bytes:
    """The sound file with another name for its storage."""
    return GOOD.replace(b"archive/data/0", name)
