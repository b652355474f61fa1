# SPDX-License-Identifier: Apache-2.0
"""The safetensors format: a header in JSON, then the tensors.

The package safetensors gives NumPy arrays too, but copies each and has no float8.

References:
    https://github.com/huggingface/safetensors, "Format".
"""

from __future__ import annotations

import math
import mmap
import reprlib
from typing import BinaryIO

import numpy as np

from flaxnn.interop._dtypes import BY_SAFETENSORS, refuse_dtype
from flaxnn.interop._errors import FileFormatError
from flaxnn.interop._json import parse_json
from flaxnn.interop._tensors import checked_shape

MAX_HEADER = 32 << 20
_METADATA = "__metadata__"


def load_safetensors(
    file: BinaryIO, size: int, mapped: mmap.mmap
) -> dict[str, np.ndarray]:
    """Returns the tensors of a safetensors file.

    Args:
        file: The open file, from which the header is read.
        size: Its size in bytes.
        mapped: A read-only map of the file, which the arrays will be views of.

    Returns:
        Name to read-only array, in the order of their data in the file.

    Raises:
        FileFormatError: The header is damaged, or is not what follows it.
    """
    header, start = _read_header(file, size)
    spans = []
    for name, entry in header.items():
        if name == _METADATA:
            if type(entry) is not dict or not all(
                type(text) is str for text in entry.values()
            ):
                raise FileFormatError("the safetensors metadata is not all text")
        else:
            spans.append((*_span(name, entry), name))
    # Empty tensors are before the one that begins where they do.
    spans.sort(key=lambda span: span[:2])
    tensors = {}
    free = 0
    for first, end, shape, dtype, name in spans:
        if first != free or start + end > size:
            raise FileFormatError(
                f"tensor {name[:200]!r} is said to be at bytes {first} to {end} of "
                f"{size - start}, where {free} is the first that is free: the file is "
                "damaged or cut short"
            )
        free = end
        # Where there are no elements there may be no byte either.
        place = start + first if first < end else 0
        tensors[name] = np.ndarray(shape, dtype, mapped, place)
    if start + free != size:
        raise FileFormatError(
            f"the safetensors file has {size - start - free} bytes of no tensor"
        )
    return tensors


def header_length(head: bytes, size: int) -> int | None:
    """Returns the length of the header of a safetensors file; None if it is none.

    Args:
        head: The file's first nine bytes.
        size: Its size in bytes.

    Returns:
        The length in bytes. The header follows the first eight bytes.
    """
    length = int.from_bytes(head[:8], "little")
    return length if head[8:9] == b"{" and length <= size - 8 else None


def _read_header(file: BinaryIO, size: int) -> tuple[dict, int]:
    """Returns the header, and where the data begin."""
    file.seek(0)
    length = header_length(file.read(9), size)
    if length is None:
        raise FileFormatError("the file is cut short, or no safetensors file")
    if length > MAX_HEADER:
        raise FileFormatError(
            f"the safetensors header has {length} bytes; at most {MAX_HEADER} are "
            "read: split the tensors over several files"
        )
    file.seek(8)
    return parse_json(file.read(length), "the safetensors header"), 8 + length


def _span(name: str, entry: object) -> tuple[int, int, tuple[int, ...], np.dtype]:
    """Returns where a tensor's bytes begin and end, its shape and its dtype."""
    first, end, shape, kind, rest = -1, -1, [], "", {}
    match entry:
        case {
            "dtype": str(kind),
            "shape": [*shape],
            "data_offsets": [int(first), int(end)],
            **rest,
        }:
            pass
    if rest or not 0 <= first <= end:
        raise FileFormatError(
            f"the safetensors header has no dtype, shape and data_offsets for "
            f"{name[:200]!r}: {reprlib.repr(entry)}"
        )
    row = BY_SAFETENSORS.get(kind)
    if row is None:
        raise refuse_dtype(kind[:80])
    sizes = checked_shape(shape, row.numpy.itemsize)
    if math.prod(sizes) * row.numpy.itemsize != end - first:
        raise FileFormatError(
            f"tensor {name[:200]!r} of shape {shape} and {kind} does not fit "
            f"{end - first} bytes: the file is damaged"
        )
    return first, end, sizes, row.numpy
