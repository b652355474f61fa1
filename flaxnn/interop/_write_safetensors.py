# SPDX-License-Identifier: Apache-2.0
"""A file of named arrays in the safetensors format."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from flaxnn.interop._dtypes import of_array

# The header is filled up with spaces, so that the data begin where a float64 may.
_ALIGNMENT = 8
_METADATA = "__metadata__"


def write_safetensors(tensors: Mapping[str, np.ndarray], path: Path) -> None:
    """Writes arrays under their names, one at a time.

    The safetensors package takes the bytes of all arrays at once, as copies, and by
    another interface from version to version.

    Args:
        tensors: The arrays.
        path: The file.

    Raises:
        TypeError: The format has no such dtype.
        ValueError: A name is the one that the format keeps for itself.
        OSError: The file cannot be written.
    """
    if _METADATA in tensors:
        raise ValueError(f"a .safetensors file has no tensor named {_METADATA}")
    # The widest first, so that each array begins at a multiple of its own width.
    names = sorted(tensors, key=lambda name: -tensors[name].dtype.itemsize)
    ends = np.cumsum([tensors[name].nbytes for name in names], dtype=np.int64).tolist()
    offsets = dict(zip(names, zip([0, *ends], ends, strict=False), strict=True))
    entries: dict[str, object] = {_METADATA: {"format": "pt"}}
    for name, array in tensors.items():
        dtype = of_array(array.dtype)
        if dtype.safetensors is None:
            raise TypeError(
                f"{name} is {dtype.torch}, which safetensors has not: write .pt, or "
                "convert it"
            )
        entries[name] = {
            "dtype": dtype.safetensors,
            "shape": array.shape,
            "data_offsets": offsets[name],
        }
    header = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    header += b" " * (-len(header) % _ALIGNMENT)
    with path.open("wb") as out:
        out.write(len(header).to_bytes(8, "little"))
        out.write(header)
        for name in names:
            array = tensors[name]
            whole = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
            if whole.size:
                out.write(whole.reshape(-1).view(np.uint8).data)
