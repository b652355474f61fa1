# SPDX-License-Identifier: Apache-2.0
"""`load`: what a file of PyTorch or safetensors holds."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from flaxnn.interop._archive import load_archive
from flaxnn.interop._errors import FileFormatError
from flaxnn.interop._legacy import load_legacy
from flaxnn.interop._safetensors import header_length, load_safetensors
from flaxnn.interop._sharded import load_sharded

_COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstandard",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"Rar!": "RAR",
}
_OTHER = {
    b"PK\x05\x06": "an empty zip archive",
    b"\x89HDF": "an HDF5 file, as Keras writes: load it with h5py",
    b"\x93NUMPY": "a NumPy array: load it with numpy.load",
    b"GGUF": "a GGUF file: take the model's .safetensors instead",
    b"version https://git-lfs": (
        "a pointer of Git LFS to a file that was not fetched: run `git lfs pull`"
    ),
    b"\x89PNG": "a picture",
}
_PAGES = (b"<!doctype", b"<html", b"<head", b"<?xml")
# PyTorch's magic number as protocols 0 and 1 have it.
_MAGIC_LINE = b"L119547037146038801333356L\n"


def load(path: str | os.PathLike[str]) -> dict[Any, Any]:
    """Returns what a checkpoint file holds, without PyTorch and without running it.

    Reads what `torch.save` writes, in the zip format and the older one, `.safetensors`,
    and the index of sharded safetensors files. The format is found by the content.

    Tensors are read-only views of the mapped file: opening a large file reads its
    header only, and tensors that share a storage share memory. The file must not be
    changed while they are in use; `numpy.array(view)` gives a copy of one.

    Nothing that a file names is imported or called. A pickle may hold tensors,
    parameters, dicts, lists, tuples, sets, numbers, text, bytes, NumPy arrays and
    numbers; anything else is refused. A file is also refused when it takes more than
    52 MiB of memory beside its tensors' data (some 14,000 tensors), so that no file
    can take much time or memory before it is known to be sound.

    Args:
        path: The file.

    Returns:
        What was saved, most often a dict: of name to array, or nested. Arrays are of
        the tensor's dtype, those of `ml_dtypes` for bfloat16 and float8. An
        OrderedDict, Counter or defaultdict is a dict, a `torch.Size` is a tuple, a
        `torch.device` is its text, a dtype is NumPy's; `requires_grad` and attributes
        are dropped.

    Raises:
        FileFormatError: The file is damaged, hostile, or of another kind.
        FileNotFoundError: There is no such file.
        IsADirectoryError: The path is a directory.

    Torch:
        `torch.load(path, map_location="cpu", weights_only=True, mmap=True)` 2.13.0 and
        `safetensors.torch.load_file`. T0: every tensor's bits, shape and dtype.
        Sparse, quantized, nested and complex32 tensors, TorchScript, and the tar format
        before 0.2 are refused.

    Example:
        >>> import struct, tempfile, pathlib
        >>> header = b'{"bias":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
        >>> content = struct.pack("<Q", len(header)) + header
        >>> content += struct.pack("<2f", 1.0, -2.0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder) / "model.safetensors"
        ...     _ = path.write_bytes(content)
        ...     load(path)
        {'bias': array([ 1., -2.], dtype=float32)}
    """
    path = Path(path)
    try:
        return _load(path)  # pyright: ignore[reportReturnType]
    except FileFormatError as error:
        message = f"{path}: {error}"
    # Not from inside, where it would keep all that was read as its context.
    raise FileFormatError(message)


def _load(path: Path) -> object:
    """Finds the format, and reads the file."""
    if path.is_dir():
        raise IsADirectoryError(
            f"{path} is a directory: give the file in it, such as "
            "model.safetensors.index.json"
        )
    if path.exists() and not path.is_file():
        raise FileFormatError("it is no regular file")
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(512)
        if not size:
            raise FileFormatError("the file is empty")
        if header_length(head, size) is not None:
            return load_safetensors(file, size, _map(file))
        if head.startswith(b"PK\x03\x04"):
            return load_archive(file, size, _map(file))
        if head.startswith((b"\x80", _MAGIC_LINE)):
            return load_legacy(file, size, _map(file))
    if head.lstrip().startswith(b"{"):
        return load_sharded(path, _load_shard)
    raise FileFormatError(_what_else(head))


def _load_shard(path: Path) -> dict[str, np.ndarray]:
    """Reads one file of several."""
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        try:
            if header_length(file.read(9), size) is None:
                raise FileFormatError("it is cut short, or no safetensors file")
            return load_safetensors(file, size, _map(file))
        except FileFormatError as error:
            raise FileFormatError(f"{path.name}: {error}") from None


def _map(file: BinaryIO) -> mmap.mmap:
    """Returns a read-only map of the file, which closes with the last view of it."""
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _what_else(head: bytes) -> str:
    """Says what a file seems to be that is not read."""
    for start, kind in _COMPRESSED.items():
        if head.startswith(start):
            return f"the file is compressed by {kind}: decompress it first"
    for start, kind in _OTHER.items():
        if head.startswith(start):
            return f"the file is {kind}"
    if head.lstrip().lower().startswith(_PAGES):
        return (
            "the file is a web page, as when a download was answered by a login or "
            "error page: download it again"
        )
    if head[257:262] == b"ustar":
        return (
            "the file is a tar archive, perhaps of PyTorch 0.1: load it there with "
            "torch.load(path, weights_only=False), if you trust it, and torch.save it "
            "again"
        )
    return (
        f"the file begins with {head[:8]!r}, which neither torch.save nor safetensors "
        "writes"
    )
