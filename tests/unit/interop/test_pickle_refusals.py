# SPDX-License-Identifier: Apache-2.0
"""Pickles that are damaged or hostile: each is refused, and nothing is run."""

from __future__ import annotations

import os
import pickle
import struct
import time
from pathlib import Path

import pytest

from flaxnn import interop
from tests.unit.interop.crafted import (
    PROTO,
    archive,
    array,
    holding,
    integer,
    integers,
    old_format,
    persistent,
    tensor,
    text,
)


class _Runs:
    """Pickled, calls os.mkdir."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_is_run(protocol: int, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    code = pickle.dumps(_Runs(str(trap)), protocol)
    (tmp_path / "a.pt").write_bytes(archive(code))
    with pytest.raises(interop.FileFormatError, match="mkdir"):
        interop.load(tmp_path / "a.pt")
    assert not trap.exists()
    pickle.loads(code)
    assert trap.exists()


NUMPY = (
    b"cnumpy._core.multiarray\n_reconstruct\ncnumpy\nndarray\n)" + text("b") + b"\x87R"
)
DTYPE = b"cnumpy\ndtype\n" + text("%s") + b"\x89\x88\x87R"
OBJECTS = DTYPE.replace(b"\x02\0\0\0%s", b"\x02\0\0\0O8")

MILLION = 1_000_000
REFUSED = {
    "call of text": (text("a") + b")R", "not allowed"),
    "call of a tensor": (tensor() + b")R", "not allowed"),
    "arguments": (b"ctorch._utils\n_rebuild_tensor_v2\n)R", "arguments"),
    "arguments no tuple": (b"ccollections\nOrderedDict\n]R", "not allowed"),
    "state of a list": (b"]}b", "sets the state of a list"),
    "state of a tensor": (tensor() + b"}b", "sets the state"),
    "persistent id of text": (text("0") + b"Q", "persistent id"),
    "endless name": (b"c" + b"a" * 1000 + b"\nb\n", "endless name"),
    "no opcode": (b"\xff", "no opcode"),
    "protocol": (b"\x80\x06N", "protocol 6"),
    "stack underflow": (b"0", "damaged or cut short"),
    "no mark": (b"t", "damaged or cut short"),
    "frame beyond": (b"\x95" + b"\xff" * 8 + b"N", "damaged or cut short"),
    "text beyond": (b"X\xff\xff\xff\x7f", "damaged or cut short"),
    "text no utf-8": (b"X\1\0\0\0\xff", "no UTF-8"),
    "memo by a long line": (b"Np99999999999\n", "number"),
    "deep lists": (b"]" * 201 + b"a" * 200, "nested"),
    "cycle of a tuple": (b"]q\0h\0\x85a", "contains itself"),
    # An array compares to an array, which is neither true nor false.
    "array for a flag": (
        b"cnumpy\ndtype\n" + text("f4") + array(b"ab") + b"\x88\x87R",
        "plain numeric",
    ),
    "array for a codec": (
        b"c_codecs\nencode\n" + text("a") + array(b"ab") + b"\x86R",
        "arguments",
    ),
    "array for an order": (
        b"cnumpy._core.numeric\n_frombuffer\n(C\1actorch\nint8\nK\1\x85"
        + array(b"ab")
        + b"tR",
        "plain numeric",
    ),
    "array for a tag": (
        b"(" + array(b"ab") + persistent()[13:],
        "no storage",
    ),
    "type as key": (b"}cbuiltins\nint\nNs", "key of type TypeName"),
    "list as key": (b"}]Ns", "key of type list"),
    "deep key": (b"})\x85Ns", "key of type tuple"),
    "long key": (b"}" + integer(1 << 200) + b"Ns", "64 bits"),
    "tuple keys": (
        b"}(" + b"".join(integers(i) + b"N" for i in range(2001)) + b"u",
        "keys that are tuples",
    ),
    "long integer": (b"\x8b" + struct.pack("<I", 1000) + b"\1" * 1000, "1000 bytes"),
    "integer line": (b"L" + b"9" * 1000 + b"L\n", "no integer"),
    "float line": (b"F" + b"9" * 1000 + b"\n", "no number"),
    "bare storage": (persistent(), "bare piece"),
    "bare global": (b"ctorch\nFloatStorage\n", "bare storageclass"),
    "set item of a list": (b"]" + text("a") + b"Ns", "no dict"),
    "append to a dict": (b"}Na", "no list"),
    "array of objects": (OBJECTS, "plain numeric"),
    "array half made": (NUMPY, "bare pending"),
    "array with a wrong state": (NUMPY + b"Nb", "plain numeric"),
    "sizes": (tensor((2, 2), (1,)), "2 sizes, 1 strides"),
    "long size": (tensor((1 << 300,), (0,)), "more elements"),
    "dimensions": (tensor((1,) * 65, (1,) * 65), "65 dimensions"),
    "storage too long": (tensor(storage=persistent(count=5)), "16 bytes where"),
    "dtype": (tensor(storage=persistent(kind="QInt8Storage")), "dequantize"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path) -> None:
    code, match = REFUSED[name]
    (tmp_path / "a.pt").write_bytes(holding(code))
    start = time.perf_counter()
    with pytest.raises(interop.FileFormatError, match=match):
        interop.load(tmp_path / "a.pt")
    # Two seconds at most; the rest is for a machine that is shared.
    assert time.perf_counter() - start < 6


FLOATS = struct.pack("<4f", 1, 2, 3, 4)
VIEW = b"(" + text("v") + integers(3, 2)[1:]
OLD = {
    "short": ({"0": (4, FLOATS[:-1])}, b"", None, "cut short"),
    "count": ({"0": (3, FLOATS)}, b"", None, "3 elements of 4 bytes"),
    "negative count": ({"0": (-4, FLOATS)}, b"", None, "elements of 4 bytes"),
    "rest": ({"0": (4, FLOATS)}, b"x", None, "1 bytes behind"),
    "another storage": ({"1": (4, FLOATS)}, b"", None, "list of storages"),
    "none": ({}, b"", None, "list of storages"),
    "view": (
        {"0": (4, FLOATS)},
        b"",
        tensor((2,), storage=persistent()[:-2] + VIEW + b"tQ"),
        "is not in it",
    ),
    "two lengths": (
        {"0": (4, FLOATS)},
        b"",
        b"(" + tensor() + tensor((1,), storage=persistent(count=5)) + b"l",
        "two lengths",
    ),
}


@pytest.mark.parametrize("name", OLD)
def test_refused_in_the_old_format(name: str, tmp_path: Path) -> None:
    storages, tail, code, match = OLD[name]
    content = old_format(tensor() if code is None else code, storages, tail)
    # A view is the last of six, where the newer format has five.
    if b"v" not in (code or b""):
        content = content.replace(b"tQ", b"NtQ")
    (tmp_path / "a.pt").write_bytes(content)
    with pytest.raises(interop.FileFormatError, match=match):
        interop.load(tmp_path / "a.pt")


def test_what_the_old_refusals_break_is_good(tmp_path: Path) -> None:
    content = old_format(tensor(), {"0": (4, FLOATS)}).replace(b"tQ", b"NtQ")
    (tmp_path / "a.pt").write_bytes(content)
    assert interop.load(tmp_path / "a.pt").tolist() == [1, 2, 3, 4]  # pyright: ignore
    assert PROTO in content
