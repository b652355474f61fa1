# SPDX-License-Identifier: Apache-2.0
"""`interop.load` on files that PyTorch and safetensors wrote, and on other files."""

from __future__ import annotations

import gc
import gzip
import json
import pickle
import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from flaxnn import interop
from tests.unit.interop import crafted

FILES = Path(__file__).parent / "files"


@pytest.mark.parametrize("name", ["zip.pt", "zip_protocol4.pt", "old.pt"])
def test_a_checkpoint(name: str) -> None:
    value = interop.load(FILES / name)
    weight = np.arange(6, dtype=np.float32).reshape(2, 3)
    model = value["model"]
    assert list(model) == ["embed.weight", "head.weight", "head.bias", "steps"]
    expected = {
        "embed.weight": weight,
        "head.weight": weight,
        "head.bias": np.array([0.5, -0.5]),
        "steps": np.array(7),
    }
    for key, array in expected.items():
        np.testing.assert_array_equal(model[key], array, strict=True)
        assert not model[key].flags.writeable
    views = [weight.T, weight[1], np.full(4, 1, np.float32), weight[:0]]
    for ours, array in zip(value["views"], views, strict=True):
        np.testing.assert_array_equal(ours, array, strict=True)
    for array in (model["head.weight"], *value["views"][:3]):
        assert np.shares_memory(array, model["embed.weight"])
    narrow = np.array([1, -2], ml_dtypes.bfloat16)
    np.testing.assert_array_equal(value["narrow"], narrow, strict=True)
    np.testing.assert_array_equal(value["mask"], np.array([True, False]), strict=True)
    phase = np.array([1 - 2j, 3 + 4j], np.complex64)
    np.testing.assert_array_equal(value["phase"], phase, strict=True)
    assert (value["epoch"], value["name"], value["lr"]) == (3, "run", [0.1, 0.01])


@pytest.mark.parametrize("name", ["newer_dtypes.pt", "plain.safetensors"])
def test_newer_dtypes(name: str) -> None:
    value = interop.load(FILES / name)
    narrow = np.array([0.5, -448], ml_dtypes.float8_e4m3fn)
    np.testing.assert_array_equal(value["e4m3"], narrow, strict=True)
    wide = np.array([1, 2**32 - 1], np.uint32)
    np.testing.assert_array_equal(value["u32"], wide, strict=True)


@pytest.mark.parametrize("end", [b"", b"cos\nsystem\n"], ids=["read", "refused"])
@pytest.mark.parametrize("kind", ["archive", "old"])
def test_nothing_is_kept(kind: str, end: bytes, tmp_path: Path) -> None:
    """Once the arrays and the error are gone, with no help of the collector."""
    code = crafted.tensor().replace(b"tQ", b"NtQ") + end
    old = crafted.old_format(code, {"0": (4, bytes(16))})
    path = tmp_path / "a.pt"
    path.write_bytes(old if kind == "old" else crafted.holding(code))

    def load() -> Exception | None:
        try:
            interop.load(path)
        except interop.FileFormatError as error:
            return error

    gc.collect()
    gc.disable()
    try:
        error = load()
        kept = [type(each).__name__ for each in gc.get_objects()]
    finally:
        gc.enable()
    assert "Machine" not in kept
    assert "Storage" not in kept
    assert (error is None) == (not end)


def test_a_big_endian_file(tmp_path: Path) -> None:
    data = np.array([1, 2, 3, 4], ">f4").tobytes()
    entries = {"data/0": data, "byteorder": b"big"}
    pair = b"(" + crafted.tensor() + crafted.tensor((2,), (2,), 1) + b"l."
    path = tmp_path / "big.pt"
    path.write_bytes(crafted.archive(crafted.PROTO + pair, entries))
    whole, part = interop.load(path)
    np.testing.assert_array_equal(
        whole, np.array([1, 2, 3, 4], np.float32), strict=True
    )
    np.testing.assert_array_equal(part, np.array([2, 4], np.float32), strict=True)
    assert np.shares_memory(whole, part)


