# SPDX-License-Identifier: Apache-2.0
"""TFDS builders: what they write, stock TFDS and Grain read, and so does `load`."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from flaxnn import data
from flaxnn._errors import CorruptDataError, DataNotFoundError, MissingPackageError
from flaxnn.data._prepared import stored_order
from flaxnn.data._tables import TABLES, read_table
from tests.unit.data._small import (
    NAMES,
    ROWS,
    SPLITS,
    arrays,
    assert_loaded,
    output,
    put,
    write_idx,
)
from tests.unit.data._tfds_files import put_prepared, tfds

pytest.importorskip("sklearn", reason="scikit-learn is not installed")


@pytest.mark.parametrize("name", NAMES)
def test_images_round_trip(machine, name):
    raw = put(machine / "raw", name)
    builder = data.builder(name, data_dir=machine / "data", raw_dir=raw)
    assert not builder.is_prepared()
    builder.download_and_prepare()
    folder = machine / f"data/{name}/3.0.1"
    for split in SPLITS:
        dataset = data.load(name, split, data_dir=machine / "data", download=False)
        assert_loaded(dataset, name, split)
        assert dataset.source == str(folder)
        assert builder.info.splits[split].num_examples == ROWS[split]


@pytest.mark.parametrize("name", NAMES)
def test_stock_tfds_reads_what_was_prepared(machine, name):
    """Its own builder of that name, from the same directory, without TensorFlow."""
    raw = put(machine / "raw", name)
    builder = data.builder(name, data_dir=machine / "data", raw_dir=raw)
    builder.download_and_prepare()
    stock = tfds.builder(name, data_dir=machine / "data")
    assert stock.info.full_name == builder.info.full_name == f"{name}/3.0.1"
    assert repr(stock.info.features) == repr(builder.info.features)
    for rows in (
        tfds.data_source(name, data_dir=machine / "data", download=False)["train"],
        tfds.builder_from_directory(machine / f"data/{name}/3.0.1").as_data_source(
            "train"
        ),
        builder.as_data_source("train"),
    ):
        images, labels = arrays(name, "train")
        order = stored_order("train", len(rows))
        for row, index in zip(rows, order, strict=True):
            np.testing.assert_array_equal(row["image"], images[index, ..., None])
            assert row["label"] == labels[index]
    assert "tensorflow" not in sys.modules


@pytest.mark.parametrize("name", TABLES)
def test_tables_round_trip_bit_for_bit(tmp_path, name):
    builder = data.builder(name, data_dir=tmp_path)
    builder.download_and_prepare()
    features, labels = read_table(name)
    dataset = data.load(name, data_dir=tmp_path)
    assert dataset.source == str(tmp_path / f"sklearn_{name}/1.0.0")
    np.testing.assert_array_equal(dataset.arrays[0], features)
    np.testing.assert_array_equal(dataset.arrays[1], labels)
    assert [array.dtype for array in dataset.arrays] == [np.float64, np.int64]
    assert dataset.class_names == data.load(name).class_names
    rows = tfds.builder_from_directory(dataset.source).as_data_source("train")
    order = stored_order("train", len(labels))
    assert rows[0]["features"].dtype == np.float64
    for row, index in zip(rows, order, strict=True):
        np.testing.assert_array_equal(row["features"], features[index])
        assert row["label"] == labels[index]


def test_tables_have_names_that_tfds_does_not_have():
    ours = {data.builder(name).info.full_name for name in TABLES}
    assert ours == {f"sklearn_{name}/1.0.0" for name in TABLES}
    theirs = tfds.list_builders(with_community_datasets=False)
    assert not [name for name in theirs if name.startswith("sklearn")]


def test_tfds_has_another_iris():
    iris = pytest.importorskip(
        "tensorflow_datasets.structured.iris", reason="TFDS has no iris of its own"
    )
    assert iris.Iris.name == "iris"
    assert Path(data.builder("iris").data_dir).parent.name == "sklearn_iris"


def test_grain_reads_a_builder(tmp_path):
    grain = pytest.importorskip("grain", reason="Grain is not installed")
    builder = data.builder("iris", data_dir=tmp_path)
    builder.download_and_prepare()
    rows = grain.MapDataset.source(builder.as_data_source("train")).batch(50)
    batches = [batch["features"] for batch in rows]
    assert [batch.shape for batch in batches] == [(50, 4)] * 3
    features, _ = read_table("iris")
    order = stored_order("train", 150)
    np.testing.assert_array_equal(np.concatenate(batches), features[order])


def test_a_builder_in_a_worker_reads_only(machine, tmp_path):
    prepared = data.builder("wine", data_dir=tmp_path)
    prepared.download_and_prepare()
    copy = pickle.loads(pickle.dumps(prepared))
    assert len(copy.as_data_source("train")) == 178
    empty = data.builder("iris", data_dir=tmp_path)
    with pytest.raises(ValueError, match="copied to another process"):
        pickle.loads(pickle.dumps(empty)).download_and_prepare()


def test_tfds_own_directory_is_the_default(machine):
    builder = data.builder("wine")
    assert Path(builder.data_dir) == (
        machine / "home/tensorflow_datasets/sklearn_wine/1.0.0"
    )


def test_raw_files_come_from_any_known_place(machine):
    """The data directory is only where the result goes."""
    put(machine / "share/fashion-mnist")
    data.builder("fashion_mnist", data_dir=machine / "data").download_and_prepare()
    assert_loaded(
        data.load("fashion_mnist", "test", data_dir=machine / "data", download=False),
        "fashion_mnist",
        "test",
    )


def test_nothing_is_left_where_there_are_no_data(machine):
    put(machine / "raw", splits=("train",))
    for raw_dir in (machine / "raw", None):
        builder = data.builder(
            "fashion_mnist", data_dir=machine / "data", raw_dir=raw_dir
        )
        with pytest.raises(DataNotFoundError):
            builder.download_and_prepare()
    assert not (machine / "data").exists()


def test_nothing_is_prepared_from_wrong_data(machine):
    raw = put(machine / "raw")
    write_idx(raw / "t10k-labels-idx1-ubyte.gz", np.zeros(7, np.uint8))
    builder = data.builder("fashion_mnist", data_dir=machine / "data", raw_dir=raw)
    with pytest.raises(CorruptDataError, match="SHA-256"):
        builder.download_and_prepare()
    assert not (machine / "data").exists()


def test_what_is_there_stays_unless_it_is_to_be_overwritten(machine):
    raw = put(machine / "raw")
    folder = machine / "data/fashion_mnist/3.0.1"
    builder = data.builder("fashion_mnist", data_dir=machine / "data", raw_dir=raw)
    builder.download_and_prepare()
    mark = folder / "mark"
    mark.touch()
    builder.download_and_prepare()
    assert mark.exists()
    mode = tfds.GenerateMode.REUSE_CACHE_IF_EXISTS
    config = tfds.download.DownloadConfig(download_mode=mode)
    builder.download_and_prepare(download_config=config)
    assert not mark.exists()
    assert_loaded(
        data.load("fashion_mnist", data_dir=machine / "data", download=False),
        "fashion_mnist",
        "train",
    )


def test_what_cannot_be_replaced_is_not_overwritten(machine):
    raw = put(machine / "raw")
    builder = data.builder("fashion_mnist", data_dir=machine / "data", raw_dir=raw)
    builder.download_and_prepare()
    (raw / "train-images-idx3-ubyte.gz").unlink()
    mode = tfds.GenerateMode.REUSE_CACHE_IF_EXISTS
    with pytest.raises(DataNotFoundError):
        builder.download_and_prepare(
            download_config=tfds.download.DownloadConfig(download_mode=mode)
        )
    assert data.load("fashion_mnist", data_dir=machine / "data", download=False)


@pytest.mark.parametrize("file_format", ["parquet", "tfrecord", "riegeli"])
def test_no_other_format_is_written(machine, file_format):
    builder = data.builder("wine", data_dir=machine / "data")
    with pytest.raises(ValueError, match="TFDS loses rows in parquet"):
        builder.download_and_prepare(file_format=file_format)
    assert not (machine / "data").exists()


def test_data_prepared_in_another_format_are_named(machine):
    folder = put_prepared(machine / "data", kind="tfrecord")
    with pytest.raises(ValueError, match="remove the folder or pass another") as caught:
        data.builder("fashion_mnist", data_dir=machine / "data")
    assert str(folder) in str(caught.value)


def test_a_directory_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    builder = data.builder("wine", data_dir=tmp_path / "file/below")
    with pytest.raises(OSError, match=r"cannot be written \(Not a dir.*TFDS_DATA_DIR"):
        builder.download_and_prepare()


def test_bad_arguments(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="Did you mean 'wine'"):
        data.builder("wines")
    with pytest.raises(ValueError, match="leave raw_dir out"):
        data.builder("wine", raw_dir=tmp_path)
    monkeypatch.setitem(sys.modules, "flaxnn.data._tfds_builders", None)
    with pytest.raises(MissingPackageError, match=r'pip install "flaxnn\[data\]"'):
        data.builder("wine")


def test_nothing_is_printed_and_tfds_bars_are_left_as_they_were(tmp_path, capfd):
    from tensorflow_datasets.core.utils import tqdm_utils

    before = tqdm_utils._active
    data.builder("digits", data_dir=tmp_path).download_and_prepare()
    assert capfd.readouterr() == ("", "")
    assert tqdm_utils._active is before


# A process that says when it has begun to prepare, and then does what is left to `…`.
PREPARE = """
import pathlib, sys, time
from flaxnn import data
from flaxnn.data import _tfds_builders
encode = _tfds_builders.encode_png
begun, go = map(pathlib.Path, {signs!r})
def encode_png(image):
    begun.touch()
    while not go.exists():
        time.sleep(0.01)
    return encode(image)
