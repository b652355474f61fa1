# SPDX-License-Identifier: Apache-2.0
"""The directory of a zip file, read strictly.

Python's zipfile takes what it can get. Here an archive has one meaning or none: what
the directory says must agree with what stands before each entry, entries may not
overlap, and nothing may precede or follow the archive. The reason for own code is that
tensors are mapped from the file, for which the true offset of each entry is needed.

References:
    PKWARE, APPNOTE.TXT 6.3.10, sections 4.3 (the records) and 4.5.3 (zip64).
"""

from __future__ import annotations

import struct
from typing import BinaryIO, NamedTuple

from flaxnn.interop._errors import FileFormatError

# One storage is one entry, and each entry costs some 300 bytes of memory and 20 µs.
MAX_ENTRIES = 50_000
MAX_DIRECTORY = 16 << 20

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")

_16, _32 = 0xFFFF, 0xFFFFFFFF
_ENCRYPTED = 1 | 1 << 6 | 1 << 13
# The sizes stand behind the data; before it they may be zero.
_SIZES_BEHIND = 1 << 3


class Entry(NamedTuple):
    """Where the bytes of one entry are.

    Attributes:
        start: The first byte in the file.
        size: Their number, as they are in the file.
        crc: The CRC-32 of the content; 0 where none was taken.
        compressed: They have to be decompressed.
    """

    start: int
    size: int
    crc: int
    compressed: bool


class _Listed(NamedTuple):
    """What the directory says of one entry."""

    header: int
    name: bytes
    packed: int
    size: int
    crc: int
    flags: int
    method: int


def read_directory(file: BinaryIO, size: int) -> dict[str, Entry]:
    """Returns the entries of a zip file, by name.

    Args:
        file: The open file. Its directory and the header of each entry are read.
        size: The file's size in bytes.

    Returns:
        Each entry's place, in the order of the file.

    Raises:
        FileFormatError: The archive is cut short, contradicts itself, or has an entry
            that is encrypted or whose name points outside.
    """
    count, start, length = _find_directory(file, size)
    listed = _read_listed(_read_at(file, start, length), count)
    listed.sort()
    entries = {}
    free = 0
    for item in listed:
        name = _checked_name(item.name)
        if item.header < free:
            raise FileFormatError(f"entry {name!r} of the zip archive overlaps another")
        data = _data_start(file, item, name) if item.header < start else start
        free = data + item.packed
        if item.header >= start or free > start:
            raise FileFormatError(f"entry {name!r} of the zip archive is cut short")
        if name in entries:
            raise FileFormatError(f"the zip archive has two entries {name!r}")
        entries[name] = Entry(data, item.packed, item.crc, item.method != 0)
    return entries


def _read_at(file: BinaryIO, start: int, length: int) -> bytes:
    """Reads exactly so many bytes from there."""
    file.seek(start)
    data = file.read(length)
    if len(data) != length:
        raise FileFormatError("the zip archive is cut short")
    return data


def _find_directory(file: BinaryIO, size: int) -> tuple[int, int, int]:
    """Returns the number of entries, and the directory's start and length."""
    end = size - _END.size
    tail = _read_at(file, max(end, 0), min(_END.size, size))
    if len(tail) < _END.size or not tail.startswith(b"PK\x05\x06"):
        raise FileFormatError(
            "the file begins as a zip archive and does not end as one: it was cut "
            "short, as by an interrupted download, or something was appended to it"
        )
    _, disk, first, here, count, length, start, comment = _END.unpack(tail)
    if disk not in (0, _16) or first not in (0, _16) or here != count or comment:
        raise FileFormatError("the zip archive spans several disks or has a comment")
    small = (count, length, start)
    if end >= _LOCATOR.size + _END64.size:
        locator = _LOCATOR.unpack(_read_at(file, end - _LOCATOR.size, _LOCATOR.size))
        if locator[0] == b"PK\x06\x07":
            end, large = _find_directory64(file, end - _LOCATOR.size, locator)
            for said, meant, unsaid in zip(small, large, (_16, _32, _32), strict=True):
                if said not in (meant, unsaid):
                    raise FileFormatError("the zip archive has two ends that disagree")
            small = large
    count, length, start = small
    if start + length != end:
        raise FileFormatError("the zip archive's directory is not where it should be")
    if count > MAX_ENTRIES or length > MAX_DIRECTORY:
        raise FileFormatError(
            f"the zip archive has {count} entries in a directory of {length} bytes; at "
            f"most {MAX_ENTRIES} in {MAX_DIRECTORY} are read: save it as .safetensors"
        )
    return count, start, length