def test_a_view_of_a_storage_in_the_old_format(tmp_path: Path) -> None:
    """As PyTorch before 0.4 had storages that are part of another."""
    view = b"(" + crafted.text("v") + crafted.integers(1, 2)[1:]
    storage = crafted.persistent()[:-2] + view + b"tQ"
    data = {"0": (4, np.arange(4, dtype=np.float32).tobytes())}
    path = tmp_path / "old.pt"
    path.write_bytes(crafted.old_format(crafted.tensor((2,), storage=storage), data))
    np.testing.assert_array_equal(interop.load(path), np.array([1, 2], np.float32))


def test_reading_needs_no_jax() -> None:
    code = (
        "import sys; from flaxnn import interop\n"
        f"interop.load({str(FILES / 'zip.pt')!r})\n"
        "assert not {'jax', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_module_reads_with_pickle() -> None:
    room = Path(interop.__file__).parent
    for source in room.glob("*.py"):
        assert "import pickle" not in source.read_text("utf-8"), source.name


OTHER = {
    "empty": (b"", "is empty"),
    "html": (b"\n<!DOCTYPE html><html>", "web page"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    "gzip": (gzip.compress(b"a" * 100), "compressed by gzip"),
    "hdf5": (b"\x89HDF\r\n\x1a\n", "h5py"),
    "numpy": (b"\x93NUMPY\x01\x00", "numpy.load"),
    "tar": (b"\0" * 257 + b"ustar", "PyTorch 0.1"),
    "pickle": (pickle.dumps({"a": 1}), "another program than torch.save"),
    "array": (crafted.PROTO + crafted.array(b"ab") + b".", "another program"),
    "model of a program": (pickle.dumps(Path("x")), "asks for 'pathlib"),
    "json": (b'{"a": 1}', "weight_map"),
    "list in json": (b'{"weight_map": ["a"]}', "weight_map"),
    "text": (b"hello", "begins with b'hello'"),
}


@pytest.mark.parametrize("name", OTHER)
def test_other_files_are_refused(name: str, tmp_path: Path) -> None:
    content, match = OTHER[name]
    path = tmp_path / "model.pt"
    path.write_bytes(content)
    with pytest.raises(interop.FileFormatError, match=match) as caught:
        interop.load(path)
    assert str(path) in str(caught.value)


def test_no_file_and_a_directory(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        interop.load(tmp_path / "none.pt")
    with pytest.raises(IsADirectoryError, match=r"index\.json"):
        interop.load(tmp_path)


@pytest.mark.parametrize("name", ["zip.pt", "old.pt", "plain.safetensors"])
def test_every_cut_is_refused(name: str, tmp_path: Path) -> None:
    """Also where the cut leaves the format in doubt."""
    content = (FILES / name).read_bytes()
    path = tmp_path / name
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(interop.FileFormatError):
            interop.load(path)


def test_shards(tmp_path: Path) -> None:
    for index in range(2):
        header = {f"t{index}": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}}
        content = crafted.safetensors(header, bytes([index, 9]))
        (tmp_path / f"part{index}.safetensors").write_bytes(content)
    places = {"t1": "part1.safetensors", "t0": "part0.safetensors"}
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    value = interop.load(path)
    assert {name: array.tolist() for name, array in value.items()} == {
        "t1": [1, 9],
        "t0": [0, 9],
    }
    assert list(value) == ["t1", "t0"]

    for wrong, match in {
        "extra": ({**places, "t2": "part1.safetensors"}, "t2 is not in part1"),
        "missing": ({"t1": "part1.safetensors", "t0": "none"}, "missing from .*none"),
        "outside": ({**places, "t2": "../x"}, "not in its folder"),
        "unlisted": (
            {"t1": "part1.safetensors", "x": "part0.safetensors"},
            "t0 is in part0",
        ),
    }.values():
        path.write_text(json.dumps({"weight_map": wrong}))
        with pytest.raises(interop.FileFormatError, match=match):
            interop.load(path)
