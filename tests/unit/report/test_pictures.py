# SPDX-License-Identifier: Apache-2.0
"""What holds for every picture: legible, repeatable, no mark on matplotlib."""

import io
import os
import subprocess
import sys

import numpy as np
import pytest

from flaxnn import report
from flaxnn._errors import MissingPackageError

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")

RANDOM = np.random.default_rng(0)
LONG = [f"an extraordinarily long class name, number {k}" for k in range(10)]
SMOOTH = 2 / np.sqrt(np.arange(1, 10_002))
NOISY = 1 + 0.3 * RANDOM.standard_normal(4690)


def chances(samples, classes):
    return RANDOM.dirichlet(np.full(classes, 0.3), samples)


def classes(count, below):
    return RANDOM.integers(0, below, count)


PICTURES = {
    "sigmoid": lambda: report.plot_fitted_sigmoid(
        [0, 1, 3, 5, 8, 11], [0, 0, 0, 0, 1, 1], 0.28, -1.2, title="Fitted"
    ),
    "falling sigmoid": lambda: report.plot_fitted_sigmoid(
        [0, 1, 2, 3], [1, 1, 0, 0], -3, 5
    ),
    "boundary outside": lambda: report.plot_fitted_sigmoid(
        [0, 1, 2, 3], [1, 1, 0, 1], 0.5, -9
    ),
    "one point": lambda: report.plot_fitted_sigmoid([7], [1], 0, 1),
    "some losses": lambda: report.plot_losses(
        SMOOTH, {k: SMOOTH[k] + 1e-7 for k in range(0, 10_001, 100)}, title="Losses"
    ),
    "all losses": lambda: report.plot_losses(SMOOTH, SMOOTH + 1e-7, floor=2e-7),
    "noisy losses": lambda: report.plot_losses(
        NOISY,
        NOISY + np.where(NOISY > 1, 1e-6, 0),
        floor=np.linspace(0, 1e-6, len(NOISY)),
        title="A title that is longer than the figure is wide, so that it has to be "
        "broken into two lines, and none of them is cut off",
    ),
    "equal losses": lambda: report.plot_losses(SMOOTH[:40], SMOOTH[:40], floor=0),
    "one loss": lambda: report.plot_losses([2.0], [2.0]),
    "a history": lambda: report.plot_history(
        {
            "loss": NOISY,
            "accuracy": NOISY,
            "lr": np.stack([SMOOTH[: len(NOISY)], SMOOTH[-len(NOISY) :]], axis=1),
        },
        {
            "step": [1000, 3000],
            "loss": [1.0, np.nan],
            "a_metric_with_a_long_name": [0, 1],
        },
        title="History",
    ),
    "a history of one step": lambda: report.plot_history({"loss": [np.nan]}),
    "ten named rows": lambda: report.plot_weight_images(
        RANDOM.standard_normal((10, 64)),
        image_shape=(8, 8),
        class_names=LONG,
        title="Ten rows",
    ),
    "tiny weights": lambda: report.plot_weight_images(
        1e-5 * RANDOM.standard_normal((3, 100)), image_shape=(2, 50)
    ),
    "many predictions": lambda: report.plot_predictions(
        RANDOM.random((30, 8, 8)), chances(30, 10), classes(30, 10), class_names=LONG
    ),
    "one prediction": lambda: report.plot_predictions(
        np.zeros((1, 64)), [[1, 0]], [1], title="One"
    ),
    "two classes": lambda: report.plot_confusion_matrix(
        [0, 1, 1], [1, 1, 1], title="Two", normalize=True
    ),
    "ten long names": lambda: report.plot_confusion_matrix(
        classes(10**6, 10), classes(10**6, 10), class_names=LONG, title="Ten"
    ),
    "thirty names": lambda: report.plot_confusion_matrix(
        classes(900, 30), classes(900, 30), class_names=[f"name {k}" for k in range(30)]
    ),
    "hundred names": lambda: report.plot_confusion_matrix(
        classes(900, 100),
        classes(900, 100),
        class_names=[f"class {k}" for k in range(100)],
    ),
    "hundred classes": lambda: report.plot_confusion_matrix(
        np.arange(100), np.arange(100), normalize=True
    ),
    "probabilities": lambda: report.plot_probabilities(
        chances(4, 7), [0, 1, 2, 6], sample_names=list("abcd"), title="Four samples"
    ),
    "many probabilities": lambda: report.plot_probabilities(
        chances(50, 7), class_names=LONG[:7]
    ),
    "thousand classes": lambda: report.plot_probabilities(chances(1, 1000)),
    "temperatures": lambda: report.plot_softmax(
        RANDOM.standard_normal(10), class_names=LONG, title="Temperatures"
    ),
    "many temperatures": lambda: report.plot_softmax([2, 1, 0.1], range(1, 13)),
    "hundred logits": lambda: report.plot_softmax(RANDOM.standard_normal(100), (1, 2)),
    "calibration": lambda: report.plot_calibration(
        chances(2000, 10), classes(2000, 10), title="Calibration"
    ),
    "quantile calibration": lambda: report.plot_calibration(
        RANDOM.random(90), classes(90, 2), n_bins=30, strategy="quantile"
    ),
    "a boundary": lambda: report.plot_decision_boundary(
        RANDOM.standard_normal((90, 2)), classes(90, 3), lambda x: x, title="Boundary"
    ),
    "ten long regions": lambda: report.plot_decision_boundary(
        RANDOM.random((90, 2)),
        classes(90, 10),
        classes(48, 10).reshape(6, 8),
        extent=(0, 1, 0, 1),
        class_names=LONG,
        feature_names=LONG[:2],
    ),
}
# One for each function.
SAMPLE = (
    "sigmoid",
    "noisy losses",
    "a history",
    "ten named rows",
    "one prediction",
    "two classes",
    "probabilities",
    "temperatures",
    "calibration",
    "a boundary",
)


