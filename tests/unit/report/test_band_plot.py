# SPDX-License-Identifier: Apache-2.0
"""Pictures of many runs: bands of quantiles, and a value over two parameters."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from flaxnn.report import plot_bands, plot_parameter_map


def test_bands_are_quantiles_of_the_runs():
    runs = np.arange(101.0)[None, :] + np.zeros((3, 1))
    (axes,) = plot_bands({"a": runs}).axes
    outer, inner = (band.get_paths()[0].vertices[:, 1] for band in axes.collections)
    assert (outer.min(), outer.max()) == (5, 95)
    assert (inner.min(), inner.max()) == (25, 75)
    assert axes.get_lines()[0].get_ydata().tolist() == [50, 50, 50]


def test_a_run_counts_until_it_is_not_finite():
    runs = [[1.0, 3.0], [1.0, np.inf], [1.0, 2.0]]
    (axes,) = plot_bands({"a": runs}).axes
    assert axes.get_lines()[0].get_ydata().tolist() == [2, 1, 1]
    (text,) = axes.get_legend().get_texts()
    assert text.get_text() == "a (1 of 2 not finite)"


def test_runs_of_nan_only_are_named():
    (axes,) = plot_bands({"a": [[np.nan]], "b": [[1.0]]}).axes
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == ["a (1 of 1 not finite)", "b"]


def test_noisy_curves_are_averaged_before_quantiles():
    rng = np.random.default_rng(0)
    runs = 1 + 0.1 * rng.normal(size=(500, 4))
    (axes,) = plot_bands({"a": runs}).axes
    line = axes.get_lines()[0]
    assert axes.get_legend().get_title().get_text().endswith("; means of 10 steps")
    assert line.get_xdata()[0] == 4.5
    assert np.ptp(line.get_ydata()) < 0.2


def test_many_groups_are_shades_and_losses_of_decades_logarithmic():
    runs = {f"lr = {k}": np.geomspace(1, 1e-3, 20)[:, None] for k in range(9)}
    (axes,) = plot_bands(runs, steps=np.arange(20) * 5).axes
    assert axes.get_yscale() == "log"
    colors = {tuple(line.get_color()) for line in axes.get_lines()}
    assert len(colors) == 9
    assert axes.get_lines()[0].get_xdata()[-1] == 95


@pytest.mark.parametrize(
    ("curves", "steps", "told"),
    [
        ({}, None, "at least one group"),
        ({"a": [1.0, 2.0]}, None, "a row for each time"),
        ({"a": [[1.0]], "b": [[1.0], [2.0]]}, None, "equal lengths, got a 1, b 2"),
        ({"a": [[1.0]]}, [1, 2], "expected 1 of them, got 2"),
    ],
    ids=["none", "vector", "lengths", "steps"],
)
def test_bands_of_bad_shapes_are_refused(curves, steps, told):
    with pytest.raises(ValueError, match=told):
        plot_bands(curves, steps=steps)


def parameter_map(matrix, rows=("a", "b"), columns=("x", "y")):
    return plot_parameter_map(
        matrix, names=(rows, columns), labels=("row", "column"), unit="loss"
    )


def test_a_parameter_map_is_shaded_from_its_least_to_its_largest():
    figure = parameter_map([[0.31, 0.33], [np.nan, 0.35]])
    image = figure.axes[0].get_images()[0]
    assert image.get_clim() == (0.31, 0.35)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert len(figure.axes[0].patches) == 1
    assert texts == ["0.310", "0.330", "–", "0.350"]


def test_a_parameter_map_of_one_number_is_drawn():
    figure = parameter_map([[0.5, 0.5], [0.5, 0.5]])
    assert figure.axes[0].get_images()[0].get_clim() == (0.5, 1.5)


@pytest.mark.parametrize(
    ("matrix", "told"),
    [
        ([1.0, 2.0], "two dimensions"),
        ([[np.nan, np.nan], [np.nan, np.inf]], "a finite number"),
        ([[1.0, 2.0]], "names of the rows: expected 1 names, got 2"),
    ],
    ids=["vector", "nan", "names"],
)
def test_bad_parameter_maps_are_refused(matrix, told):
    with pytest.raises(ValueError, match=told):
        parameter_map(matrix)
