# SPDX-License-Identifier: Apache-2.0
"""The picture of a run: training and validation over the steps."""

import numpy as np
import pytest

from flaxnn.report import plot_history

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

EVALUATIONS = {"epoch": [1, 2], "step": [3, 6], "loss": [0.8, 0.4], "f1": [0.1, 0.2]}


def curves(axes):
    return {line.get_label(): line for line in axes.lines}


def test_training_and_validation_are_drawn_at_their_steps():
    losses = np.array([1.0, 0.9, 0.8, 0.6, 0.5, 0.4])
    figure = plot_history(
        {"lr": np.full(6, 0.1), "loss": losses}, EVALUATIONS, first_step=0
    )
    loss, f1, rate = figure.axes
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "loss",
        "f1",
        "learning rate",
    ]
    np.testing.assert_array_equal(curves(loss)["training"].get_xdata(), np.arange(6))
    np.testing.assert_array_equal(curves(loss)["training"].get_ydata(), losses)
    np.testing.assert_array_equal(curves(loss)["validation"].get_xdata(), [3, 6])
    np.testing.assert_array_equal(curves(loss)["validation"].get_ydata(), [0.8, 0.4])
    np.testing.assert_array_equal(curves(f1)["validation"].get_ydata(), [0.1, 0.2])
    np.testing.assert_array_equal(rate.lines[0].get_ydata(), np.full(6, 0.1))


def test_steps_begin_where_the_history_does():
    (axes,) = plot_history({"loss": [3.0, 2.0, 1.0]}, first_step=40).axes
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), [40, 41, 42])


def test_a_noisy_curve_is_thin_as_it_is_and_thick_as_its_mean():
    noise = 5 + np.random.default_rng(0).standard_normal(1000)
    (axes,) = plot_history({"loss": noise}).axes
    raw, mean = axes.lines
    np.testing.assert_array_equal(raw.get_ydata(), noise)
    assert mean.get_label() == "training, mean of 20 steps"
    assert mean.get_xdata()[[0, -1]] == pytest.approx([9.5, 989.5])
    assert mean.get_ydata()[0] == pytest.approx(noise[:20].mean())
    assert raw.get_linewidth() < mean.get_linewidth()


def test_a_long_run_is_drawn_as_ranges_that_lose_no_extreme():
    noise = np.random.default_rng(0).standard_normal(100_000)
    noise[12_345] = 50.0
    (axes,) = plot_history({"loss": noise}).axes
    (ranges,) = axes.collections
    drawn = ranges.get_paths()[0].vertices
    assert drawn[:, 1].max() == 50.0
    assert drawn[:, 1].min() == noise.min()
    assert len(drawn) < 5000
    assert len(axes.lines[0].get_xdata()) <= 2000


def test_a_learning_rate_is_not_averaged_and_has_a_curve_for_each_group():
    cycles = 0.1 + 0.05 * np.sin(np.arange(500))
    rates = np.stack([cycles, cycles / 10], axis=1)
    _, axes = plot_history({"loss": np.ones(500), "lr": rates}).axes
    drawn = curves(axes)
    np.testing.assert_array_equal(drawn["group 0"].get_ydata(), cycles)
    np.testing.assert_array_equal(drawn["group 1"].get_ydata(), cycles / 10)


def test_numbers_that_are_not_finite_are_marked():
    (axes,) = plot_history({"loss": [3.0, np.nan, 1.0, np.inf]}).axes
    drawn = curves(axes)
    np.testing.assert_array_equal(drawn["not finite (2 of 4)"].get_xdata(), [1, 3])
    np.testing.assert_array_equal(drawn["training"].get_xdata(), [0, 2])


def test_losses_over_decades_have_a_logarithmic_axis_and_learning_rates_not():
    falling = 10.0 ** -np.arange(6)
    loss, rate = plot_history({"loss": falling, "lr": falling}).axes
    assert (loss.get_yscale(), rate.get_yscale()) == ("log", "linear")


def test_arrays_of_more_dimensions_are_left_out():
    figure = plot_history(
        {"loss": np.ones(6), "rows": np.ones((6, 2))},
        {**EVALUATIONS, "confusion": np.ones((2, 3, 3))},
    )
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "f1"]


@pytest.mark.parametrize(
    ("history", "evaluations", "message"),
    [
        ({}, {}, "history: expected values of at least one step"),
        ({"loss": []}, {}, "history: expected values of at least one step"),
        ({"loss": [1, 2], "f1": [1]}, {}, "history: .* got loss 2, f1 1"),
        ({"loss": [1]}, {"loss": [1]}, "evaluations: expected 'step'"),
        ({"loss": [1]}, {"step": [1], "loss": [1, 2]}, "got step 1, loss 2"),
    ],
)
def test_bad_input_is_explained(history, evaluations, message):
    with pytest.raises(ValueError, match=message):
        plot_history(history, evaluations)
