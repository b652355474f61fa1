# SPDX-License-Identifier: Apache-2.0
""".npy files: rows read where they lie, and what damaged and hostile files raise."""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flaxnn._errors import CorruptDataError
from flaxnn.data import DataLoader, LazyDataset, fingerprint, from_npy, random_split
from flaxnn.data import _npy as module
from flaxnn.random import Generator

X = np.arange(70, dtype=np.uint8).reshape(7, 2, 5)
Y = np.array([3, 1, 4, 1, 5, 9, 2])


@pytest.fixture
def points(tmp_path: Path) -> LazyDataset:
    return from_npy(_saved(tmp_path / "x.npy", X), _saved(tmp_path / "y.npy", Y))


def _saved(path: Path, array: Any, **options: Any) -> Path:
    np.save(path, array, **options)
    return path


def _written(path: Path, header: str, body: bytes, version: tuple = (1, 0)) -> Path:
    """A file with a header as it stands, true or not."""
    file = io.BytesIO()
    file.write(np.lib.format.magic(*version))
    size = 2 if version == (1, 0) else 4
    file.write(len(header).to_bytes(size, "little") + header.encode() + body)
    path.write_bytes(file.getvalue())
    return path


def _header(shape: Any, descr: Any = "<f4", fortran: bool = False) -> str:
    return repr({"descr": descr, "fortran_order": fortran, "shape": shape}) + "\n"


ORDERS = [[0], [6, 0, 3], [0, 1, 2, 3], [2, 2, 2], [5, 6, 0, 1, 1, 2], [6, 5, 4], []]


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_rows_are_those_of_the_arrays(points: LazyDataset, order: list[int]) -> None:
    images, labels = points[order]
    np.testing.assert_array_equal(images, X[order])
    np.testing.assert_array_equal(labels, Y[order])
    assert (images.dtype, labels.dtype) == (X.dtype, Y.dtype)


@pytest.mark.parametrize("index", [0, -1, np.int32(3)])
def test_one_row_as_a_data_set_in_memory_has_it(
    points: LazyDataset, index: int
) -> None:
    image, label = points[index]
    np.testing.assert_array_equal(image, X[index])
    assert label == Y[index]
    assert type(label) is np.int64


@pytest.mark.parametrize(
    "index", [slice(None), slice(5, 1, -2), [-1, -7], Y > 2], ids=str
)
def test_many_rows(points: LazyDataset, index: Any) -> None:
    np.testing.assert_array_equal(points[index][0], X[index])


@pytest.mark.parametrize("index", [7, -8, [0, 7], [True, False]])
def test_rows_out_of_range(points: LazyDataset, index: Any) -> None:
    with pytest.raises(IndexError, match="7 rows"):
        points[index]


def test_rows_are_lists_for_pytorch(points: LazyDataset) -> None:
    rows = points.__getitems__([4, 2])
    assert [int(label) for _, label in rows] == [5, 4]


@pytest.mark.parametrize("dtype", ["?", "<i2", ">i4", ">f8", "<f2", "<c8", ">u2"])
@pytest.mark.parametrize("shape", [(5,), (5, 3), (5, 0), (5, 2, 1, 2)])
def test_every_number_in_this_machines_byte_order(
    tmp_path: Path, dtype: str, shape: tuple[int, ...]
) -> None:
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    (rows,) = from_npy(_saved(tmp_path / "x.npy", array))[[4, 0, 1]]
    assert rows.dtype == array.dtype.newbyteorder("=")
    assert rows.dtype.isnative
    np.testing.assert_array_equal(rows, array[[4, 0, 1]])


def test_a_loader_batches_it_as_the_arrays(points: LazyDataset) -> None:
    for shuffle in (False, True):
        ours = DataLoader(points, 3, shuffle, rngs=Generator(0))
        theirs = DataLoader((X, Y), 3, shuffle, rngs=Generator(0))
        assert ours.arrays is None
        for mine, other in zip(ours, theirs, strict=True):
            for a, b in zip(mine, other, strict=True):
                np.testing.assert_array_equal(a, b)


