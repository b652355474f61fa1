# SPDX-License-Identifier: Apache-2.0
"""Metrics of one batch, as values per sample, so that every sample counts once."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from flaxnn._typing import ArrayLike


def accuracy(output: ArrayLike, target: ArrayLike) -> jax.Array:
    """Returns 1 for each sample whose largest logit is the target's, else 0.

    Args:
        output: ``(N, C)`` logits or probabilities.
        target: ``(N,)`` class indices.

    Returns:
        ``(N,)`` float32.

    Raises:
        ValueError: The shapes are not ``(N, C)`` and ``(N,)``.

    Example:
        >>> accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 1])
        Array([1., 0.], dtype=float32)
    """
    output, target = jnp.asarray(output), jnp.asarray(target)
    if output.ndim != 2 or target.shape != output.shape[:1]:
        raise ValueError(
            "accuracy needs outputs (N, C) and targets (N,), "
            f"got {output.shape} and {target.shape}"
        )
    return (output.argmax(axis=1) == target).astype(jnp.float32)


def binary_accuracy(output: ArrayLike, target: ArrayLike) -> jax.Array:
    """Returns 1 for each probability on the target's side of 0.5, else 0.

    Args:
        output: ``(N, 1)`` or ``(N,)`` probabilities; 0.5 counts as class 1.
        target: Zeros and ones, shaped as the output.

    Returns:
        ``(N,)`` float32.

    Raises:
        ValueError: The shapes differ or hold more than one value for a sample.

    Example:
        >>> binary_accuracy([[0.9], [0.5], [0.2]], [[1.0], [0.0], [0.0]])
        Array([1., 0., 1.], dtype=float32)
    """
    output, target = jnp.asarray(output), jnp.asarray(target)
    one_each = output.ndim >= 1 and output.size == output.shape[0]
    if not one_each or output.shape != target.shape:
        raise ValueError(
            "binary_accuracy needs outputs and targets of one shape, (N,) or (N, 1), "
            f"got {output.shape} and {target.shape}"
        )
    return ((output >= 0.5) == (target >= 0.5)).astype(jnp.float32).reshape(-1)
