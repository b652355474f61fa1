# SPDX-License-Identifier: Apache-2.0
"""The classifier of the documents on the output layer."""

from __future__ import annotations

import jax

from flaxnn import nn
from flaxnn._typing import ArrayLike
from flaxnn.init import Source


class SimpleMultiClassModel(nn.Module):
    """One fully connected layer from five features to three classes.

    Args:
        rngs: A `Generator` for PyTorch's initial weights or `nnx.Rngs` for JAX's.

    Torch:
        The class of the same name in documents 000 and 001; initial values T0.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn.random import Generator
        >>> SimpleMultiClassModel(rngs=Generator(0))(jnp.ones((4, 5))).shape
        (4, 3)
    """

    def __init__(self, *, rngs: Source):
        self.fc: nn.Linear = nn.Linear(5, 3, rngs=rngs)

    def forward(self, x: ArrayLike) -> jax.Array:
        """Returns the logits ``(N, 3)`` of inputs ``(N, 5)``."""
        return self.fc(x)
