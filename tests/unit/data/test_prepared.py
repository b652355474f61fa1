# SPDX-License-Identifier: Apache-2.0
"""Folders that TFDS prepared: read in the original order, or refused."""

from __future__ import annotations

import shutil
import sys

import numpy as np
import pytest

from flaxnn import data
from flaxnn._errors import CorruptDataError, DataNotFoundError
from flaxnn.data._prepared import stored_order
from tests.unit.data._png_files import filtered_png
from tests.unit.data._small import (
    NAMES,
    SPLITS,
    arrays,
    assert_loaded,
    output,
    put,
    put_cache,
)
from tests.unit.data._tfds_files import (
    example,
    hashing,
    put_prepared,
    tfds,
    write_records,
)

KINDS = ("array_record", "tfrecord")


@pytest.mark.parametrize("rows", [0, 1, 100])
@pytest.mark.parametrize("split", SPLITS)
def test_the_stored_order_is_tfds(split, rows):
    expected = sorted(range(rows), key=hashing.Hasher(split).hash_key)
    assert stored_order(split, rows) == expected


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", KINDS)
def test_round_trip(machine, kind, name, split, shards):
    folder = put_prepared(machine / "data", name, kind, shards=shards)
    dataset = data.load(name, split, data_dir=machine / "data", download=False)
    assert_loaded(dataset, name, split)
    assert dataset.source == str(folder)
    assert dataset.arrays[0].ctypes.data % 64 == 0


def test_the_folders_are_such_as_stock_tfds_reads(machine):
    """Otherwise the tests here would show little."""
    folder = put_prepared(machine / "data", kind="array_record", shards=2)
    rows = tfds.data_source("fashion_mnist", data_dir=machine / "data", split="train")
    images, labels = arrays("fashion_mnist", "train")
    for row, index in zip(rows, stored_order("train", len(rows)), strict=True):
        np.testing.assert_array_equal(row["image"][..., 0], images[index])
        assert row["label"] == labels[index]
    assert tfds.builder_from_directory(folder).info.splits["test"].num_examples == 7


@pytest.mark.parametrize("variable", ["TFDS_DATA_DIR", "FLAXNN_DATA_DIR", None])
@pytest.mark.parametrize("kind", KINDS)
def test_where_tfds_keeps_its_data(machine, monkeypatch, kind, variable):
    root = machine / ("elsewhere" if variable else "home/tensorflow_datasets")
    if variable:
        monkeypatch.setenv(variable, str(root))
    folder = put_prepared(root, kind=kind)
    assert data.load("fashion_mnist").source == str(folder)