def test_parts_of_it_are_read_batch_by_batch(
    points: LazyDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, _ = random_split(points, [5, 2], Generator(0))
    opened = []
    gather = module._NpyFile.gather
    monkeypatch.setattr(
        module._NpyFile,
        "gather",
        lambda file, indices: opened.append(len(indices)) or gather(file, indices),
    )
    (images, labels), _ = DataLoader(part, 3)
    np.testing.assert_array_equal(images, X[part.indices[:3]])
    np.testing.assert_array_equal(labels, Y[part.indices[:3]])
    assert opened == [3, 3, 2, 2]
    np.testing.assert_array_equal(part[[1, 0]][1], Y[part.indices[[1, 0]]])


def test_rows_that_follow_one_another_are_one_read() -> None:
    runs = module._runs(np.array([4, 5, 6, 2, 3, 3, 0]))
    assert runs == [(0, 3), (3, 2), (5, 1), (6, 1)]
    assert module._runs(np.array([-1, 0])) == [(0, 2)]


def test_short_reads_are_gone_on_with(points: LazyDataset) -> None:
    class Dripping(io.BytesIO):
        def readinto(self, buffer: Any) -> int:
            return super().readinto(buffer[:3])

    place = np.empty(10, np.uint8)
    file = Dripping(bytes(range(10)))
    points._files[0]._fill(file, place)  # pyright: ignore[reportAttributeAccessIssue]
    np.testing.assert_array_equal(place, np.arange(10))


def test_it_goes_to_another_process(points: LazyDataset) -> None:
    there = pickle.loads(pickle.dumps(points))
    np.testing.assert_array_equal(there[[3]][0], X[[3]])


def test_its_fingerprint_is_of_its_rows(tmp_path: Path, points: LazyDataset) -> None:
    same = fingerprint(points)
    _saved(tmp_path / "x.npy", X + 1)
    assert fingerprint(points) != same


def test_no_memory_is_taken_for_what_is_not_read(tmp_path: Path) -> None:
    # Twice the machine's memory, of which the file system stores next to nothing.
    rows = 2 * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 4096
    path = _written(tmp_path / "x.npy", _header((rows, 1024)), b"")
    start = path.stat().st_size
    try:
        os.truncate(path, start + rows * 4096)
    except OSError as error:
        pytest.skip(f"the file system has no sparse files of this size: {error}")
    with path.open("r+b") as file:
        file.seek(start + (rows - 2) * 4096)
        file.write(np.full(1024, 7, np.float32).tobytes())
    (found,) = from_npy(path)[[rows - 2, 0]]
    assert found[:, -1].tolist() == [7.0, 0.0]


class TestRefusals:
    def test_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"at least one path.* got none"):
            from_npy()
        with pytest.raises(FileNotFoundError, match=r"none\.npy"):
            from_npy(tmp_path / "none.npy")

    def test_lengths(self, tmp_path: Path) -> None:
        one = _saved(tmp_path / "x.npy", X)
        other = _saved(tmp_path / "y.npy", Y[:5])
        with pytest.raises(ValueError, match=r"got x\.npy 7, y\.npy 5"):
            from_npy(one, other)

    @pytest.mark.parametrize(
        ("array", "message"),
        [
            (np.asfortranarray(X), r"Fortran order.*ascontiguousarray"),
            (np.float32(3), "got one number"),
            (np.array(["a", "b"]), "got dtype <U1"),
            (np.array(["2020-01-01"], "M8[D]"), "got dtype datetime64"),
            (np.zeros(2, [("a", "<i4")]), "expected numbers"),
            (np.array([{}, []], dtype=object), r"dtype object.*never unpickled"),
        ],
        ids=str,
    )
    def test_what_is_no_array_of_rows(
        self, tmp_path: Path, array: Any, message: str
    ) -> None:
        path = _saved(tmp_path / "x.npy", array)
        with pytest.raises(ValueError, match=message) as caught:
            from_npy(path)
        assert not isinstance(caught.value, CorruptDataError)

    @pytest.mark.parametrize("change", [-1, 1])
    def test_another_length_than_the_header_says(
        self, tmp_path: Path, change: int
    ) -> None:
        path = _saved(tmp_path / "x.npy", X)
        size = path.stat().st_size
        os.truncate(path, size + change)
        with pytest.raises(
            CorruptDataError, match=rf"make {size} bytes, it has {size + change}"
        ):
            from_npy(path)

    def test_a_file_cut_short_later(self, tmp_path: Path, points: LazyDataset) -> None:
        os.truncate(tmp_path / "x.npy", 150)
        with pytest.raises(CorruptDataError, match=r"x\.npy.* it has 150"):
            points[[0]]

    def test_a_file_cut_short_while_it_is_read(self, points: LazyDataset) -> None:
        place, file = np.empty(10, np.uint8), io.BytesIO(b"123")
        with pytest.raises(CorruptDataError, match="while it was read"):
            points._files[0]._fill(file, place)  # pyright: ignore[reportAttributeAccessIssue]

    @pytest.mark.parametrize(
        "header",
        [
            "",
            "{}",
            "{'descr': '<f4'",
            "[" * 5000,
            "__import__('os').abort()",
            _header((-1, 4)),
            _header((2.5,)),
            _header("xy"),
            _header((2,), descr="no such"),
            _header((2,), descr=("<f4", (10**9, 10**9, 10**9))),
            "{" + " " * 60000 + "}",
        ],
        ids=lambda header: header[:40] or "nothing",
    )
    def test_hostile_headers(self, tmp_path: Path, header: str) -> None:
        path = _written(tmp_path / "x.npy", header, b"")
        with pytest.raises(CorruptDataError, match=r"x\.npy: expected an intact"):
            from_npy(path)

    def test_sizes_beyond_any_machine(self, tmp_path: Path) -> None:
        path = _written(tmp_path / "x.npy", _header((10**30, 10**30)), b"")
        with pytest.raises(CorruptDataError, match="bytes, it has"):
            from_npy(path)

    @pytest.mark.parametrize(
        "content", [b"", b"\x93NUM", b"PK\x03\x04" + bytes(100), bytes(200)], ids=repr
    )
    def test_files_of_another_kind(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "x.npy"
        path.write_bytes(content)
        with pytest.raises(CorruptDataError, match="expected an intact"):
            from_npy(path)

    @pytest.mark.parametrize("version", [(2, 0), (3, 0), (9, 9)])
    def test_versions(self, tmp_path: Path, version: tuple[int, int]) -> None:
        if version != (2, 0):
            path = tmp_path / "x.npy"
            path.write_bytes(b"\x93NUMPY" + bytes(version) + bytes(100))
            with pytest.raises(CorruptDataError, match="format"):
                from_npy(path)
            return
        body = np.ones(3, np.float32).tobytes()
        path = _written(tmp_path / "x.npy", _header((3,)), body, version)
        np.testing.assert_array_equal(from_npy(path)[:][0], np.ones(3))


def test_a_data_set_of_ones_own_has_to_say_what_it_holds() -> None:
    with pytest.raises(NotImplementedError, match="LazyDataset must define __len__"):
        len(LazyDataset())
    with pytest.raises(NotImplementedError, match="must define gather"):
        LazyDataset().gather(np.array([0]))
