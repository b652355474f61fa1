# SPDX-License-Identifier: Apache-2.0
"""Decision boundaries: regions, boundaries and points are where they belong."""

import jax.numpy as jnp
import numpy as np
import pytest

from flaxnn import report

colors = pytest.importorskip("matplotlib.colors", reason="matplotlib is not there")

POINTS = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], np.float32)
LABELS = np.array([0, 1, 0, 0])
WEIGHT = np.array([[-1.0, 0.0], [1.0, -1.0], [0.0, 1.0]])
COLOURS = ("#E69F00", "#0072B2", "#009E73")


def by_first_feature(x):
    """A probability that is one half where the first feature is 0.25."""
    return 1 / (1 + np.exp(-8 * (x[:, 0] - 0.25)))


def three(x):
    return x @ WEIGHT.T


def regions(figure):
    """The classes of the cells, told by their shades."""
    (image,) = figure.axes[0].images
    shades = np.asarray(image.get_array())
    known = 1 - 0.3 * (1 - np.array([colors.to_rgb(colour) for colour in COLOURS]))
    distance = np.abs(shades[:, :, None, :] - known).sum(axis=-1)
    assert distance.min(axis=-1).max() < 1e-9
    return distance.argmin(axis=-1), image.get_extent()


def boundaries(figure):
    paths = [
        path.vertices
        for collection in figure.axes[0].collections
        for path in collection.get_paths()
        if len(path.vertices)
    ]
    return np.concatenate(paths)


def marked(figure):
    """The drawn points, by label and by whether they have the edge of wrong ones."""
    return {
        (line.get_marker(), line.get_markeredgecolor() != "white"): np.stack(
            line.get_data(), axis=1
        )
        for line in figure.axes[0].lines
        if len(line.get_xdata())
    }


def legend(figure):
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def test_a_score_of_class_one_is_cut_at_the_threshold():
    asked = []

    def score(x):
        asked.append(x)
        return by_first_feature(x)

    figure = report.plot_decision_boundary(POINTS, LABELS, score)
    (grid,) = asked
    assert grid.dtype == np.float32
    classes, (left, right, _, _) = regions(figure)
    assert classes.shape == (300, 300)
    np.testing.assert_array_equal(classes.ravel(), by_first_feature(grid) >= 0.5)
    assert left < 0
    assert right > 1
    np.testing.assert_allclose(boundaries(figure)[:, 0], 0.25, atol=1e-4)
    moved = report.plot_decision_boundary(
        POINTS, LABELS, lambda x: x[:, :1], threshold=0.75
    )
    np.testing.assert_allclose(boundaries(moved)[:, 0], 0.75, atol=1e-4)


def test_the_largest_of_several_scores_wins():
    figure = report.plot_decision_boundary(
        POINTS, LABELS, lambda x: jnp.asarray(three(x)), resolution=50
    )
    classes, (left, right, bottom, top) = regions(figure)
    across = left + (right - left) * (np.arange(50) + 0.5) / 50
    up = bottom + (top - bottom) * (np.arange(50) + 0.5) / 50
    grid = np.stack(np.meshgrid(across, up), axis=-1).astype(np.float32)
    np.testing.assert_array_equal(classes, (grid @ WEIGHT.T).argmax(axis=-1))
    # Row 0 is at the bottom: class 2 is above.
    assert classes[-1, 0] == 2
    assert figure.axes[0].images[0].origin == "lower"
    scores = np.sort(three(boundaries(figure)), axis=1)
    # The corner of three regions lies between cells.
    assert np.quantile(np.abs(scores[:, -1] - scores[:, -2]), 0.9) < 1e-3


def test_wrong_points_have_an_edge_and_are_counted():
    figure = report.plot_decision_boundary(POINTS, LABELS, by_first_feature)
    found = marked(figure)
    np.testing.assert_array_equal(found["o", False], POINTS[[0, 2]])
    np.testing.assert_array_equal(found["s", False], POINTS[[1]])
    np.testing.assert_array_equal(found["o", True], POINTS[[3]])
    assert legend(figure) == ["class 0", "class 1", "wrong: 1 of 4"]


@pytest.mark.parametrize("as_function", [True, False])
def test_classes_have_boundaries_along_their_cells(as_function):
    grid = np.array([[0, 1], [2, 2]])
    extent = (0.0, 2.0, 0.0, 4.0)

    def classes(x):
        return grid[(x[:, 1] >= 2).astype(int), (x[:, 0] >= 1).astype(int)]

    figure = report.plot_decision_boundary(
        [[0.5, 1.0], [5.0, 5.0]],
        [0, 1],
        classes if as_function else grid,
        extent=extent,
        resolution=2,
        class_names=["$a$", "b", "c"],
        feature_names=("length", "width"),
    )
    found, drawn = regions(figure)
    np.testing.assert_array_equal(found, grid)
    assert tuple(drawn) == extent
    lines = {tuple(map(tuple, s)) for s in figure.axes[0].collections[0].get_segments()}
    assert lines == {
        ((1.0, 0.0), (1.0, 2.0)),
        ((0.0, 2.0), (1.0, 2.0)),
        ((1.0, 2.0), (2.0, 2.0)),
    }
    # A point outside of the plane is predicted nothing.
    assert legend(figure) == ["$a$", "b", "c", "wrong: 1 of 2"]
    assert figure.axes[0].get_xlabel() == "length"
    assert figure.axes[0].get_ylabel() == "width"


def test_one_region_has_no_boundary():
    figure = report.plot_decision_boundary(POINTS, LABELS, lambda x: 0 * x[:, 0])
    assert not figure.axes[0].collections
    assert regions(figure)[0].max() == 0


def call(x):
    return x[:, 0]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((np.zeros((4, 3)), LABELS, call), {}, "points: expected two features"),
        ((POINTS, LABELS[:2], call), {}, "expected equal lengths, got points 4"),
        ((POINTS, LABELS, np.eye(2)), {}, "extent: a grid needs"),
        ((POINTS, LABELS, call), {"extent": (0, 1, 2, 2)}, "each pair rising"),
        ((POINTS, LABELS, call), {"extent": (0, 1)}, "extent: expected"),
        ((POINTS, LABELS, call), {"resolution": 1}, "resolution: expected 2 cells"),
        ((POINTS, LABELS, lambda x: x[:5, 0]), {}, r"predictions: expected scores"),
        ((POINTS, LABELS, lambda x: x * np.nan), {}, "predictions: expected finite"),
        (
            (POINTS, LABELS, [[0, 1.5], [0, 1]]),
            {"extent": (0, 1, 0, 1)},
            "predictions: expected class indices, got 1.5",
        ),
        (
            (POINTS, LABELS, [[0, 1]]),
            {"extent": (0, 1, 0, 1)},
            "predictions: expected a grid of 2 by 2",
        ),
        (
            (POINTS, LABELS, three),
            {"class_names": ["a", "b"]},
            "class_names: expected 3 names or more",
        ),
        ((POINTS, LABELS + 2, call), {"class_names": ["a"] * 2}, "labels: class 2"),
        ((POINTS, LABELS, call), {"feature_names": "ab"}, "feature_names: expected 2"),
    ],
)
def test_bad_input_is_explained(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        report.plot_decision_boundary(*arguments, **options)
