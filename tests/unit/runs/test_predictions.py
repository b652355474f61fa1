# SPDX-License-Identifier: Apache-2.0
"""Files to predict from: the rows that a run was trained on come out the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from flaxnn.runs import Config, TrainedRun, train
from flaxnn.runs._inputs import PictureRules, read_rows_of
from flaxnn.runs._predictions import predictions
from flaxnn.runs._task import Task

image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
PLAIN = PictureRules()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> TrainedRun:
    """A run on grey pictures, 4 wide and 3 high, of which one half is light."""
    folder = tmp_path_factory.mktemp("pictures")
    x = np.zeros((8, 3, 4), np.uint8)
    x[::2, :, :2] = x[1::2, :, 2:] = 200
    np.savez(folder / "halves.npz", x=x, y=np.array(["left", "right"] * 4))
    config = Config.of(
        {"model": "SoftmaxRegression", "data": str(folder / "halves.npz")}
        | {"data.flatten": True, "epochs": 20, "optimizer": {"name": "adam", "lr": 0.1}}
    )
    return train(config, folder / "run")


def save(folder: Path, pixels: np.ndarray, name: str = "a.png") -> Path:
    image.fromarray(pixels).save(folder / name)
    return folder / name


def left() -> np.ndarray:
    pixels = np.zeros((3, 4), np.uint8)
    pixels[:, :2] = 200
    return pixels


def test_a_picture_is_its_pixels(pictures: TrainedRun, tmp_path: Path):
    file = save(tmp_path, left())
    assert_array_equal(read_rows_of(file, pictures, PLAIN)[0], left())
    found = predictions(pictures, [file], rules=PLAIN, top=2)
    assert found.rows[0]["class"] == "left"
    assert found.rows[0]["probability"] > 0.9
    assert found.rows[0]["class_2"] == "right"
    assert found.how == "softmax of the logits"


def test_colours_and_transparency_become_grey(pictures: TrainedRun, tmp_path: Path):
    colour = np.repeat(left()[..., None], 3, axis=2)
    assert_array_equal(read_rows_of(save(tmp_path, colour), pictures, PLAIN)[0], left())
    opaque = np.where(left() > 0, 255, 0).astype(np.uint8)
    clear = np.dstack([colour, opaque])
    expected = np.where(left() > 0, 200, 255)
    assert_array_equal(
        read_rows_of(save(tmp_path, clear), pictures, PLAIN)[0], expected
    )


def test_dark_on_light_is_inverted_when_told(pictures: TrainedRun, tmp_path: Path):
    file = save(tmp_path, 255 - left())
    rules = PictureRules(invert=True)
    assert_array_equal(read_rows_of(file, pictures, rules)[0], left())


def test_another_size_is_refused_unless_resized(pictures: TrainedRun, tmp_path: Path):
    file = save(tmp_path, np.kron(left(), np.ones((5, 5), np.uint8)))
    with pytest.raises(ValueError, match="4 × 3 pixels, got 20 × 15; --resize"):
        read_rows_of(file, pictures, PLAIN)
    found = predictions(pictures, [file], rules=PictureRules(resize=True), top=1)
    assert found.rows[0]["class"] == "left"


def test_bad_inputs_are_named_and_the_others_predicted(
    pictures: TrainedRun, tmp_path: Path
):
    good = save(tmp_path, left())
    cut = tmp_path / "cut.png"
    cut.write_bytes(good.read_bytes()[:45])
    text = tmp_path / "text.png"
    text.write_text("no picture")
    floats = tmp_path / "floats.npy"
    np.save(floats, np.zeros((1, 3, 4)))
    shape = tmp_path / "shape.npy"
    np.save(shape, np.zeros((1, 5), np.uint8))
    other = tmp_path / "notes.txt"
    bad = [cut, text, floats, shape, other, tmp_path / "nothing.png"]
    found = predictions(pictures, [*bad, good], rules=PLAIN, top=1)
    assert [row["input"] for row in found.rows] == [str(good)]
    assert [fault["input"] for fault in found.faults] == [str(each) for each in bad]
    said = (
        "damaged",
        "expected a picture",
        "expected pixels, uint8",
        "rows of shape (3, 4)",
        "cannot tell its format",
        "No such file",
    )
    for fault, words in zip(found.faults, said, strict=True):
        assert words in fault["error"]
        assert fault["input"] in fault["error"]


def test_columns_are_found_by_their_names(tmp_path: Path):
    rows = tmp_path / "rows.csv"
    rows.write_text("a,kind,b\n1,x,20\n3,y,-4\n5,x,60\n")
    config = Config.of(
        {"model": "SoftmaxRegression", "data": str(rows), "data.target": "kind"}
        | {"data.standardize": True, "epochs": 1}
    )
    run = train(config, tmp_path / "run")
    turned = tmp_path / "turned.csv"
    turned.write_text("b,note,a\n20,7,1\n-4,7,3\n60,7,5\n")
    for file in (rows, turned):
        assert_array_equal(read_rows_of(file, run, PLAIN), [[1, 20], [3, -4], [5, 60]])
    found = predictions(run, [turned], rules=PLAIN, top=1)
    expected, _ = run.probabilities(run.outputs(run.rows()[0].arrays[0]))
    assert_array_equal(found.arrays["probabilities"], expected)
    turned.write_text("b,c\n1,2\n")
    with pytest.raises(ValueError, match="trained on a column 'a', which is not there"):
        read_rows_of(turned, run, PLAIN)
    turned.write_text("b,a\n1,nan\n")
    with pytest.raises(ValueError, match="line 2"):
        read_rows_of(turned, run, PLAIN)


def test_probabilities_are_what_the_loss_says_of_the_outputs():
    logits = np.array([[2.0, 0.0, -1000.0]])
    soft = np.exp(logits) / np.exp(logits).sum()
    found, how = Task("classes", "logits", 3).probabilities(logits)
    assert_allclose(found, soft, rtol=1e-12)
    assert how == "softmax of the logits"
    found, _ = Task("classes", "log-probabilities", 3).probabilities(
        np.log([[0.2, 0.8]])
    )
    assert_allclose(found, [[0.2, 0.8]], rtol=1e-12)
    found, how = Task("binary", "logits", 2).probabilities(np.array([[-1000.0], [0.0]]))
    assert_array_equal(found, [[1, 0], [0.5, 0.5]])
    assert how == "sigmoid of the logits"
    found, _ = Task("binary", "probabilities", 2).probabilities(np.array([0.25]))
    assert_array_equal(found, [[0.75, 0.25]])
