# SPDX-License-Identifier: Apache-2.0
"""Pictures of what a classifier of images has learnt and what it says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from flaxnn.report._arrays import (
    checked_names,
    indices,
    matrix,
    numbers,
    probability_rows,
    same_length,
)
from flaxnn.report._image_grid import ImageGrid
from flaxnn.report._style import INK, WRONG, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# More in one picture could not be read.
_MOST_PREDICTIONS = 100


def plot_weight_images(
    weight: ArrayLike,
    *,
    image_shape: tuple[int, int] = (28, 28),
    class_names: Sequence[str] | None = None,
    columns: int | None = None,
    title: str | None = None,
) -> Figure:
    """Returns a picture of each row of a weight matrix as an image.

    All images share one scale of colours, symmetric about zero.

    Args:
        weight: ``(rows, H * W)`` weights of a layer that takes flattened images.
        image_shape: ``(H, W)``.
        class_names: A name for each row.
        columns: Images side by side; None chooses.
        title: A heading.

    Raises:
        ValueError: A shape is wrong, or a number is not finite.
        MissingPackageError: matplotlib is not installed.

    Example:
        >>> import numpy as np
        >>> weight = np.linspace(-1, 1, 3 * 784).reshape(3, 784)
        >>> plot_weight_images(weight, class_names=["a", "b", "c"])
        <Picture size ... with 2 Axes>
    """
    values = matrix("weight", weight)
    height, width = image_shape
    if min(height, width) < 1 or height * width != values.shape[1]:
        raise ValueError(
            f"weight: expected rows of {height} * {width} = {height * width} numbers, "
            f"got {values.shape[1]}; give the images' shape as image_shape=(H, W)"
        )
    names = checked_names(class_names, len(values))
    images = values.reshape(-1, height, width)
    limit = float(np.abs(values).max()) or 1.0
    with styled():
        grid = ImageGrid(
            images.shape, columns, lines=1 if names else 0, bar=True, title=title
        )
        shown = [
            grid.show(k, image, "RdBu_r", -limit, limit)
            for k, image in enumerate(images)
        ]
        for k, name in enumerate(names or []):
            grid.write(k, 0, name)
        grid.scale(shown[0], "weight")
    return grid.figure


def plot_predictions(
    images: ArrayLike,
    probabilities: ArrayLike,
    labels: ArrayLike,
    *,
    class_names: Sequence[str] | None = None,
    columns: int | None = None,
    title: str | None = None,
) -> Figure:
    """Returns a picture of images with the class that is predicted for each.

    A right one has a tick; a wrong one has a cross, a thick frame and the class it
    should have had.

    Args:
        images: ``(N, H, W)``, ``(N, 1, H, W)`` or flattened square ``(N, H * H)``
            images, at most 100.
        probabilities: ``(N, C)`` probabilities of the classes, from 0 to 1.
        labels: ``(N,)`` the right classes.
        class_names: A name for each of the C classes.
        columns: Images side by side; None chooses.
        title: A heading.

    Raises:
        ValueError: A shape, a label or a probability is wrong, or a number is not
            finite.
        MissingPackageError: matplotlib is not installed.

    Example:
        >>> import numpy as np
        >>> images = np.arange(2 * 64).reshape(2, 8, 8)
        >>> plot_predictions(images, [[0.9, 0.1], [0.6, 0.4]], [0, 1])
        <Picture size ... with 1 Axes>
    """
    pictures = _images(images)
    chances = probability_rows("probabilities", probabilities)
    truth = indices("labels", labels, chances.shape[1])
    same_length(images=pictures, probabilities=chances, labels=truth)
    names = checked_names(class_names, chances.shape[1])
    names = names or [f"class {k}" for k in range(chances.shape[1])]
    if len(pictures) > _MOST_PREDICTIONS:
        raise ValueError(
            f"expected at most {_MOST_PREDICTIONS} images in one picture, got "
            f"{len(pictures)}; choose some, such as images[:20]"
        )
    low, high = float(pictures.min()), float(pictures.max())
    with styled():
        grid = ImageGrid(pictures.shape, columns, lines=2, title=title)
        for k, image in enumerate(pictures):
            # Dark on white, as things are easiest to see on paper.
            grid.show(k, image, "gray_r", low, high if high > low else low + 1)
            best, right = int(chances[k].argmax()), int(truth[k])
            wrong, chance = best != right, f"{100 * chances[k, best]:.0f} %"
            grid.frame(k, wrong=wrong)
            mark, color = ("✗", WRONG) if wrong else ("✓", INK)
            grid.write(k, 0, f"{mark} {names[best]}", color=color)
            grid.write(k, 1, f"{chance}, is {names[right]}" if wrong else chance)
    return grid.figure


def _images(images: ArrayLike) -> np.ndarray:
    """``(N, H, W)`` images from any of the shapes they come in."""
    values = numbers("images", images)
    if values.ndim == 4 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 2:
        side = math.isqrt(values.shape[1])
        if side**2 == values.shape[1]:
            values = values.reshape(-1, side, side)
    if values.ndim != 3:
        raise ValueError(
            "images: expected (N, H, W), (N, 1, H, W) or flattened square images "
            f"(N, H * H), got shape {np.shape(images)}"
        )
    return values
