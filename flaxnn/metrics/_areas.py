# SPDX-License-Identifier: Apache-2.0
"""What both areas under the ROC curve share: their options and averages."""

from __future__ import annotations

from typing import Literal

import jax
import jax.numpy as jnp

from flaxnn.metrics._options import check_classes, check_from_logits

Average = Literal["macro", "weighted"] | None


def check_area_options(
    from_logits: bool, num_classes: int | None, average: Average
) -> None:
    """Raises unless the options go together."""
    check_from_logits(from_logits)
    check_classes(num_classes)
    if average not in (None, "macro", "weighted"):
        raise ValueError(
            f"average has to be one of ['macro', 'weighted', None], got {average!r}"
        )
    if num_classes is None and average != "macro":
        raise ValueError(
            f"average={average!r} is over classes: give num_classes, or leave it out "
            "for the area of class 1"
        )


def positives(target: jax.Array, num_classes: int | None) -> jax.Array:
    """``(N, K)``, whether a sample is of each class; of class 1 alone, of two."""
    classes = jnp.array([1]) if num_classes is None else jnp.arange(num_classes)
    return target[:, None] == classes[None, :]


def average_of(areas: jax.Array, support: jax.Array, average: Average) -> jax.Array:
    """One area of ``(K,)``, by the number of positive samples, or all of them."""
    if average is None:
        return areas
    if average == "macro":
        return areas.mean()
    # As in scikit-learn, a class without samples weighs nothing, though it has nan.
    weights = support.astype(float)
    return jnp.where(weights > 0, areas * weights, 0).sum() / weights.sum()
