# SPDX-License-Identifier: Apache-2.0
"""The entries' pictures: named, drawn when wanted, from the run's own numbers."""

import sys

import numpy as np
import pytest

from flaxnn import reproduce
from flaxnn._errors import MissingPackageError
from flaxnn.random import Generator
from flaxnn.reproduce import Plot, Settings, prepare_plots, write_plots

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

NAMES = {
    "output-layer": ["output-layer-losses"],
    "output-layer-2": ["output-layer-2-losses"],
    "univariate": ["univariate-sigmoid", "univariate-losses"],
    "multinomial": ["multinomial-losses", "multinomial-probabilities"],
    "wine": ["wine-losses", "wine-confusion-matrix"],
    "batched-softmax": ["batched-softmax-temperatures"],
}


@pytest.fixture(scope="module")
def plots():
    results = reproduce.run(reproduce.find(list(NAMES)), Settings(progress=False))
    return {result.entry.name: result.plots for result in results}


def drawn(plots, name):
    (plot,) = (plot for each in plots.values() for plot in each if plot.name == name)
    return plot.draw()


def differences(figure):
    (line,) = (line for line in figure.axes[1].lines if line.get_marker() in ("o", "."))
    return line.get_ydata()


def test_the_names_are_stable(plots):
    found = {entry: [plot.name for plot in each] for entry, each in plots.items()}
    assert found == NAMES


def test_every_picture_is_written_under_its_name(plots, tmp_path):
    for entry, names in NAMES.items():
        paths = write_plots(plots[entry], tmp_path)
        assert [path.name for path in paths] == [f"{name}.png" for name in names]
        assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)


@pytest.mark.parametrize(
    ("name", "largest"),
    [
        ("output-layer-losses", 5e-7),
        ("output-layer-2-losses", 1e-6),
        ("univariate-losses", 1.5e-6),
        ("multinomial-losses", 1.5e-6),
        ("wine-losses", 1e-6),
    ],
)
def test_losses_are_compared_with_the_right_reference(plots, name, largest):
    assert differences(drawn(plots, name)).max() < largest


def test_the_sigmoid_is_that_of_the_trained_model(plots):
    (note,) = drawn(plots, "univariate-sigmoid").axes[0].texts
    # 1.1653 / 0.2780, as the document prints them.
    assert float(note.get_text().rpartition(" ")[2]) == pytest.approx(4.192, abs=2e-3)


def test_the_probabilities_are_those_of_the_ten_samples(plots):
    (image,) = drawn(plots, "multinomial-probabilities").axes[0].images
    assert image.get_array().shape == (10, 3)
    np.testing.assert_allclose(image.get_array().sum(axis=1), 1, rtol=1e-6)


def test_the_temperatures_are_of_the_documents_ten_logits(plots):
    panels = drawn(plots, "batched-softmax-temperatures").axes
    logits = Generator(0).rand(10)
    for axes, temperature in zip(panels, (0.05, 0.2, 1.0), strict=True):
        powers = np.exp(logits.astype(np.float64) / temperature)
        shown = [patch.get_width() for patch in axes.patches]
        np.testing.assert_allclose(shown, powers / powers.sum(), rtol=1e-12)


def test_the_confusion_matrix_counts_the_54_test_samples(plots):
    (image,) = drawn(plots, "wine-confusion-matrix").axes[0].images
    assert image.get_array().sum() == np.trace(image.get_array()) == 54


def test_nothing_is_drawn_unless_it_is_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    (result,) = reproduce.run(reproduce.find(["output-layer"]), Settings())
    assert result.status == "passed"
    with pytest.raises(MissingPackageError, match=r"flaxnn\[plots\]"):
        result.plots[0].draw()


def test_a_failing_entry_keeps_its_pictures():
    def figures(settings):
        yield reproduce.exact("group", "name", 1, 2)
        yield Plot("picture", lambda: pytest.fail("drawn"))

    entry = reproduce.Entry("name", "000", "title", figures)
    (result,) = reproduce.run([entry], Settings())
    assert result.status == "failed"
    assert [plot.name for plot in result.plots] == ["picture"]
    assert len(result.figures) == 1


def test_the_folder_is_made_and_left_empty(tmp_path):
    folder = tmp_path / "one" / "two"
    prepare_plots(folder)
    assert list(folder.iterdir()) == []


def test_a_file_is_no_folder(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(NotADirectoryError, match="is a file, expected a folder"):
        prepare_plots(path)
    with pytest.raises(NotADirectoryError):
        prepare_plots(path / "below")


def test_a_missing_package_is_said_before_the_folder_is_made(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingPackageError, match="pictures need matplotlib"):
        prepare_plots(tmp_path / "new")
    assert not (tmp_path / "new").exists()
