# SPDX-License-Identifier: Apache-2.0
"""Changes of files that keep what is around them sound, so that they are read on.

A zip archive keeps its offsets and checksums, a pickle the lengths of its opcodes, a
safetensors header its length: a change is met by what it is meant for, and not by the
first check of all.
"""

from __future__ import annotations

import json
import random
import struct
import zlib
from dataclasses import dataclass, replace
from typing import Any

from tests.unit.interop.pickle_mutator import mutate_pickle

INTERESTING = (
    0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 63, 64, 65, 127, 128, 255, 256, 65535, 65536,
    2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1, 2**32, 2**62, 2**63 - 1, 2**63, 2**64 - 1,
)  # fmt: skip
_TEXTS = (
    "F32", "F64", "BF16", "F8_E4M3", "C64", "U8", "I64", "BOOL", "F4", "__metadata__",
    "dtype", "shape", "data_offsets", "weight_map", "metadata", "a", "b", "", "..",
    "shard0", "shard1", "../shard0", "a" * 300, "\ud800", "\0",
)  # fmt: skip
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_NAMES = (
    b"archive/data.pkl", b"archive/data/0", b"archive/data/1", b"archive/byteorder",
    b"archive/version", b"archive/constants.pkl", b"archive/code/x", b"x/data.pkl",
    b"archive/../x", b"/x", b"archive//x", b"archive", b"", b"\xff", b"a" * 300,
)  # fmt: skip