def _find_directory64(
    file: BinaryIO, end: int, locator: tuple[bytes, int, int, int]
) -> tuple[int, tuple[int, int, int]]:
    """Returns where the zip64 end record is, and what it says of the directory."""
    _, disk, start, disks = locator
    if disk or disks > 1 or start + _END64.size != end:
        raise FileFormatError("the zip archive's zip64 records are damaged")
    record = _END64.unpack(_read_at(file, start, _END64.size))
    signature, _, _, _, this, first, here, count, length, offset = record
    if signature != b"PK\x06\x06" or this or first or here != count:
        raise FileFormatError("the zip archive's zip64 records are damaged")
    return start, (count, length, offset)


def _read_listed(directory: bytes, count: int) -> list[_Listed]:
    """Returns what the directory lists."""
    listed = []
    position = 0
    for _ in range(count):
        if position + _CENTRAL.size > len(directory):
            raise FileFormatError("the zip archive's directory is cut short")
        fields = _CENTRAL.unpack_from(directory, position)
        signature, _, _, flags, method, _, _, crc, packed, size = fields[:10]
        name_length, extra_length, comment_length, disk, _, _, header = fields[10:]
        position += _CENTRAL.size
        name = directory[position : position + name_length]
        position += name_length
        extra = directory[position : position + extra_length]
        position += extra_length + comment_length
        if signature != b"PK\x01\x02" or position > len(directory):
            raise FileFormatError("the zip archive's directory is damaged")
        values = [size, packed, header, disk]
        size, packed, header, disk = _with_zip64(values, extra)
        if flags & _ENCRYPTED or disk:
            raise FileFormatError(f"entry {name!r} is encrypted or on another disk")
        if not method and packed != size:
            raise FileFormatError(f"entry {name!r} of the zip archive has two sizes")
        listed.append(_Listed(header, name, packed, size, crc, flags, method))
    if position != len(directory):
        raise FileFormatError("the zip archive's directory has more than it counts")
    return listed


def _with_zip64(values: list[int], extra: bytes) -> list[int]:
    """Returns sizes, offset and disk, those that do not fit 32 bits from the extra."""
    missing = [
        index
        for index, unsaid in enumerate((_32, _32, _32, _16)[: len(values)])
        if values[index] == unsaid
    ]
    if not missing:
        return values
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, position)
        position += 4
        if kind == 1 and position + length <= len(extra):
            field = extra[position : position + length]
            for index in missing:
                width = 8 if index < 3 else 4
                if len(field) < width:
                    break
                values[index] = int.from_bytes(field[:width], "little")
                field = field[width:]
            else:
                return values
        position += length
    raise FileFormatError("the zip archive lacks the zip64 sizes of an entry")


def _checked_name(raw: bytes) -> str:
    """Returns an entry's name; refuses one that could point outside the archive."""
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise FileFormatError(
            f"the zip archive's name {raw[:80]!r} is no UTF-8"
        ) from None
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\\" in name or "\0" in name:
        raise FileFormatError(
            f"the zip archive has an entry named {name[:80]!r}, which is no plain "
            "relative path; PyTorch writes none"
        )
    return name


def _data_start(file: BinaryIO, item: _Listed, name: str) -> int:
    """Returns where an entry's data begin, by its own header, which must agree."""
    header = _read_at(file, item.header, _LOCAL.size + len(item.name))
    signature, _, flags, method, _, _, crc, packed, size, name_length, extra_length = (
        _LOCAL.unpack_from(header)
    )
    if _32 in (packed, size):
        place = item.header + _LOCAL.size + name_length
        extra = _read_at(file, place, extra_length)
        size, packed = _with_zip64([size, packed], extra)
    said = (crc, packed, size)
    later = flags & _SIZES_BEHIND and said == (0, 0, 0)
    if (
        signature != b"PK\x03\x04"
        or (flags, method) != (item.flags, item.method)
        or name_length != len(item.name)
        or header[_LOCAL.size :] != item.name
        or not (later or said == (item.crc, item.packed, item.size))
    ):
        raise FileFormatError(
            f"entry {name!r} of the zip archive is not what its directory says"
        )
    return item.header + _LOCAL.size + name_length + extra_length
