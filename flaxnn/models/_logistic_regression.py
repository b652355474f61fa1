# SPDX-License-Identifier: Apache-2.0
"""Logistic regression of document 002."""

from __future__ import annotations

from flaxnn import nn
from flaxnn.init import Source


class LogisticRegression(nn.Sequential):
    """A linear layer to one output and a sigmoid.

    Args:
        in_features: Number of features.
        rngs: A `Generator` for PyTorch's initial weights or `nnx.Rngs` for JAX's.

    Torch:
        ``Sequential(Linear(in_features, 1), Sigmoid())`` of document 002; initial
        values T0, parameters ``0.weight`` and ``0.bias``.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn.random import Generator
        >>> LogisticRegression(rngs=Generator(2025))(jnp.zeros((8, 1))).shape
        (8, 1)
    """

    def __init__(self, in_features: int = 1, *, rngs: Source):
        super().__init__(nn.Linear(in_features, 1, rngs=rngs), nn.Sigmoid())

    def _get_name(self) -> str:
        """Printed as the document prints it."""
        return "Sequential"
