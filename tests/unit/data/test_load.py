# SPDX-License-Identifier: Apache-2.0
"""Where data sets are found, how they are checked, and what is said without them."""

from __future__ import annotations

import hashlib
import shutil
import time
import zipfile

import numpy as np
import pytest

from flaxnn import data
from flaxnn._errors import CorruptDataError, DataNotFoundError
from flaxnn.data import _image_sets, _places
from tests.unit.data._small import (
    FILES,
    arrays,
    assert_loaded,
    idx_bytes,
    put,
    write_idx,
)

# Each place: how data set and machine name it, and which arguments and variables
# point there.
PLACES = {
    "raw_dir": ("elsewhere/raw", {"raw_dir": "elsewhere/raw"}, {}),
    "data_dir": ("elsewhere/{name}", {"data_dir": "elsewhere"}, {}),
    "data_dir, torchvision's layout": (
        "elsewhere/{torchvision}/raw",
        {"data_dir": "elsewhere"},
        {},
    ),
    "FLAXNN_DATA_DIR": ("elsewhere/{name}", {}, {"FLAXNN_DATA_DIR": "elsewhere"}),
    "FLAXNN_DATA_DIR, torchvision's layout": (
        "elsewhere/{torchvision}/raw",
        {},
        {"FLAXNN_DATA_DIR": "elsewhere"},
    ),
    "torchvision": ("work/data/{torchvision}/raw", {}, {}),
}
KERAS_AND_SYSTEM = {
    "KERAS_HOME": ("kh/datasets/fashion-mnist", {"KERAS_HOME": "kh"}),
    "Keras": ("home/.keras/datasets/fashion-mnist", {}),
    "Debian": ("share/fashion-mnist", {}),
}


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("name", ["fashion_mnist", "mnist"])
@pytest.mark.parametrize("place", PLACES)
def test_every_place(machine, monkeypatch, place, name, split, suffix):
    folder, arguments, variables = PLACES[place]
    torchvision = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}[name]
    folder = put(
        machine / folder.format(name=name, torchvision=torchvision), name, suffix
    )
    for variable, value in variables.items():
        monkeypatch.setenv(variable, str(machine / value))
    arguments = {key: machine / value for key, value in arguments.items()}
    dataset = data.load(name, split, **arguments)
    assert_loaded(dataset, name, split)
    assert dataset.source == str(folder)


@pytest.mark.parametrize("place", KERAS_AND_SYSTEM)
def test_fashion_mnist_of_keras_and_debian(machine, monkeypatch, place):
    folder, variables = KERAS_AND_SYSTEM[place]
    put(machine / folder)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, str(machine / value))
    dataset = data.load("fashion_mnist")
    assert_loaded(dataset, "fashion_mnist", "train")
    assert dataset.source == str(machine / folder)


@pytest.mark.parametrize("split", ["train", "test"])
def test_mnist_npz_of_keras(machine, split):
    path = machine / "home/.keras/datasets/mnist.npz"
    path.parent.mkdir(parents=True)
    (x_train, y_train), (x_test, y_test) = (
        arrays("mnist", part) for part in ("train", "test")
    )
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    dataset = data.load("mnist", split)
    assert_loaded(dataset, "mnist", split)
    assert dataset.source == str(path)


def test_order_of_the_places(machine, monkeypatch):
    """Taking away the first place each time, the next one is read."""
    monkeypatch.setenv("FLAXNN_DATA_DIR", str(machine / "env"))
    places = [
        "env/fashion_mnist",
        "env/FashionMNIST/raw",
        "work/data/FashionMNIST/raw",
        "home/.keras/datasets/fashion-mnist",
        "share/fashion-mnist",
    ]
    for folder in places:
        put(machine / folder)
    for folder in places:
        assert data.load("fashion_mnist").source == str(machine / folder)
        shutil.rmtree(machine / folder)
    with pytest.raises(DataNotFoundError):
        data.load("fashion_mnist", download=False)