_tfds_builders.encode_png = encode_png
builder = data.builder("fashion_mnist", data_dir={data_dir!r}, raw_dir={raw_dir!r})
builder.download_and_prepare()
rows = builder.as_data_source("train")
dataset = data.load("fashion_mnist", data_dir={data_dir!r}, download=False)
print(len(rows), [int(row["label"]) for row in rows], dataset.arrays[0].sum())
"""


def _prepare_in_a_process(machine, start, number):
    begun, go = machine / f"begun {number}", machine / "go"
    process = start(
        PREPARE.format(
            signs=[str(begun), str(go)],
            data_dir=str(machine / "data"),
            raw_dir=str(machine / "raw"),
        )
    )
    return process, begun, go


def _wait_for(path, process):
    for _ in range(6000):
        if path.exists():
            return
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    pytest.fail("the process did not begin within a minute")


def test_two_processes_prepare_at_once(machine, start):
    """Both are in the middle of it at one time; both end well and read the same."""
    put(machine / "raw")
    both = [_prepare_in_a_process(machine, start, number) for number in (1, 2)]
    for process, begun, _ in both:
        _wait_for(begun, process)
    assert len(list((machine / "data/fashion_mnist").glob("incomplete.*"))) == 2
    both[0][2].touch()
    first, second = (output(process) for process, _, _ in both)
    assert first == second
    assert first.startswith("25 [")
    assert [path.name for path in (machine / "data/fashion_mnist").iterdir()] == [
        "3.0.1"
    ]
    for split in SPLITS:
        dataset = data.load("fashion_mnist", split, data_dir=machine / "data")
        assert_loaded(dataset, "fashion_mnist", split)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_preparation_breaks_nothing(machine, start):
    raw = put(machine / "raw")
    process, begun, _ = _prepare_in_a_process(machine, start, 1)
    _wait_for(begun, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (left,) = (machine / "data/fashion_mnist").iterdir()
    assert left.name.startswith("incomplete.")
    with pytest.raises(DataNotFoundError, match="no prepared version"):
        data.load("fashion_mnist", data_dir=machine / "data", download=False)
    builder = data.builder("fashion_mnist", data_dir=machine / "data", raw_dir=raw)
    builder.download_and_prepare()
    assert_loaded(
        data.load("fashion_mnist", data_dir=machine / "data", download=False),
        "fashion_mnist",
        "train",
    )
