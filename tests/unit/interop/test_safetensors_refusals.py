# SPDX-License-Identifier: Apache-2.0
"""Safetensors headers that are damaged or hostile."""

from __future__ import annotations

from pathlib import Path

import pytest

from flaxnn import interop
from tests.unit.interop.crafted import safetensors


def _entry(
    dtype: object = "F32",
    shape: object = (2,),
    offsets: object = (0, 8),
    **more: object,
) -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets, **more}


DATA = bytes(8)
REFUSED = {
    "hole": ({"a": _entry(shape=[1], offsets=[4, 8])}, DATA, "first that is free"),
    "beyond": ({"a": _entry(shape=[4], offsets=[0, 16])}, DATA, "cut short"),
    "rest": ({"a": _entry()}, bytes(9), "of no tensor"),
    "size": ({"a": _entry(shape=[3])}, DATA, "does not fit"),
    "negative": ({"a": _entry(shape=[-2])}, DATA, "negative"),
    "fraction": ({"a": _entry(shape=[2.0])}, DATA, "no integer"),
    "backwards": ({"a": _entry(offsets=[8, 0])}, DATA, "no dtype, shape"),
    "dtype": ({"a": _entry("F6_E2M3")}, DATA, "F6_E2M3"),
    "dtype of a list": ({"a": _entry(["F32"])}, DATA, "no dtype, shape"),
    "more keys": ({"a": _entry(more=1)}, DATA, "no dtype, shape"),
    "no entry": ({"a": 3}, DATA, "no dtype, shape"),
    "metadata": ({"__metadata__": {"a": 1}}, b"", "metadata is not all text"),
    "no json": (b"{nothing", b"", "is no JSON"),
    "no utf-8": (b'{"\xff":1}', b"", "is no JSON"),
    "nan": (b'{"a":NaN}', b"", "NaN"),
    "long number": (b'{"a":' + b"9" * 5000 + b"}", b"", "is no JSON"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path) -> None:
    header, data, match = REFUSED[name]
    path = tmp_path / "a.safetensors"
    path.write_bytes(safetensors(header, data))
    with pytest.raises(interop.FileFormatError, match=match):
        interop.load(path)
