# SPDX-License-Identifier: Apache-2.0
"""Class indices: their shape, dtype and range."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np

from flaxnn._typing import Array, ArrayLike, Integer
from flaxnn.functional._checks import as_array, dtype_name, host_value


def as_labels(target: ArrayLike, input_shape: tuple[int, ...]) -> Integer[Array, "..."]:
    """Returns class indices that fit an input of ``(C,)`` or ``(N, C, ...)``."""
    labels = as_array(target, "target")
    _check_shape(labels.shape, input_shape)
    # uint8 does not hold -100: comparing with it would wrap around to 156.
    if labels.dtype == jnp.uint8:
        return labels.astype(jnp.int32)
    if labels.dtype not in (jnp.int32, jnp.int64):
        raise RuntimeError(
            "expected target dtype to be Long or Byte, but got "
            f"{dtype_name(target)}: class indices are int64, int32 or uint8; class "
            f"probabilities have the input's shape, {input_shape}"
        )
    return labels


def labels_are_checked(target: ArrayLike, classes: int, ignore_index: int) -> bool:
    """Returns whether the indices could be read; raises if one is out of range."""
    labels = host_value(target)
    if labels is None:
        return False
    outside = (labels != ignore_index) & ((labels < 0) | (labels >= classes))
    if np.any(outside):
        raise IndexError(
            f"Target {labels[outside].flat[0]} is out of bounds. Expected class "
            f"indices from 0 to {classes - 1}, or ignore_index={ignore_index}"
        )
    return True


def _check_shape(target: tuple[int, ...], input: tuple[int, ...]) -> None:
    """Raises unless the target has the input's shape without the class dimension."""
    if len(input) == 0:
        raise ValueError(
            "Expected 1 or more dimensions (got 0): the input is (C,) or (N, C, ...)"
        )
    if len(input) > 1 and input[:1] != target[:1]:
        raise ValueError(
            f"Expected input batch_size ({input[0]}) to match target batch_size "
            f"({target[0] if target else 0}). Input {input}, target {target}"
        )
    if len(input) <= 2 and len(target) > 1:
        raise RuntimeError(
            "0D or 1D target tensor expected, multi-target not supported: input "
            f"{input}, target {target}; class probabilities have the input's shape"
        )
    size = math.prod(target)
    if len(input) == 1 and size != 1:
        raise ValueError(
            f"For 1D input, 1D target must have size 1, but got target size: {size}"
        )
    if len(input) > 2 and target[1:] != input[2:]:
        raise RuntimeError(
            f"Expected target size {[input[0], *input[2:]]}, got {list(target)}"
        )