@pytest.mark.parametrize("name", PICTURES)
def test_no_text_is_cut_off_or_lies_on_another(name, legible):
    legible(PICTURES[name]())


def test_the_check_finds_what_is_cut_off_and_what_overlaps(legible):
    cut = PICTURES["two classes"]()
    cut.text(0.95, 0.5, "this text goes on beyond the edge")
    with pytest.raises(AssertionError, match="cut off"):
        legible(cut)
    doubled = PICTURES["two classes"]()
    for word in ("one", "other"):
        doubled.text(0.5, 0.02, word)
    with pytest.raises(AssertionError, match="lies on"):
        legible(doubled)


def file_of(figure, kind):
    file = io.BytesIO()
    figure.savefig(file, format=kind)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_equal_pictures_are_equal_files_whatever_the_user_has_set(kind):
    def drawn():
        figure = report.plot_losses(SMOOTH[:50], SMOOTH[:50] + 1e-7, title="Losses")
        return file_of(figure, kind)

    first = drawn()
    settings = {
        "font.size": 30,
        "lines.linewidth": 9,
        "savefig.dpi": 30,
        "savefig.facecolor": "red",
        "svg.hashsalt": "mine",
    }
    with matplotlib.rc_context(settings):
        assert drawn() == first


def test_files_are_equal_in_other_processes_without_pyplot(tmp_path):
    code = (
        "import sys; from flaxnn import report; "
        "figure = report.plot_confusion_matrix([0, 1, 1], [0, 1, 0]); "
        "[figure.savefig(path) for path in sys.argv[1:]]; "
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    figure = report.plot_confusion_matrix([0, 1, 1], [0, 1, 0])
    for seed in "12":
        paths = [tmp_path / f"{seed}.{kind}" for kind in ("png", "svg")]
        # A backend that needs a window must not be asked for.
        environment = {**os.environ, "PYTHONHASHSEED": seed, "MPLBACKEND": "tkagg"}
        command = [sys.executable, "-c", code, *map(str, paths)]
        subprocess.run(command, env=environment, check=True)
        for path in paths:
            assert path.read_bytes() == file_of(figure, path.suffix[1:])


@pytest.mark.parametrize("name", SAMPLE)
def test_matplotlib_is_left_as_it_was(name):
    before = dict(matplotlib.rcParams)
    file_of(PICTURES[name](), "png")
    assert dict(matplotlib.rcParams) == before


def test_a_notebook_shows_a_picture_without_pyplot():
    figure = report.plot_confusion_matrix([0, 1], [0, 1])
    png, size = figure._repr_png_()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    # Width and height are in the header; the screen shows half of each.
    pixels = [int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")]
    assert pixels == pytest.approx([2 * size["width"], 2 * size["height"]], abs=2)


def test_ipython_takes_it():
    formatters = pytest.importorskip("IPython.core.formatters", reason="no IPython")
    figure = report.plot_confusion_matrix([0, 1], [0, 1])
    data, metadata = formatters.DisplayFormatter().format(figure)
    assert data["image/png"].startswith(b"\x89PNG")
    assert metadata["image/png"]["width"] > 100


def test_metadata_of_ones_own_are_kept():
    file = io.BytesIO()
    figure = report.plot_confusion_matrix([0, 1], [0, 1])
    figure.savefig(file, format="svg", metadata={"Title": "Mine"})
    assert b"Mine" in file.getvalue()
    assert b"dc:date" not in file.getvalue()


@pytest.mark.parametrize("name", SAMPLE)
def test_without_matplotlib_the_extra_is_named(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingPackageError, match=r'pip install "flaxnn\[plots\]"'):
        PICTURES[name]()