@pytest.mark.parametrize("layout", ["downloads/{name}", "downloads"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("given", [True, False])
def test_tfds_downloads(machine, given, name, layout):
    """In the folder of the data set, or in one for all as older versions had it."""
    root = machine / ("given" if given else "home/tensorflow_datasets")
    put_cache(root / layout.format(name=name), name)
    arguments = {"data_dir": root} if given else {}
    for split in SPLITS:
        dataset = data.load(name, split, download=False, **arguments)
        assert_loaded(dataset, name, split)
        assert dataset.source == str(root / "downloads" / name)


@pytest.mark.parametrize("name", NAMES)
def test_names_in_the_cache_are_tfds(name):
    from tensorflow_datasets.core.download import checksums, resource

    from flaxnn.data._image_sets import IMAGE_SETS
    from flaxnn.data._place import cache_name

    known = checksums.get_all_url_infos()
    for file, facts in IMAGE_SETS[name].downloads.items():
        url = f"{IMAGE_SETS[name].url}{file}.gz"
        assert (known[url].size, known[url].checksum) == (facts.size, facts.sha256)
        assert resource.get_dl_fname(url, facts.sha256) == (
            cache_name(IMAGE_SETS[name], file)
        )


def test_the_order_of_all_places(machine, monkeypatch):
    """Taking away the first place each time, the next one is read."""
    monkeypatch.setenv("FLAXNN_DATA_DIR", str(machine / "env"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(machine / "tfds"))
    put(machine / "env/fashion_mnist")
    put(machine / "env/FashionMNIST/raw")
    put_cache(machine / "env/downloads/fashion_mnist")
    put(machine / "work/data/FashionMNIST/raw")
    put(machine / "home/.keras/datasets/fashion-mnist")
    put(machine / "share/fashion-mnist")
    put_cache(machine / "tfds/downloads/fashion_mnist")
    put_prepared(machine / "env")
    put_prepared(machine / "tfds")
    for folder in (
        "env/fashion_mnist/3.0.1",
        "env/fashion_mnist",
        "env/FashionMNIST/raw",
        "env/downloads/fashion_mnist",
        "tfds/fashion_mnist/3.0.1",
        "work/data/FashionMNIST/raw",
        "home/.keras/datasets/fashion-mnist",
        "share/fashion-mnist",
        "tfds/downloads/fashion_mnist",
    ):
        dataset = data.load("fashion_mnist")
        assert dataset.source == str(machine / folder)
        assert_loaded(dataset, "fashion_mnist", "train")
        shutil.rmtree(machine / folder)
    with pytest.raises(DataNotFoundError):
        data.load("fashion_mnist", download=False)


def test_with_both_folders_prepared_data_come_first(machine):
    given = {"data_dir": machine / "data", "raw_dir": put(machine / "raw")}
    put(machine / "data/fashion_mnist")
    put_cache(machine / "data/downloads/fashion_mnist")
    assert data.load("fashion_mnist", **given).source == str(machine / "raw")
    folder = put_prepared(machine / "data")
    assert data.load("fashion_mnist", **given).source == str(folder)


def test_the_newest_version_and_the_faster_format(machine):
    put_prepared(machine / "data", version="3.0.0", changed={"train": ([], [])})
    folder = put_prepared(machine / "data", version="3.0.10", kind="tfrecord")
    put_prepared(machine / "data", version="3.0.9", changed={"train": ([], [])})
    (machine / "data/fashion_mnist/incomplete.X_4.0.0").mkdir()
    good = put_prepared(machine / "more", kind="array_record")
    for file in good.glob("*.array_record-*"):
        shutil.copy(file, folder)
    next(folder.glob("*-train.tfrecord-*")).write_bytes(b"")
    dataset = data.load("fashion_mnist", data_dir=machine / "data", download=False)
    assert dataset.source == str(folder)


def _damage(folder, kind, damage):
    """Does something to the training split; what the error must say."""
    (path,) = folder.glob(f"*-train.{kind}-*")
    content = path.read_bytes()
    if damage == "cut short":
        path.write_bytes(content[: len(content) // 2 + 1])
        return f"expected an intact {kind} file"
    if damage == "empty":
        path.write_bytes(b"")
        return r"expected an intact array_record|expected shape \(25, 28, 28\)"
    if damage == "noise":
        path.write_bytes(np.random.default_rng(0).bytes(len(content)))
        return f"expected an intact {kind} file"
    if damage == "gone":
        path.unlink()
        return "expected files fashion_mnist-train"
    if damage == "a shard gone":
        path.rename(str(path).replace("of-00001", "of-00002"))
        return "expected 2 files"
    rows = []
    images, labels = arrays("fashion_mnist", "train")
    for index in stored_order("train", len(labels)):
        features = {"image": filtered_png(images[index]), "label": int(labels[index])}
        if index == 11:
            features |= {
                "a pixel": {"image": filtered_png(images[index] ^ 1)},
                "a label": {"label": 10 - int(labels[index])},
                "a large label": {"label": 2**40},
                "a label of text": {"label": b"7"},
                "an image of another size": {"image": filtered_png(images[index, 1:])},
                "an image of text": {"image": b"<html>"},
                "no image": {},
            }.get(damage, {})
            if damage == "no image":
                del features["image"]
        rows.append(example(**features))
    if damage == "no example":
        rows[3] = b"<html>"
    if damage == "another order":
        rows[0], rows[1] = rows[1], rows[0]
    if damage == "a row less":
        rows.pop()
    if damage == "a row more":
        rows.append(rows[0])
    write_records(path, rows)
    return {
        "no example": r"3\.0\.1, split 'train': expected a tf\.train\.Example",
        "a row less": r"expected shape \(25, 28, 28\) of uint8, got \(24, 28, 28\)",
        "a row more": r"got \(26, 28, 28\)",
        "a pixel": r"images of split 'train' in .*expected SHA-256",
        "a label": r"labels of split 'train' in .*expected SHA-256",
        "another order": r"images of split 'train' in .*expected SHA-256",
        "a large label": "expected labels of a byte",
        "a label of text": "row 11: expected 'label' to be of type int, got bytes",
        "an image of another size": "image 11: expected an intact image, got one of 27",
        "an image of text": "image 11: expected an intact image",
        "no image": "row 11: expected 'image' to be of type bytes, got NoneType",
    }[damage]


@pytest.mark.parametrize(
    "damage",
    [
        "cut short",
        "empty",
        "noise",
        "gone",
        "a shard gone",
        "no example",
        "a row less",
        "a row more",
        "a pixel",
        "a label",
        "another order",
        "a large label",
        "a label of text",
        "an image of another size",
        "an image of text",
        "no image",
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_copy_is_refused_although_another_place_has_a_good_one(
    machine, kind, damage
):
    pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    folder = put_prepared(machine / "home/tensorflow_datasets", kind=kind)
    put(machine / "share/fashion-mnist")
    message = _damage(folder, kind, damage)
    with pytest.raises(CorruptDataError, match=message) as caught:
        data.load("fashion_mnist")
    assert str(folder) in str(caught.value)
    assert_loaded(data.load("fashion_mnist", "test"), "fashion_mnist", "test")


def test_fashion_images_under_the_name_of_mnist_are_refused(machine):
    """As TFDS with a folder of manual downloads may cache and prepare them."""
    wrong = {split: arrays("fashion_mnist", split) for split in SPLITS}
    put_prepared(machine / "data", "mnist", changed=wrong)
    with pytest.raises(CorruptDataError, match="another data set"):
        data.load("mnist", data_dir=machine / "data", download=False)


def _as_parquet(folder, kind="parquet"):
    for file in folder.glob("*.tfrecord-*"):
        file.rename(str(file).replace(".tfrecord-", f".{kind}-"))
    return folder


@pytest.mark.parametrize("kind", ["parquet", "riegeli"])
def test_formats_that_lose_rows_are_never_read(machine, kind):
    root = machine / "home/tensorflow_datasets"
    _as_parquet(put_prepared(root), kind)
    with pytest.raises(DataNotFoundError, match=f"prepared as {kind}"):
        data.load("fashion_mnist", download=False)
    put(machine / "share/fashion-mnist")
    assert data.load("fashion_mnist").source.endswith("share/fashion-mnist")


def test_nothing_is_fetched_into_a_folder_of_another_format(machine):
    root = machine / "data"
    folder = _as_parquet(put_prepared(root))
    with pytest.raises(DataNotFoundError, match=r"Not downloaded: .*remove the folder"):
        data.load("fashion_mnist", data_dir=root)
    assert folder.is_dir()
    assert not (root / "downloads").exists()


def test_a_folder_with_a_version_as_its_name_only(machine):
    (machine / "data/fashion_mnist/3.0.1").mkdir(parents=True)
    with pytest.raises(DataNotFoundError, match=r"no dataset_info\.json and no rec"):
        data.load("fashion_mnist", data_dir=machine / "data", download=False)


def test_without_array_record(machine, monkeypatch):
    monkeypatch.setitem(sys.modules, "array_record.python.array_record_module", None)
    put_prepared(machine / "data", kind="array_record")
    with pytest.raises(ImportError, match=r'array_record.*pip install "flaxnn\[data'):
        data.load("fashion_mnist", data_dir=machine / "data")


@pytest.mark.parametrize("kind", KINDS)
def test_reading_imports_neither_tfds_nor_tensorflow(machine, start, kind):
    """Nor a client for the network; array_record only for its own files."""
    put_prepared(machine / "data", kind=kind)
    process = start(
        "import sys\n"
        "from flaxnn import data\n"
        f"data.load('fashion_mnist', data_dir={str(machine / 'data')!r})\n"
        "heavy = {'array_record', 'tensorflow', 'tensorflow_datasets', 'requests'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    expected = ["array_record"] if kind == "array_record" else []
    assert output(process) == f"{expected}\n"
