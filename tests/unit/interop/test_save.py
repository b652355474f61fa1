# SPDX-License-Identifier: Apache-2.0
"""`interop.save`: what is written is read again, to the bit; all else is refused."""

from __future__ import annotations

import json
import zipfile
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from flaxnn import interop
from flaxnn.interop import _save, _write_pt
from flaxnn.interop._dtypes import TABLE

DTYPES = [pytest.param(row, id=row.torch) for row in TABLE]
PT = ["model.pt", "model.pth"]


def random_bits(dtype: np.dtype, *shape: int) -> np.ndarray:
    """An array of random bits, so of nan of every kind; of truths for bool."""
    stream = np.random.default_rng(0)
    if dtype.kind == "b":
        return stream.integers(0, 2, shape).astype(bool)
    raw = stream.integers(0, 256, int(np.prod(shape)) * dtype.itemsize, np.uint8)
    return raw.view(dtype).reshape(shape)


def trip(value: Any, folder: Path, name: str = "model.pt") -> Any:
    """What is read of what was written."""
    interop.save(value, folder / name)
    return interop.load(folder / name)


def assert_same_bits(ours: np.ndarray, expected: np.ndarray) -> None:
    """Checks dtype, shape and bytes."""
    assert ours.dtype == expected.dtype.newbyteorder("=")
    assert ours.shape == expected.shape
    native = expected.astype(expected.dtype.newbyteorder("="))
    assert ours.tobytes() == native.tobytes()


def views(base: np.ndarray) -> dict[str, np.ndarray]:
    """Views of an array of shape (5, 6) as PyTorch has them."""
    return {
        "whole": base,
        "again": base[:],
        "transposed": base.T,
        "slice": base[1:4, ::2],
        "column": base[:, 3],
        "broadcast": np.broadcast_to(base[2, 1:2], (3, 4)),
        "number": base[4, 5:].reshape(()),
        "windows": np.ndarray((4, 4, 2, 3), base.dtype, base, strides=2 * base.strides),
    }


@pytest.mark.parametrize("name", PT)
@pytest.mark.parametrize("row", DTYPES)
def test_views_share_memory_as_before(row: Any, name: str, tmp_path: Path) -> None:
    value = views(random_bits(row.numpy, 5, 6))
    ours = trip(value, tmp_path, name)
    assert list(ours) == list(value)
    for key, array in value.items():
        assert_same_bits(ours[key], array)
        assert ours[key].ctypes.data - ours["whole"].ctypes.data == (
            array.ctypes.data - value["whole"].ctypes.data
        )


@pytest.mark.parametrize("row", DTYPES)
def test_what_has_no_elements_or_dimensions(row: Any, tmp_path: Path) -> None:
    base = random_bits(row.numpy, 3, 4)
    value = {
        "empty": base[:0],
        "empty below": np.empty((2, 0, 3), row.numpy),
        "number": random_bits(row.numpy, 1).reshape(()),
        "base": base,
    }
    ours = trip(value, tmp_path)
    for key, array in value.items():
        assert_same_bits(ours[key], array)


@pytest.mark.parametrize(
    "take",
    [
        pytest.param(lambda a: a[::-1], id="backwards"),
        pytest.param(lambda a: a[:, ::-2], id="backwards by two"),
        pytest.param(lambda a: a.astype(">f4"), id="big endian"),
        pytest.param(lambda a: a.view(np.uint8).reshape(-1)[1:9].view("<f4"), id="odd"),
        pytest.param(lambda a: _fields(a)["b"], id="steps of one and a half"),
    ],
)
def test_what_pytorch_has_no_view_for_is_copied(take: Any, tmp_path: Path) -> None:
    base = random_bits(np.dtype(np.float32), 4, 6)
    value = {"base": base, "taken": take(base), "again": take(base)}
    ours = trip(value, tmp_path)
    for key, array in value.items():
        assert_same_bits(ours[key], array)
    assert not np.shares_memory(ours["taken"], ours["base"])


def _fields(array: np.ndarray) -> np.ndarray:
    """Records of six bytes, so that float32 are one and a half elements apart."""
    return array.reshape(-1).view(np.uint16).view([("a", "<u2"), ("b", "<f4")])


def test_memory_of_two_dtypes_is_written_twice(tmp_path: Path) -> None:
    base = np.arange(6.0)
    ours = trip([base, base.view(np.int64)], tmp_path)
    assert_same_bits(ours[0], base)
    assert_same_bits(ours[1], base.view(np.int64))
    assert not np.shares_memory(*ours)


