# SPDX-License-Identifier: Apache-2.0
"""Weight images and predictions."""

import jax.numpy as jnp
import numpy as np
import pytest

from flaxnn.report import plot_predictions, plot_weight_images

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

RANDOM = np.random.default_rng(0)


def images(figure):
    return figure.axes[0].images


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def columns(figure):
    """How many images lie side by side."""
    return len({image.get_extent()[0] for image in images(figure)})


def test_every_row_is_an_image_in_one_scale_about_zero():
    weight = RANDOM.standard_normal((512, 784)) + 0.5
    figure = plot_weight_images(weight)
    shown = images(figure)
    assert len(shown) == 512
    np.testing.assert_array_equal(shown[37].get_array(), weight[37].reshape(28, 28))
    limit = np.abs(weight).max()
    assert {image.get_clim() for image in shown} == {(-limit, limit)}
    # The images' axes and one colour bar.
    assert len(figure.axes) == 2
    assert columns(figure) == 32


def test_rows_have_names_and_columns_are_chosen_or_given():
    weight = jnp.array(RANDOM.standard_normal((10, 6)), "bfloat16")
    names = [f"row {k}" for k in range(10)]
    figure = plot_weight_images(weight, image_shape=(2, 3), class_names=names)
    assert texts(figure) == names
    assert columns(figure) == 5
    assert columns(plot_weight_images(weight, image_shape=(2, 3), columns=3)) == 3
    assert columns(plot_weight_images(weight, image_shape=(2, 3), columns=99)) == 10


def test_the_first_image_is_at_the_top_left():
    shown = images(plot_weight_images(np.eye(6), image_shape=(2, 3), columns=3))
    left, _, bottom, top = shown[0].get_extent()
    assert left == min(image.get_extent()[0] for image in shown)
    # The axis points down.
    assert top < bottom
    assert top == min(image.get_extent()[3] for image in shown)


def test_zero_weights_have_a_scale():
    (image,) = images(plot_weight_images(np.zeros((1, 784))))
    assert image.get_clim() == (-1, 1)


def test_predictions_are_told_by_mark_frame_and_words():
    pictures = RANDOM.integers(0, 256, (2, 4, 5), np.uint8)
    figure = plot_predictions(
        pictures, [[0.75, 0.25], [0.6, 0.4]], [0, 1], class_names=["cat", "dog"]
    )
    assert texts(figure) == ["✓ cat", "75 %", "✗ cat", "60 %, is dog"]
    right, wrong = figure.axes[0].patches
    assert wrong.get_linewidth() > right.get_linewidth()
    np.testing.assert_array_equal(images(figure)[1].get_array(), pictures[1])
    assert len({image.get_clim() for image in images(figure)}) == 1


@pytest.mark.parametrize("shape", [(3, 8, 8), (3, 1, 8, 8), (3, 64)])
def test_images_come_in_several_shapes(shape):
    pictures = RANDOM.random((3, 8, 8))
    chances = RANDOM.dirichlet([1, 1], 3)
    figure = plot_predictions(pictures.reshape(shape), jnp.array(chances), [0, 1, 0])
    assert texts(figure)[0].endswith(f"class {chances[0].argmax()}")
    for image, picture in zip(images(figure), pictures, strict=True):
        np.testing.assert_array_equal(image.get_array(), picture)


def test_a_dollar_sign_in_a_name_is_no_formula():
    chances = [[1.0, 0.0]]
    figure = plot_predictions(np.eye(4)[None], chances, [0], class_names=["$a$", "b"])
    assert not figure.axes[0].texts[0].get_parse_math()


@pytest.mark.parametrize(
    ("weight", "options", "message"),
    [
        (np.ones(784), {}, r"weight: expected two dimensions, got shape \(784,\)"),
        (np.ones((2, 10)), {}, "expected rows of 28 .* 28 = 784 numbers, got 10"),
        (np.ones((2, 4)), {"image_shape": (-2, -2)}, "got 4; give the images' shape"),
        (np.full((2, 784), np.nan), {}, r"weight: .* got nan at index \(0, 0\)"),
        (np.ones((0, 784)), {}, "weight: expected numbers, got an empty array"),
        (np.ones((2, 784)), {"class_names": ["a"]}, "expected 2 names, got 1"),
        (np.ones((2, 784)), {"class_names": "ab"}, "expected 2 names, got 'ab'"),
        (np.ones((2, 784)), {"columns": 0}, "columns: expected 1 or more, got 0"),
    ],
)
def test_bad_weights_are_explained(weight, options, message):
    with pytest.raises(ValueError, match=message):
        plot_weight_images(weight, **options)


SQUARES, CHANCES = np.ones((2, 4, 4)), np.full((2, 2), 0.5)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((np.ones((2, 10)), CHANCES, [0, 1]), {}, r"flattened square .* \(2, 10\)"),
        ((np.ones((2, 3, 4, 4)), CHANCES, [0, 1]), {}, r"got shape \(2, 3, 4, 4\)"),
        ((SQUARES, CHANCES[:1], [0, 1]), {}, "images 2, probabilities 1, labels 2"),
        ((SQUARES, [0.5, 0.5], [0, 1]), {}, "probabilities: expected two dimensions"),
        ((SQUARES, 3 * CHANCES, [0, 1]), {}, "got 1.5 to 1.5; apply a softmax"),
        ((SQUARES, -CHANCES, [0, 1]), {}, "expected numbers from 0 to 1, got -0.5"),
        ((SQUARES, CHANCES, [0, 2]), {}, "labels: class 2 at index 1 is out of range"),
        ((SQUARES, CHANCES, [0, -1]), {}, "labels: class -1 at index 1"),
        ((SQUARES, CHANCES, [0, 1]), {"class_names": ["a"]}, "expected 2 names, got 1"),
        ((np.ones((0, 4, 4)), CHANCES, [0, 1]), {}, "images: expected numbers, got an"),
        (
            (np.ones((101, 4, 4)), np.full((101, 2), 0.5), np.zeros(101)),
            {},
            r"at most 100 images in one picture, got 101; choose some",
        ),
    ],
)
def test_bad_predictions_are_explained(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        plot_predictions(*arguments, **options)
