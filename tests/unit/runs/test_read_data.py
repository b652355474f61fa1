# SPDX-License-Identifier: Apache-2.0
"""Every kind of data a run may have, and what is wrong with some."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from flaxnn.data import Dataset
from flaxnn.runs import Config, ConfigError, Prepared, prepare

X = np.arange(12, dtype=np.float32).reshape(6, 2)
Y = np.array([0, 1, 2, 0, 1, 2])


def prepared(name: Any, **changes: Any) -> Prepared:
    """A run on a file, with changes whose dots are written as __."""
    values = {"model": "SoftmaxRegression", "data": str(name)}
    values |= {key.replace("__", "."): value for key, value in changes.items()}
    return prepare(Config.of(values))


def arrays(run: Prepared) -> tuple[np.ndarray, ...]:
    assert isinstance(run.rows, Dataset)
    return run.rows.arrays


def idx(path: Path, array: np.ndarray) -> Path:
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    path.write_bytes(header + array.astype(np.uint8).tobytes())
    return path


@pytest.mark.parametrize(
    "names", [("x", "y"), ("x_train", "y_train"), ("images", "labels"), ("first", "b")]
)
def test_an_archive_whose_arrays_are_called_somehow(
    tmp_path: Path, names: tuple[str, str]
):
    named: Any = dict(zip(names, (X, Y), strict=True))
    np.savez(tmp_path / "rows.npz", **named)
    run = prepared(tmp_path / "rows.npz")
    assert_array_equal(arrays(run)[0], X)
    assert_array_equal(arrays(run)[1], Y)


def test_an_archive_without_names_goes_by_order_if_it_can(tmp_path: Path):
    np.savez(tmp_path / "two.npz", X, Y)
    assert_array_equal(arrays(prepared(tmp_path / "two.npz"))[1], Y)
    np.savez(tmp_path / "three.npz", X, Y, Y)
    with pytest.raises(
        ConfigError, match=r"data\.keys: cannot tell.* arr_0, arr_1, arr_2"
    ):
        prepared(tmp_path / "three.npz")
    run = prepared(tmp_path / "three.npz", data__keys=["arr_0", "arr_2"])
    assert_array_equal(arrays(run)[0], X)


def test_an_archive_with_a_test_split_is_validated_on_it(tmp_path: Path):
    np.savez(tmp_path / "a.npz", x_train=X, y_train=Y, x_test=X[:2], y_test=Y[:2])
    run = prepared(tmp_path / "a.npz")
    assert run.config["validation.split"] == "test"
    assert run.held_out is not None
    assert len(run.held_out) == 2


def test_names_of_classes_in_an_archive_are_numbered(tmp_path: Path):
    np.savez(tmp_path / "pets.npz", x=X, y=np.array(["dog", "cat", "cow"] * 2))
    run = prepared(tmp_path / "pets.npz")
    assert run.class_names == ("cat", "cow", "dog")
    assert_array_equal(arrays(run)[1], [2, 0, 1, 2, 0, 1])


def test_folders_and_pairs_of_files(tmp_path: Path):
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    for run in (
        prepared(tmp_path),
        prepared(tmp_path / "x.npy", data__labels=str(tmp_path / "y.npy")),
    ):
        assert_array_equal(arrays(run)[0], X)
    streamed = prepared(
        tmp_path, stream=True, model__num_classes=3, validation="none", epochs=1
    )
    assert not isinstance(streamed.rows, Dataset)
    assert_array_equal(
        streamed.fit().history["loss"],
        prepared(tmp_path, epochs=1).fit().history["loss"],
    )


def test_idx_images_get_totensors_channel_and_their_own_test_split(tmp_path: Path):
    images = np.arange(24, dtype=np.uint8).reshape(6, 2, 2)
    for stem in ("train", "t10k"):
        idx(tmp_path / f"{stem}-images-idx3-ubyte", images)
        idx(tmp_path / f"{stem}-labels-idx1-ubyte", Y)
    run = prepared(tmp_path, data__flatten=True)
    assert run.config["validation.split"] == "test"
    assert arrays(run)[0].dtype == np.uint8
    assert_array_equal(arrays(run)[0], images.reshape(6, 4))
    assert arrays(run)[1].dtype == np.int64
    file = tmp_path / "net.py"
    file.write_text(
        "from flaxnn import nn\n\nclass Net(nn.Sequential):\n"
        "    def __init__(self, in_channels, num_classes, *, rngs):\n"
        "        super().__init__(nn.Conv2d(in_channels, num_classes, 2, rngs=rngs),"
        " nn.Flatten())\n"
    )
    run = prepared(tmp_path, model=f"{file}:Net")
    assert arrays(run)[0].shape == (6, 1, 2, 2)
    assert run.config.options("model") == {"in_channels": 1, "num_classes": 3}


def test_a_table_and_another_to_validate_on(tmp_path: Path):
    rows = tmp_path / "rows.csv"
    rows.write_text("a,kind,b\n1,x,2\n3,y,4\n5,x,6\n")
    other = tmp_path / "other.csv"
    other.write_text("a,kind,b\n1,y,2\n")
    run = prepared(rows, data__target="kind", validation={"data": str(other)})
    assert run.class_names == ("x", "y")
    assert_array_equal(arrays(run)[0], [[1, 2], [3, 4], [5, 6]])
    assert isinstance(run.held_out, Dataset)
    assert_array_equal(run.held_out.arrays[1], [1])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b,kind\n1,2,0\n1,2\n", "line 3: expected 3 cells, got 2"),
        ("a,b,kind\n1,two,0\n", "line 2, "),
        ("a,b,kind\n1,nan,0\n", "line 2, "),
        ("a,b,kind\n", "got a header only"),
        ("", "got an empty file"),
        ("a,b,sort\n1,2,0\n", "'kind'"),
    ],
)
def test_a_table_with_a_fault(tmp_path: Path, text: str, words: str):
    file = tmp_path / "rows.csv"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"rows\.csv") as caught:
        prepared(file, data__target="kind")
    assert words in str(caught.value)


def test_a_table_needs_to_know_its_labels(tmp_path: Path):
    file = tmp_path / "rows.csv"
    file.write_text("a,b,kind\n1,2,0\n")
    with pytest.raises(ConfigError, match=r"has a, b, kind; .*data\.target=kind"):
        prepared(file)


def test_damaged_files_are_named(tmp_path: Path):
    np.savez(tmp_path / "a.npz", x=X, y=Y)
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"a\.npz: expected an intact .npz"):
        prepared(tmp_path / "a.npz")
    idx(tmp_path / "labels-idx1-ubyte", Y)
    images = idx(tmp_path / "images-idx3-ubyte", np.zeros((6, 2, 2), np.uint8))
    images.write_bytes(images.read_bytes()[:-3])
    with pytest.raises(ValueError, match="got room for at most 21"):
        prepared(images, data__labels=str(tmp_path / "labels-idx1-ubyte"))


def test_what_is_nowhere_and_what_is_nothing(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="'wien'; did you mean 'wine'"):
        prepared("wien")
    (tmp_path / "rows.xlsx").write_text("")
    with pytest.raises(ConfigError, match="cannot tell the format"):
        prepared(tmp_path / "rows.xlsx")
    with pytest.raises(FileNotFoundError, match=r"neither \.npy files"):
        prepared(tmp_path)
    np.savez(tmp_path / "empty.npz", x=X[:0], y=Y[:0])
    with pytest.raises(ValueError, match="data is empty"):
        prepared(tmp_path / "empty.npz")
    np.savez(tmp_path / "u.npz", x=np.zeros((6, 2, 2), np.uint8), y=Y)
    with pytest.raises(ValueError, match="expected a table of numbers"):
        prepared(tmp_path / "u.npz", data__standardize=True)


def test_a_name_is_the_data_sets_even_beside_a_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "iris").mkdir()
    monkeypatch.chdir(tmp_path)
    assert len(prepared("iris").rows) == 150
    with pytest.raises(FileNotFoundError, match="neither"):
        prepared("./iris")


def test_a_feature_that_does_not_vary_is_left_at_zero(tmp_path: Path):
    np.savez(tmp_path / "a.npz", x=np.array([[1.0, 5], [3, 5]]), y=np.array([0, 1]))
    run = prepared(tmp_path / "a.npz", data__standardize=True)
    assert_array_equal(arrays(run)[0], [[-1, 0], [1, 0]])


def test_columns_are_found_by_their_names_in_the_other_table_too(tmp_path: Path):
    rows, other = tmp_path / "rows.csv", tmp_path / "other.csv"
    rows.write_text("a,b,kind\n1,20,0\n3,40,1\n5,60,0\n")
    other.write_text("note,kind,b,a\n9,1,40,3\n")
    run = prepared(rows, data__target="kind", validation={"data": str(other)})
    assert isinstance(run.held_out, Dataset)
    assert_array_equal(run.held_out.arrays[0], [[3, 40]])
    assert_array_equal(run.held_out.arrays[1], [1])
    other.write_text("kind,b,a\n1,40,3\n")
    with pytest.raises(ConfigError, match=r"column 2 of .*other\.csv is 'a'"):
        prepared(rows, data__target=2, validation={"data": str(other)})
    other.write_text("a,b,kind\n1,20,cat\n")
    with pytest.raises(ConfigError, match="such as 'cat', and the rows trained on had"):
        prepared(rows, data__target="kind", validation={"data": str(other)})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data__split": "tset"}, r"no split 'tset'; did you mean 'test'"),
        ({"validation": "tset"}, r"no split 'tset'; did you mean 'test'"),
        ({"data__target": "y"}, r"data\.target: it is for tables; .* is an archive"),
        ({"data__labels": "y.npy"}, r"data\.labels: it is for files of inputs alone"),
        (
            {"data__keys": ["x_train", "y_train"], "validation": "test"},
            r"no split 'test'; there are train",
        ),
    ],
)
def test_what_data_have_not_is_not_passed_over(
    tmp_path: Path, changes: dict[str, Any], words: str
):
    np.savez(tmp_path / "a.npz", x_train=X, y_train=Y, x_test=X[:2], y_test=Y[:2])
    with pytest.raises(ConfigError, match=words):
        prepared(tmp_path / "a.npz", **changes)


def test_named_arrays_are_not_their_own_test_split(tmp_path: Path):
    np.savez(tmp_path / "a.npz", x_train=X, y_train=Y, x_test=X[:2], y_test=Y[:2])
    run = prepared(tmp_path / "a.npz", data__keys=["x_train", "y_train"])
    assert run.held_out is None


@pytest.mark.parametrize("name", ["wine", "univariate"])
def test_a_data_set_that_is_one_whole_has_no_test_split(name: str):
    with pytest.raises(ValueError, match="no split 'test'"):
        prepared(name, validation="test")
    with pytest.raises(ConfigError, match=f"{name} is a data set"):
        prepared(name, data__header=True)


def test_labels_are_not_those_of_other_inputs(tmp_path: Path):
    for name, array in (("x", X), ("y", Y), ("other", X + 1)):
        np.save(tmp_path / f"{name}.npy", array)
    with pytest.raises(ConfigError, match=r"labels of .*x\.npy, not of .*other\.npy"):
        prepared(
            tmp_path / "x.npy",
            data__labels=str(tmp_path / "y.npy"),
            validation={"data": str(tmp_path / "other.npy")},
        )


def test_names_of_classes_are_taken_for_labels_that_are_numbers(tmp_path: Path):
    np.savez(tmp_path / "a.npz", x=X, y=Y)
    run = prepared(tmp_path / "a.npz", data__class_names=["cat", "cow", "dog"])
    assert run.class_names == ("cat", "cow", "dog")


def test_pixels_are_not_other_numbers(tmp_path: Path):
    np.savez(tmp_path / "a.npz", x=X, y=Y)
    np.savez(tmp_path / "b.npz", x=X.astype(np.uint8), y=Y)
    with pytest.raises(ValueError, match=r"expected rows of float32, .* got uint8"):
        prepared(tmp_path / "a.npz", validation={"data": str(tmp_path / "b.npz")})


def test_what_epochs_have_no_number_of_cannot_stop_or_choose():
    for changes, words in (
        ({"early_stopping": {"patience": 1, "monitor": "loss"}}, "'train_loss'"),
        ({"validation": 0.2, "checkpoints__best": "f1"}, "has no 'f1'"),
        ({"batch_size": "all", "stream": True}, "stream: with batch_size 'all'"),
    ):
        with pytest.raises(ConfigError, match=words):
            prepared("wine", **changes)