def test_gaps_are_not_written(tmp_path: Path) -> None:
    wide = np.arange(100_000.0).reshape(1000, 100)
    interop.save({"column": wide[:, 3]}, tmp_path / "model.pt")
    assert (tmp_path / "model.pt").stat().st_size < 20_000
    column = interop.load(tmp_path / "model.pt")["column"]
    np.testing.assert_array_equal(column, wide[:, 3])


@pytest.mark.parametrize("name", ["model.pt", "model.safetensors"])
def test_jax_arrays(name: str, tmp_path: Path) -> None:
    tied = jnp.arange(6, dtype=jnp.bfloat16).reshape(2, 3)
    value = {"a": tied, "b": tied, "n": jnp.int32(3), "m": jnp.array([True, False])}
    ours = trip(value, tmp_path, name)
    assert ours["a"].dtype == ml_dtypes.bfloat16
    for key, array in value.items():
        assert_same_bits(ours[key], np.asarray(array))
    assert np.shares_memory(ours["a"], ours["b"]) == (name == "model.pt")


def test_nested_values(tmp_path: Path) -> None:
    value = {
        "numbers": [0, -1, 2**31 - 1, 2**31, -(2**31) - 1, 2**63, -(2**300), 1.5, -0.0],
        "special": (float("inf"), -float("inf"), None, True, False),
        "text": ["", "ü€😀\n\\'", "nul\0", "lone \ud800", "a" * 70_000],
        "empty": [{}, [], (), {"a": ()}],
        3: {0.5: "float", True: "bool"},
        "ordered": OrderedDict(b=1, a=OrderedDict()),
        "counter": Counter("aab"),
    }
    ours = trip(value, tmp_path)
    assert repr(ours) == repr(
        value | {"ordered": {"b": 1, "a": {}}, "counter": {"a": 2, "b": 1}}
    )


def test_numpy_numbers_become_numbers(tmp_path: Path) -> None:
    value = [np.float64(0.1), np.float32(0.1), np.int8(-3), np.bool_(True)]
    ours = trip(value, tmp_path)
    assert ours == value
    assert [type(one) for one in ours] == [float, float, int, bool]
    assert np.isnan(trip([float("nan")], tmp_path)[0])


def _deep(depth: int) -> list:
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


def _itself() -> dict:
    value: dict = {}
    value["a"] = value
    return value


REFUSED = [
    ("set", {"a": {1}}, TypeError, r"\['a'\] is of type builtins.set"),
    ("object", [Path("x")], TypeError, r"\[0\] is of type pathlib"),
    ("bytes", {"a": b"x"}, TypeError, "builtins.bytes"),
    ("complex", {"a": 1j}, TypeError, "builtins.complex"),
    ("function", {"a": [print]}, TypeError, r"\['a'\]\[0\] is of type"),
    ("key", {"a": {(1, 2): 3}}, TypeError, r"key \(1, 2\) of \['a'\] is of type"),
    ("None key", {None: 3}, TypeError, "the key None is of type"),
    ("text array", {"a": np.array(["x"])}, TypeError, "PyTorch has no dtype"),
    ("objects", {"a": np.array([None])}, TypeError, "PyTorch has no dtype"),
    ("structure", {"a": _fields(np.ones(3))}, TypeError, "PyTorch has no dtype"),
    ("deep", _deep(500), ValueError, "more than 100 containers"),
    ("very deep", _deep(5000), ValueError, "more than 100 containers"),
    ("itself", _itself(), ValueError, "contains itself"),
    ("large integer", {"a": 2**320}, ValueError, "321 bits is too large"),
]
REFUSED_SAFETENSORS = [
    ("no dictionary", [np.ones(2)], TypeError, "write .pt for anything else"),
    ("number", {"a": {"b": 3}}, TypeError, "a.b is of type int"),
    ("list", {"a": [np.ones(2)]}, TypeError, "a is of type list"),
    ("empty", {"a": {"b": {}}}, TypeError, "a.b is an empty dictionary"),
    ("complex128", {"a": np.ones(2, "c16")}, TypeError, "a is complex128"),
    ("text array", {"a": np.array(["x"])}, TypeError, "PyTorch has no dtype"),
    ("clash", {"a.b": np.ones(2), "a": {"b": np.ones(2)}}, ValueError, "named a.b"),
    ("keys clash", {1: np.ones(2), "1": np.ones(2)}, ValueError, "named 1"),
    ("reserved", {"__metadata__": np.ones(2)}, ValueError, "__metadata__"),
    ("itself", _itself(), ValueError, "contains itself"),
]


