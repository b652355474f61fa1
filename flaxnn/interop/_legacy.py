# SPDX-License-Identifier: Apache-2.0
"""PyTorch's format before 1.6: pickles in a row, then the storages.

References:
    `torch.serialization._legacy_save` (2.13.0), which writes it still.
"""

from __future__ import annotations

import mmap
import sys
from typing import BinaryIO

from flaxnn.interop._errors import FileFormatError
from flaxnn.interop._mapped import bytes_at
from flaxnn.interop._tensors import Storage, Tensors
from flaxnn.interop._unpickle import MAX_PICKLE, MEMORY, Machine

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001


def load_legacy(file: BinaryIO, size: int, mapped: mmap.mmap) -> object:
    """Returns what a file in PyTorch's older format holds.

    The storages' places are known once the pickles are read, so the object's is read
    twice: to see that all is sound, and to make the arrays.

    Args:
        file: The open file.
        size: Its size in bytes.
        mapped: A read-only map of the file, which the arrays will be views of.

    Returns:
        The saved object.

    Raises:
        FileFormatError: It is damaged, hostile, or no such file.
    """
    file.seek(0)
    code = file.read(MAX_PICKLE)
    storages: dict[str, Storage] = {}
    widths: dict[str, int] = {}

    def find(key: str, nbytes: int, width: int) -> Storage:
        if key not in storages:
            storages[key] = Storage(nbytes, None)
            widths[key] = width
        if (storages[key].nbytes, widths[key]) != (nbytes, width):
            raise FileFormatError(f"storage {key[:80]!r} has two lengths or dtypes")
        return storages[key]

    tensors = Tensors(find, swap=sys.byteorder != "little")
    machine = Machine(code, tensors, MEMORY - len(code))
    try:
        _check_magic(machine)
        start = machine.position
        value = machine.load()
        keys = machine.load()
    except FileFormatError as error:
        if machine.position >= len(code) < size:
            raise FileFormatError(
                f"the pickle has more than the {MAX_PICKLE} bytes that are read: save "
                "large lists and arrays as tensors"
            ) from error
        raise
    _place(storages, widths, keys, mapped, machine.position, size)
    if tensors.incomplete:
        tensors.copying = True
        machine = Machine(code, tensors, MEMORY - len(code))
        machine.position = start
        value = machine.load()
    return value


def _check_magic(machine: Machine) -> None:
    """Reads what precedes the object."""
    magic = machine.load()
    if type(magic) is not int or magic != MAGIC:
        raise FileFormatError(
            "the file is a pickle of another program than torch.save; it is not read, "
            "as a pickle can run anything. Save tensors with torch.save instead"
        )
    protocol, system = machine.load(), machine.load()
    if type(protocol) is not int or protocol != PROTOCOL or type(system) is not dict:
        # Not what it is instead: that can be endless as text.
        raise FileFormatError(
            f"the file has not the protocol number {PROTOCOL} that torch.save writes"
        )


def _place(
    storages: dict[str, Storage],
    widths: dict[str, int],
    keys: object,
    mapped: mmap.mmap,
    position: int,
    size: int,
) -> None:
    """Finds the storages' data, each a count of elements and then the elements."""
    if type(keys) is not list or not all(type(key) is str for key in keys):
        raise FileFormatError("the file's list of storages is damaged")
    if len(keys) != len(set(keys)) or set(keys) != storages.keys():
        raise FileFormatError("the file's list of storages is not that of its pickle")
    for key in keys:
        storage = storages[key]
        end = position + 8 + storage.nbytes
        if end > size:
            raise FileFormatError(f"the file is cut short, in storage {key[:80]!r}")
        count = int.from_bytes(mapped[position : position + 8], "little")
        if count * widths[key] != storage.nbytes:
            raise FileFormatError(
                f"storage {key[:80]!r} has {count} elements of {widths[key]} bytes "
                f"where the pickle expects {storage.nbytes} bytes: damaged"
            )
        storage.data = bytes_at(mapped, position + 8, storage.nbytes)
        position = end
    if position != size:
        raise FileFormatError(f"the file has {size - position} bytes behind its end")
