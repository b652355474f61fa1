# SPDX-License-Identifier: Apache-2.0
"""Loss curves: both sides, their difference, and the noise floor."""

import numpy as np
import pytest

from flaxnn.report import plot_losses

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

LOSSES = np.array([2.0, 1.5, 1.25, 1.0])
THEIRS = LOSSES + np.array([0, 1e-6, 0, -3e-6])


def labelled(axes):
    return {line.get_label(): line for line in axes.lines}


def differences(figure):
    """Steps and sizes of the differences that are drawn."""
    (line,) = (line for line in figure.axes[1].lines if line.get_marker() in ("o", "."))
    return line.get_data()


def test_both_curves_and_their_difference_are_drawn():
    figure = plot_losses(LOSSES, THEIRS, names=("ours", "theirs"))
    curves = labelled(figure.axes[0])
    np.testing.assert_array_equal(curves["ours"].get_ydata(), LOSSES)
    np.testing.assert_array_equal(curves["theirs"].get_ydata(), THEIRS)
    steps, sizes = differences(figure)
    np.testing.assert_array_equal(steps, [1, 3])
    np.testing.assert_array_equal(sizes, np.abs(LOSSES - THEIRS)[[1, 3]])
    np.testing.assert_array_equal(
        labelled(figure.axes[1])["equal (2 of 4)"].get_xdata(), [0, 2]
    )


def test_a_reference_may_have_some_steps_only():
    figure = plot_losses(LOSSES, {3: 1.5, 1: 1.5})
    reference = labelled(figure.axes[0])["PyTorch"]
    np.testing.assert_array_equal(reference.get_xdata(), [1, 3])
    steps, sizes = differences(figure)
    np.testing.assert_array_equal(steps, [3])
    np.testing.assert_array_equal(sizes, [0.5])


@pytest.mark.parametrize("floor", [1e-6, [1e-6], np.full(4, 1e-6)])
def test_the_floor_and_the_limit_of_t2_are_drawn(floor):
    drawn = labelled(plot_losses(LOSSES, THEIRS, floor=floor).axes[1])
    np.testing.assert_array_equal(drawn["noise floor"].get_ydata(), np.full(4, 1e-6))
    limit = drawn["4 × noise floor, the limit of T2"].get_ydata()
    np.testing.assert_array_equal(limit, np.full(4, 4e-6))


def test_noisy_curves_are_averaged_and_shown_as_they_are_too():
    noise = np.random.default_rng(0).standard_normal(1000)
    curves = labelled(plot_losses(5 + noise, 5 + noise).axes[0])
    means = curves["flaxnn, mean of 20 steps"]
    assert len(means.get_ydata()) == 981
    assert means.get_xdata()[0] == pytest.approx(9.5)
    assert means.get_ydata()[0] == pytest.approx(5 + noise[:20].mean())
    assert any(len(line.get_ydata()) == 1000 for line in curves.values())


def test_losses_over_decades_have_a_logarithmic_axis():
    falling = 10.0 ** -np.arange(6)
    assert plot_losses(falling, falling).axes[0].get_yscale() == "log"
    assert plot_losses(LOSSES, THEIRS).axes[0].get_yscale() == "linear"


@pytest.mark.parametrize(
    ("losses", "reference", "options", "message"),
    [
        ([], [], {}, "losses: expected numbers, got an empty array"),
        ([1, 2], [1], {}, "as many losses in the reference as the 2 of the run"),
        ([1, 2], {}, {}, "reference: expected numbers, got an empty array"),
        ([1, 2], {2: 1.0}, {}, "step 2 is out of range, the run has steps 0 to 1"),
        ([1, 2], {-1: 1.0}, {}, "step -1 is out of range"),
        ([1, 2], {0.5: 1.0}, {}, "expected whole numbers as steps, got 0.5"),
        ([1, np.nan], [1, 2], {}, r"losses: .* got nan at index \(1\)"),
        ([1, 2], {0: np.inf}, {}, "reference: expected finite numbers, got inf"),
        ([[1, 2], [3, 4]], [1, 2], {}, r"losses: expected one number for each"),
        ([1, 2], [1, 2], {"floor": [1, 2, 3]}, "got losses 2, floor 3"),
        ([1, 2], [1, 2], {"floor": -1}, "floor: expected no negative number, got -1"),
    ],
)
def test_bad_input_is_explained(losses, reference, options, message):
    with pytest.raises(ValueError, match=message):
        plot_losses(losses, reference, **options)