def mutate_bytes(data: bytes, rng: random.Random) -> bytes:
    """Changes, adds or drops a few bytes anywhere."""
    raw = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(raw) + 1)
        length = rng.choice((1, 1, 2, 4, 8, 16))
        match rng.randrange(5):
            case 0:
                raw[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del raw[at : at + length]
            case 2:
                raw[at:at] = rng.randbytes(length)
            case 3:
                start = rng.randrange(len(raw) + 1)
                raw[at:at] = raw[start : start + 4 * length]
            case 4:
                number = rng.choice(INTERESTING).to_bytes(8, "little")
                raw[at : at + min(length, 8)] = number[: min(length, 8)]
    return bytes(raw)


def mutate_json(value: Any, rng: random.Random) -> Any:
    """Changes one place of what JSON stands for."""
    if isinstance(value, dict | list) and value and rng.random() < 0.8:
        copy: Any = value.copy()
        key = rng.choice(list(copy) if isinstance(copy, dict) else range(len(copy)))
        match rng.randrange(8):
            case 0:
                del copy[key]
            case 1 if isinstance(copy, dict):
                copy[rng.choice(_TEXTS)] = copy.pop(key)
            case 1 | 2 if isinstance(copy, list):
                copy.insert(rng.randrange(len(copy) + 1), copy[key])
            case 2:
                copy[rng.choice(_TEXTS)] = copy[key]
            case _:
                copy[key] = mutate_json(copy[key], rng)
        return copy
    if isinstance(value, int) and rng.random() < 0.7:
        return value + rng.choice((-8, -4, -1, 1, 4, 8))
    return rng.choice(
        (rng.choice(INTERESTING), rng.choice(_TEXTS), [], {}, None, 1.5, -1, [value])
    )


def mutate_index(data: bytes, rng: random.Random) -> bytes:
    """Changes the index of a sharded file."""
    try:
        if rng.random() < 0.7:
            return json.dumps(mutate_json(json.loads(data), rng)).encode()
    except (ValueError, RecursionError):
        pass
    return mutate_bytes(data, rng)


def mutate_safetensors(data: bytes, rng: random.Random) -> bytes:
    """Changes the header of a safetensors file, its length with it, or the data."""
    length = int.from_bytes(data[:8], "little")
    header, tensors = data[8 : 8 + length], data[8 + length :]
    match rng.randrange(10):
        case 0:
            return mutate_bytes(data, rng)
        case 1:
            header = mutate_bytes(header, rng)
        case 2:
            tensors = mutate_bytes(tensors, rng)
        case _:
            try:
                value = mutate_json(json.loads(header), rng)
                if rng.random() < 0.3:
                    value, tensors = _laid_out(value, tensors)
                header = json.dumps(value).encode()
            except (ValueError, RecursionError):
                header = mutate_bytes(header, rng)
    return struct.pack("<Q", len(header)) + header + tensors


def _laid_out(value: Any, tensors: bytes) -> tuple[Any, bytes]:
    """Gives every tensor its bytes behind the one before."""
    free = 0
    if isinstance(value, dict):
        for entry in value.values():
            match entry:
                case {"data_offsets": [int(first), int(end)]} if first <= end < 4096:
                    entry["data_offsets"] = [free, free + end - first]
                    free += end - first
    return value, tensors.ljust(free, b"\1")[:free]


@dataclass(frozen=True)
class Entry:
    """An entry of a zip archive, as both of its headers have it.

    Attributes:
        name: Its name.
        data: Its bytes.
        fields: Flags, method, time, date, CRC-32, packed size and size, by the central
            record.
        local: The same by the header before the data.
        extra: The extra field of both.
    """

    name: bytes
    data: bytes
    fields: tuple[int, ...]
    local: tuple[int, ...]
    extra: bytes = b""


def entry(name: bytes, data: bytes) -> Entry:
    """An entry that is sound."""
    fields = (0, 0, 0, 0, zlib.crc32(data), len(data), len(data))
    return Entry(name, data, fields, fields)


def pack(entries: list[Entry], shift: int = 0) -> bytes:
    """An archive of these entries; the offset of the last may be shifted."""
    file, directory = b"", b""
    for index, one in enumerate(entries):
        offset = len(file) + (shift if index == len(entries) - 1 else 0)
        sizes = len(one.name), len(one.extra)
        directory += _CENTRAL.pack(
            b"PK\1\2", 0, 0, *one.fields, *sizes, 0, 0, 0, 0, max(offset, 0)
        )
        directory += one.name + one.extra
        file += _LOCAL.pack(b"PK\3\4", 0, *one.local, *sizes)
        file += one.name + one.extra + one.data
    count = len(entries)
    return (
        file
        + directory
        + _END.pack(b"PK\5\6", 0, 0, count, count, len(directory), len(file), 0)
    )


def unpack(content: bytes) -> list[Entry]:
    """The entries of an archive; those that cannot be found are left out."""
    entries = []
    try:
        *_, length, start, _ = _END.unpack(content[-_END.size :])
        position = start
        while position < start + length:
            record = _CENTRAL.unpack_from(content, position)
            fields, (names, extras, comment), at = (
                record[3:10],
                record[10:13],
                record[-1],
            )
            position += _CENTRAL.size
            name = content[position : position + names]
            extra = content[position + names : position + names + extras]
            position += names + extras + comment
            local = _LOCAL.unpack_from(content, at)
            first = at + _LOCAL.size + local[9] + local[10]
            data = content[first : first + min(fields[5], len(content))]
            entries.append(Entry(name, data, fields, local[2:9], extra))
    except struct.error:
        pass
    return entries


def mutate_archive(content: bytes, rng: random.Random) -> bytes:
    """Changes an entry of an archive, and everything that depends on it."""
    entries = unpack(content)
    if not entries or rng.random() < 0.2:
        return mutate_bytes(content, rng)
    index = rng.randrange(len(entries))
    one = entries[index]
    shift = 0
    match rng.randrange(9):
        case 0:
            one = _with_data(one, mutate_bytes(one.data, rng))
        case 1 | 2:
            one = _with_data(one, mutate_pickle(one.data, rng))
        case 3:
            one = replace(one, name=rng.choice(_NAMES))
        case 4:
            entries.insert(rng.randrange(len(entries) + 1), one)
        case 5:
            del entries[index]
            return pack(entries)
        case 6:
            field, number = rng.randrange(7), rng.choice(INTERESTING)
            number &= 0xFFFFFFFF if field > 3 else 0xFFFF
            changed = (*one.fields[:field], number, *one.fields[field + 1 :])
            both = rng.random() < 0.7
            one = replace(one, fields=changed, local=changed if both else one.local)
        case 7:
            size = struct.pack("<2Q", one.fields[6], one.fields[5])
            unsaid = (*one.fields[:5], 0xFFFFFFFF, 0xFFFFFFFF)
            extra = struct.pack("<2H", 1, 16) + mutate_bytes(size, rng)
            if rng.random() < 0.5:
                extra = struct.pack("<2H", 1, 16) + size
            one = replace(one, fields=unsaid, local=unsaid, extra=extra)
        case 8:
            shift = rng.choice((-64, -16, -1, 1, 2, 30, 64))
    if index < len(entries):
        entries[index] = one
    return pack(entries, shift)


def _with_data(one: Entry, data: bytes) -> Entry:
    fields = (*one.fields[:4], zlib.crc32(data), len(data), len(data))
    return replace(one, data=data, fields=fields, local=fields)
