# SPDX-License-Identifier: Apache-2.0
"""PyTorch's zip format: a pickle, and one entry for each storage."""

from __future__ import annotations

import mmap
import sys
import zlib
from typing import BinaryIO

from flaxnn.interop._directory import Entry, read_directory
from flaxnn.interop._errors import FileFormatError
from flaxnn.interop._mapped import bytes_at
from flaxnn.interop._tensors import Storage, Tensors
from flaxnn.interop._unpickle import MAX_PICKLE, MEMORY, Machine

# Bytes of memory for an entry of the directory, with its name.
_ENTRY = 300


def load_archive(file: BinaryIO, size: int, mapped: mmap.mmap) -> object:
    """Returns what a file in PyTorch's zip format holds.

    Args:
        file: The open file, from which all but the tensors' data is read.
        size: Its size in bytes.
        mapped: A read-only map of the file, which the arrays will be views of.

    Returns:
        The saved object.

    Raises:
        FileFormatError: It is damaged, hostile, or no such file.
    """
    entries = read_directory(file, size)
    prefix = _prefix(entries)
    for name, entry in entries.items():
        if entry.compressed:
            raise FileFormatError(
                f"entry {name!r} of the zip archive is compressed, which torch.save "
                "never does: load the file in PyTorch and torch.save it again"
            )
    code = _read(file, entries, f"{prefix}/data.pkl", MAX_PICKLE)
    swap = _is_swapped(file, entries, f"{prefix}/byteorder")
    storages: dict[str, Storage] = {}

    def find(key: str, nbytes: int, width: int) -> Storage:
        if key not in storages:
            entry = entries.get(f"{prefix}/data/{key}")
            if entry is None:
                raise FileFormatError(
                    f"the archive has no data for storage {key[:80]!r}: it is damaged"
                )
            data = bytes_at(mapped, entry.start, entry.size)
            storages[key] = Storage(entry.size, data)
        # The bytes of a tensor's view as a narrower dtype may leave a remainder.
        if not 0 <= storages[key].nbytes - nbytes < width:
            raise FileFormatError(
                f"storage {key[:80]!r} has {storages[key].nbytes} bytes where the "
                f"pickle expects {nbytes}: the file is damaged"
            )
        return storages[key]

    tensors = Tensors(find, swap=swap)
    budget = MEMORY - len(code) - _ENTRY * len(entries)
    machine = Machine(code, tensors, budget)
    value = machine.load()
    if tensors.incomplete:
        tensors.copying = True
        machine = Machine(code, tensors, budget)
        value = machine.load()
    return value


def _prefix(entries: dict[str, Entry]) -> str:
    """Returns the folder that everything is in."""
    prefixes = {name.partition("/")[0] for name in entries}
    if len(prefixes) == 1:
        (prefix,) = prefixes
        if f"{prefix}/constants.pkl" in entries or any(
            name.startswith(f"{prefix}/code/") for name in entries
        ):
            raise FileFormatError(
                "the file is a TorchScript program, of torch.jit.save: save "
                "torch.jit.load(path).state_dict() with torch.save instead"
            )
        if f"{prefix}/data.pkl" in entries:
            return prefix
    raise FileFormatError(
        "the file is a zip archive without PyTorch's data.pkl: if it is a NumPy .npz, "
        "use numpy.load; if archives were put into it, unpack it first"
    )


def _read(file: BinaryIO, entries: dict[str, Entry], name: str, limit: int) -> bytes:
    """Returns the bytes of an entry, if they have the checksum that they should."""
    entry = entries[name]
    if entry.size > limit:
        raise FileFormatError(
            f"{name} has {entry.size} bytes; at most {limit} are read: save large "
            "lists and arrays as tensors"
        )
    file.seek(entry.start)
    data = file.read(entry.size)
    # 0 stands where torch.serialization.set_crc32_options(False) was in force.
    if len(data) != entry.size or entry.crc not in (0, zlib.crc32(data)):
        raise FileFormatError(f"{name} has not the checksum that it should: damaged")
    return data


def _is_swapped(file: BinaryIO, entries: dict[str, Entry], name: str) -> bool:
    """Whether the storages are of the other byte order than this machine."""
    order = _read(file, entries, name, 64) if name in entries else b"little"
    if order not in (b"little", b"big"):
        raise FileFormatError(f"the archive has byte order {order!r}")
    return order.decode() != sys.byteorder
