# SPDX-License-Identifier: Apache-2.0
"""Multinomial logistic regression of document 002."""

from __future__ import annotations

from flaxnn import nn
from flaxnn.init import Source


class SoftmaxRegression(nn.Sequential):
    """A linear layer to one logit for each class; the softmax is in the loss.

    Args:
        in_features: Number of features.
        num_classes: Number of classes.
        rngs: A `Generator` for PyTorch's initial weights or `nnx.Rngs` for JAX's.

    Torch:
        ``Sequential(Linear(in_features, num_classes))`` of document 002; initial
        values T0, parameters ``0.weight`` and ``0.bias``.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn.random import Generator
        >>> SoftmaxRegression(4, 3, rngs=Generator(2025))(jnp.zeros((10, 4))).shape
        (10, 3)
    """

    def __init__(self, in_features: int, num_classes: int, *, rngs: Source):
        super().__init__(nn.Linear(in_features, num_classes, rngs=rngs))

    def _get_name(self) -> str:
        """Printed as the document prints it."""
        return "Sequential"
