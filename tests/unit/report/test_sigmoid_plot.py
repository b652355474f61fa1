# SPDX-License-Identifier: Apache-2.0
"""The fitted sigmoid: curve, points and boundary are where they belong."""

import jax.numpy as jnp
import numpy as np
import pytest

from flaxnn.report import plot_fitted_sigmoid

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

X = np.array([[0], [1], [3], [5], [8], [11], [15], [20]], np.float32)
Y = np.array([[0], [0], [0], [0], [1], [1], [1], [1]], np.float32)


def lines(figure):
    return {line.get_label(): line for line in figure.axes[0].lines}


def note(figure):
    (text,) = figure.axes[0].texts
    return text.get_text()


def test_the_curve_is_the_sigmoid_of_the_layer():
    figure = plot_fitted_sigmoid(X, Y, [[0.278]], [-1.1653])
    x, y = lines(figure)["fitted sigmoid"].get_data()
    np.testing.assert_allclose(y, 1 / (1 + np.exp(-(0.278 * x - 1.1653))), rtol=1e-12)
    assert x.min() < X.min()
    assert x.max() > X.max()


def test_every_point_is_there_under_its_label():
    found = lines(plot_fitted_sigmoid(jnp.array(X), jnp.array(Y, "bfloat16"), 0.3, -1))
    for label in (0, 1):
        x, y = found[f"label {label}"].get_data()
        np.testing.assert_array_equal(x, X[label == Y])
        assert set(y) == {label}
    # Not told by colour alone.
    markers = {found[f"label {label}"].get_marker() for label in (0, 1)}
    assert len(markers) == 2


def test_the_boundary_is_where_the_curve_is_one_half():
    figure = plot_fitted_sigmoid(X, Y, 0.278, -1.1653)
    (x,) = {
        line.get_xdata()[0]
        for line in figure.axes[0].lines
        if len(line.get_xdata()) == 2 and line.get_xdata()[0] == line.get_xdata()[1]
    }
    assert x == pytest.approx(1.1653 / 0.278)
    assert note(figure) == "boundary at x = 4.192"


@pytest.mark.parametrize(
    ("weight", "bias", "said"),
    [
        (0.5, -50, "boundary at x = 100 →"),
        (0.5, 50, "← boundary at x = -100"),
        (0, 1, "no boundary: the weight is 0"),
    ],
)
def test_a_boundary_outside_is_said(weight, bias, said):
    assert note(plot_fitted_sigmoid(X, Y, weight, bias)) == said


@pytest.mark.parametrize(
    ("weight", "bias"),
    [(0.278, -1.1653), (3, -36), (-3, 36), (-0.3, 1), (0.5, -50), (0.5, 50), (0, 2)],
)
def test_the_note_leaves_the_curve_free(weight, bias, drawn_texts):
    figure = plot_fitted_sigmoid(X, Y, weight, bias)
    (said,) = (t for t in drawn_texts(figure) if "boundary" in t.get_text())
    box = said.get_window_extent()
    curve = lines(figure)["fitted sigmoid"]
    for x, y in curve.get_transform().transform(curve.get_xydata()):
        assert not box.contains(x, y)


@pytest.mark.filterwarnings("error")
def test_a_huge_weight_does_not_overflow():
    y = lines(plot_fitted_sigmoid(X, Y, 1e30, -1e30))["fitted sigmoid"].get_ydata()
    assert np.isfinite(y).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 1], [0], 1, 0), "expected equal lengths, got x 2, y 1"),
        (([0, 1], [0, 2], 1, 0), "class 2 at index 1 is out of range, expected 0 to 1"),
        (([0, 1], [0, 0.5], 1, 0), "y: expected class indices"),
        (([0, np.nan], [0, 1], 1, 0), r"x: expected finite numbers, got nan"),
        (([], [], 1, 0), "x: expected numbers, got an empty array"),
        (([[0, 1], [2, 3]], [0, 1], 1, 0), r"x: expected one number for each"),
        (([0, 1], [0, 1], [1, 2], 0), "weight: expected one number, as a model of one"),
        (([0, 1], [0, 1], 1, np.inf), "bias: expected finite numbers"),
    ],
)
def test_bad_input_is_explained(arguments, message):
    with pytest.raises(ValueError, match=message):
        plot_fitted_sigmoid(*arguments)


def test_texts_are_refused():
    with pytest.raises(TypeError, match="x: expected an array of real numbers"):
        plot_fitted_sigmoid(["a"], [0], 1, 0)