@pytest.mark.parametrize(
    ("name", "value", "error", "match"),
    [
        pytest.param(name, *rest, id=f"{name}: {case}")
        for name, cases in (
            ("model.pt", REFUSED),
            ("model.safetensors", REFUSED_SAFETENSORS),
        )
        for case, *rest in cases
    ],
)
def test_refusals_leave_the_old_file(
    name: str, value: Any, error: type[Exception], match: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(b"old")
    with pytest.raises(error, match=match):
        interop.save(value, path)
    assert [one.name for one in tmp_path.iterdir()] == [name]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("name", ["model", "model.bin", "model.PT", "model.pt.gz"])
def test_other_suffixes(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected one of \.pt, \.pth"):
        interop.save({}, tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["model.pt", "model.safetensors"])
def test_a_file_appears_whole_or_not_at_all(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    interop.save({"a": np.zeros(3)}, path)
    before = path.read_bytes()
    seen = []

    def full(*arguments: Any) -> None:
        arguments[-1].write_bytes(b"half")
        seen.append(path.read_bytes())
        raise OSError("no space left on device")

    monkeypatch.setattr(_save, "write_pt", full)
    monkeypatch.setattr(_save, "write_safetensors", full)
    with pytest.raises(OSError, match="no space left"):
        interop.save({"a": np.ones(3)}, path)
    assert seen == [before]
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["model.pt", "model.safetensors"])
def test_equal_contents_give_equal_bytes(name: str, tmp_path: Path) -> None:
    def value() -> dict[str, Any]:
        base = np.arange(60, dtype=np.float32).reshape(5, 12)
        return {"z": base, "a": {"tied": base.T, "other": np.ones(3, np.int8)}}

    written = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        interop.save(value(), tmp_path / folder / name)
        written.append((tmp_path / folder / name).read_bytes())
    assert written[0] == written[1]


def test_a_file_is_converted_onto_itself(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    interop.save({"a": np.arange(5)}, path)
    ours = interop.load(path)
    interop.save({**ours, "b": ours["a"][::2]}, path)
    again = interop.load(path)
    np.testing.assert_array_equal(ours["a"], np.arange(5))
    np.testing.assert_array_equal(again["b"], [0, 2, 4])


def test_safetensors_joins_names_and_aligns(tmp_path: Path) -> None:
    value = {
        "flag": np.array([True]),
        "layer": {0: {"weight": np.arange(6.0).reshape(2, 3).T}, "ü": np.float32(2)},
        "none": np.empty((0, 2), np.int16),
        "swapped": np.arange(3, dtype=">i4")[::-1],
    }
    ours = trip(value, tmp_path, "model.safetensors")
    assert sorted(ours) == ["flag", "layer.0.weight", "layer.ü", "none", "swapped"]
    assert_same_bits(ours["layer.0.weight"], value["layer"][0]["weight"])
    assert_same_bits(ours["swapped"], value["swapped"])
    assert all(array.flags.aligned for array in ours.values())
    raw = (tmp_path / "model.safetensors").read_bytes()
    length = int.from_bytes(raw[:8], "little")
    assert length % 8 == 0
    assert json.loads(raw[8 : 8 + length])["__metadata__"] == {"format": "pt"}


@pytest.mark.parametrize("large", [False, True], ids=["plain", "zip64"])
def test_storages_are_aligned(
    large: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above a size zip adds a field to the header, which moves what follows."""
    if large:
        monkeypatch.setattr(_write_pt, "_LARGE", 8)
    value = [np.full(size, size, np.float64) for size in (1, 3, 7, 100)]
    ours = trip(value, tmp_path)
    for one, other in zip(ours, value, strict=True):
        np.testing.assert_array_equal(one, other)
        # The file is mapped at the start of a page.
        assert one.ctypes.data % 64 == 0
    with zipfile.ZipFile(tmp_path / "model.pt") as archive:
        assert archive.testzip() is None


def test_zipfile_asks_for_no_large_field_below_ours() -> None:
    """Zipfile takes the field by itself when a size comes near its limit."""
    assert _write_pt._LARGE * 1.05 <= zipfile.ZIP64_LIMIT
