# SPDX-License-Identifier: Apache-2.0
"""The Fashion-MNIST classifier of document 004."""

from __future__ import annotations

import jax

from flaxnn import nn
from flaxnn._typing import ArrayLike
from flaxnn.init import Source


class NeuralNetwork(nn.Module):
    """A perceptron 784-512-512-10 over flattened 28 × 28 images.

    Args:
        final_relu: Whether the logits pass a ReLU too, as the document prints it.
            It stops the gradient of every class whose logit is negative; pass False
            for a model meant to classify.
        rngs: A `Generator` for PyTorch's initial weights or `nnx.Rngs` for JAX's.

    Torch:
        The class of the same name in document 004; initial values T0.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn.random import Generator
        >>> NeuralNetwork(rngs=Generator(0))(jnp.zeros((3, 28, 28))).shape
        (3, 10)
    """

    def __init__(self, *, final_relu: bool = True, rngs: Source):
        self.flatten: nn.Flatten = nn.Flatten()
        layers = [
            nn.Linear(28 * 28, 512, rngs=rngs),
            nn.ReLU(),
            nn.Linear(512, 512, rngs=rngs),
            nn.ReLU(),
            nn.Linear(512, 10, rngs=rngs),
        ]
        self.linear_relu_stack: nn.Sequential = nn.Sequential(
            *layers, *([nn.ReLU()] if final_relu else [])
        )

    def forward(self, x: ArrayLike) -> jax.Array:
        """Returns the logits ``(N, 10)`` of images ``(N, 28, 28)``."""
        return self.linear_relu_stack(self.flatten(x))
