# SPDX-License-Identifier: Apache-2.0
"""Confusions and probabilities."""

import jax.numpy as jnp
import numpy as np
import pytest

from flaxnn.report import plot_confusion_matrix, plot_probabilities

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

LABELS, PREDICTIONS = np.array([0, 0, 0, 2, 2]), np.array([0, 0, 1, 2, 0])


def cells(figure):
    (image,) = figure.axes[0].images
    return image.get_array()


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def ticks(axis):
    return [text.get_text() for text in axis.get_ticklabels()]


def test_rows_are_true_classes_and_columns_predicted_ones():
    figure = plot_confusion_matrix(LABELS, jnp.array(PREDICTIONS))
    np.testing.assert_array_equal(cells(figure), [[2, 1, 0], [0, 0, 0], [1, 0, 1]])
    assert texts(figure) == list("210000101")
    assert figure.axes[0].get_ylabel() == "true class"
    assert figure.axes[0].get_xlabel() == "predicted class"


def test_normalised_rows_add_up_to_a_hundred_unless_empty():
    figure = plot_confusion_matrix(LABELS, PREDICTIONS, normalize=True)
    np.testing.assert_allclose(cells(figure).sum(axis=1), [100, 0, 100])
    assert texts(figure)[:3] == ["67", "33", "0"]
    assert "%" in figure.axes[0].get_xlabel()


def test_classes_have_names_even_where_none_was_seen():
    names = ["cat", "dog", "$bird$", "fish"]
    axes = plot_confusion_matrix(LABELS, PREDICTIONS, class_names=names).axes[0]
    assert ticks(axes.xaxis) == ticks(axes.yaxis) == names
    assert not any(text.get_parse_math() for text in axes.get_xticklabels())


def test_many_classes_have_a_colour_bar_instead_of_numbers():
    classes = np.arange(100)
    figure = plot_confusion_matrix(classes, classes)
    np.testing.assert_array_equal(cells(figure), np.eye(100))
    assert texts(figure) == []
    assert len(figure.axes) == 2
    assert figure.axes[1].get_ylabel() == "samples"


def test_probabilities_are_written_and_the_right_class_framed():
    figure = plot_probabilities(
        [[0.25, 0.75], [0.6, 0.4]], [1, 1], sample_names=["a", "b"]
    )
    assert texts(figure) == ["0.25", "0.75", "0.60", "0.40"]
    axes = figure.axes[0]
    centres = [
        (patch.get_x() + patch.get_width() / 2, patch.get_y() + patch.get_height() / 2)
        for patch in axes.patches
    ]
    np.testing.assert_allclose(centres, [(1, 0), (1, 1)], atol=1e-12)
    assert ticks(axes.yaxis) == ["a", "b"]
    assert "framed" in axes.get_xlabel()
    assert plot_probabilities([[0.5, 0.5]]).axes[0].get_xlabel() == "class"


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([0, 1], [0]), {}, "expected equal lengths, got labels 2, predictions 1"),
        (([], []), {}, "labels: expected numbers, got an empty array"),
        (([0, 1], [0, 1.5]), {}, "predictions: expected class indices, got 1.5"),
        (([0, -1], [0, 1]), {}, "labels: class -1 at index 1 .* expected 0 and above"),
        (([0, 1], [0, np.nan]), {}, "predictions: expected finite numbers"),
        (
            ([0, 1], [[0.1, 0.9], [0.5, 0.5]]),
            {},
            r"predictions: .* got shape \(2, 2\) \(take argmax",
        ),
        (
            ([0, 1], [0, 2]),
            {"class_names": ["a", "b"]},
            "predictions: class 2 at index 1 is out of range, expected 0 to 1",
        ),
    ],
)
def test_bad_classes_are_explained(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        plot_confusion_matrix(*arguments, **options)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([0.5, 0.5],), {}, "probabilities: expected two dimensions"),
        (([[2.0, -1.0]],), {}, "expected numbers from 0 to 1, got -1 to 2"),
        (([[0.5, 0.5]], [0, 1]), {}, "got probabilities 1, labels 2"),
        (([[0.5, 0.5]], [2]), {}, "labels: class 2 at index 0 is out of range"),
        (([[0.5, 0.5]],), {"sample_names": []}, "sample_names: expected 1 names"),
    ],
)
def test_bad_probabilities_are_explained(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        plot_probabilities(*arguments, **options)