@pytest.mark.parametrize("argument", ["raw_dir", "data_dir"])
def test_a_given_folder_is_the_only_one(machine, monkeypatch, argument):
    monkeypatch.setenv("FLAXNN_DATA_DIR", str(machine / "env"))
    put(machine / "env/fashion_mnist")
    put(machine / "share/fashion-mnist")
    with pytest.raises(DataNotFoundError, match="elsewhere") as caught:
        data.load("fashion_mnist", **{argument: machine / "elsewhere"}, download=False)
    assert str(machine / "share") not in str(caught.value)


def test_a_place_with_half_of_the_files_is_passed_over(machine):
    put(machine / "work/data/FashionMNIST/raw", splits=("train",))
    put(machine / "share/fashion-mnist")
    assert data.load("fashion_mnist", "test").source.endswith("share/fashion-mnist")
    (machine / "share/fashion-mnist/t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataNotFoundError) as caught:
        data.load("fashion_mnist", "test", download=False)
    message = str(caught.value)
    assert "no t10k-images-idx3-ubyte and no t10k-labels-idx1-ubyte" in message
    assert "(Debian's package): no t10k-labels-idx1-ubyte\n" in message


def test_what_is_said_when_nothing_is_found(machine):
    start = time.perf_counter()
    with pytest.raises(FileNotFoundError) as caught:
        data.load("fashion_mnist", "test", download=False)
    assert time.perf_counter() - start < 1
    message = str(caught.value)
    for part in (
        "fashion_mnist (split 'test') was not found",
        "t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte",
        f"{machine / 'home/tensorflow_datasets/fashion_mnist'} (TFDS, prepared)",
        str(machine / "work/data/FashionMNIST/raw"),
        str(machine / "home/.keras/datasets/fashion-mnist"),
        str(machine / "share/fashion-mnist"),
        f"{machine / 'home/tensorflow_datasets/downloads/fashion_mnist'} (TFDS, down",
        "no such folder",
        "Not downloaded: download=False.",
        "apt install dataset-fashion-mnist",
        "torchvision",
        "Keras",
        "FLAXNN_DATA_DIR (it is not set)",
        "raw_dir=",
        "flaxnn data fetch fashion_mnist --data-dir DIR",
    ):
        assert part in message
    remedies = message.partition("do one of these:\n")[2].splitlines()
    assert len(remedies) == 3


@pytest.mark.parametrize(
    ("given", "folder"),
    [
        (["data_dir"], "given/fashion_mnist"),
        (["raw_dir"], "given"),
        (["data_dir", "raw_dir"], "given"),
    ],
)
def test_what_is_said_about_a_given_folder(machine, given, folder):
    """The environment variable would not help: it is not looked at."""
    arguments = dict.fromkeys(given, machine / "given")
    with pytest.raises(DataNotFoundError) as caught:
        data.load("fashion_mnist", **arguments, download=False)
    message = str(caught.value)
    assert "FLAXNN_DATA_DIR" not in message
    assert f"leave {'= and '.join(given)}= out" in message
    assert f"put the files into {machine / folder}" in message


def test_no_home_directory(machine, monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(_places.Path, "home", no_home)
    with pytest.raises(DataNotFoundError, match="there is no home directory"):
        data.load("fashion_mnist")


def test_a_folder_that_may_not_be_looked_at_is_passed_over(machine, monkeypatch):
    """Another user's home, for example; as root, nothing is refused by itself."""
    put(machine / "share/fashion-mnist")
    is_file = _places.Path.is_file

    def refuse(path):
        if ".keras" in path.parts:
            raise PermissionError(13, "Permission denied", str(path))
        return is_file(path)

    monkeypatch.setattr(_places.Path, "is_file", refuse)
    assert data.load("fashion_mnist").source.endswith("share/fashion-mnist")
    with pytest.raises(
        DataNotFoundError, match=r"\(Keras\): cannot be looked at \(Permission denied"
    ):
        data.load("mnist", download=False)


@pytest.mark.parametrize("file", ["images", "labels"])
def test_an_altered_file_is_refused(machine, file):
    folder = put(machine / "raw")
    array = np.array(arrays("fashion_mnist", "train")[file == "labels"])
    array.flat[-1] ^= 1
    path = write_idx(folder / f"{FILES['train', file]}.gz", array)
    with pytest.raises(CorruptDataError) as caught:
        data.load("fashion_mnist", raw_dir=folder)
    message = str(caught.value)
    content = _image_sets.IMAGE_SETS["fashion_mnist"].contents["train"]
    assert str(path) in message
    assert f"expected SHA-256 {getattr(content, f'{file}_sha256')}" in message
    assert f"got {hashlib.sha256(idx_bytes(array)).hexdigest()}" in message


def test_a_bad_copy_is_refused_although_another_place_has_a_good_one(machine):
    folder = put(machine / "home/.keras/datasets/fashion-mnist")
    put(machine / "share/fashion-mnist")
    (folder / "train-images-idx3-ubyte.gz").write_bytes(b"")
    with pytest.raises(CorruptDataError, match="an empty file"):
        data.load("fashion_mnist")


def test_the_test_files_are_not_taken_for_the_training_ones(machine):
    folder = put(machine / "raw", suffix="")
    for kind in ("images", "labels"):
        shutil.copy(folder / FILES["test", kind], folder / FILES["train", kind])
    with pytest.raises(CorruptDataError, match=r"expected shape \(25, 28, 28\)"):
        data.load("fashion_mnist", raw_dir=folder)


def test_mnist_is_not_taken_for_fashion_mnist(machine):
    put(machine / "raw", "mnist")
    with pytest.raises(CorruptDataError, match="SHA-256"):
        data.load("fashion_mnist", raw_dir=machine / "raw")


@pytest.mark.parametrize(
    "damage", ["not a zip", "empty", "other arrays", "pickle", "one array", "text"]
)
def test_a_bad_npz_is_refused(machine, damage):
    path = machine / "home/.keras/datasets/mnist.npz"
    path.parent.mkdir(parents=True)
    if damage == "other arrays":
        np.savez(path, x=np.zeros(3))
    elif damage == "pickle":
        np.savez(path, x_train=np.array([{}], object), y_train=np.zeros(3))
    elif damage == "one array":
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    else:
        contents = {"empty": b"", "not a zip": b"PK\x03\x04 none", "text": b"<html>"}
        path.write_bytes(contents[damage])
    with pytest.raises(CorruptDataError, match=r"mnist\.npz: expected Keras' archive"):
        data.load("mnist")


def test_an_npz_with_other_files_is_refused(machine):
    path = machine / "home/.keras/datasets/mnist.npz"
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x_train", b"bytes")
        archive.writestr("y_train", b"bytes")
    with pytest.raises(CorruptDataError, match="there is no array 'x_train'"):
        data.load("mnist")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("fashion-mnist", "fashion_mnist"),
        ("FashionMNIST", "fashion_mnist"),
        ("Fashion MNIST", "fashion_mnist"),
        ("MNIST", "mnist"),
        ("wines", "wine"),
        ("breast-cancer", "breast_cancer"),
        ("Iris", "iris"),
    ],
)
def test_unknown_name_with_a_suggestion(name, meant):
    with pytest.raises(ValueError, match="unknown data set") as caught:
        data.load(name)
    assert f"{name!r}" in str(caught.value)
    assert f"Did you mean {meant!r}?" in str(caught.value)


def test_unknown_name_without_one():
    with pytest.raises(ValueError, match="unknown data set 'cifar10'") as caught:
        data.load("cifar10")
    assert "Did you mean" not in str(caught.value)
    assert "breast_cancer, digits, fashion_mnist, iris, mnist, wine" in str(
        caught.value
    )


def test_unknown_split(machine):
    with pytest.raises(ValueError, match="expected 'train' or 'test'"):
        data.load("mnist", "validation")


@pytest.mark.parametrize(("split", "rows"), [("train", 60_000), ("test", 10_000)])
def test_real_fashion_mnist(fashion_mnist_dir, split, rows):
    start = time.process_time()
    dataset = data.load("fashion_mnist", split, raw_dir=fashion_mnist_dir)
    seconds = time.process_time() - start
    images, labels = dataset.arrays
    assert images.shape == (rows, 28, 28)
    assert np.bincount(labels).tolist() == [rows // 10] * 10
    assert dataset.class_names[labels[0]] == "Ankle boot"
    assert seconds < 3  # 0.5 s where it was measured; a loop over images takes longer
