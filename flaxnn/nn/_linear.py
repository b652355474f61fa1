# SPDX-License-Identifier: Apache-2.0
"""Linear and the reshaping in front of it."""

from __future__ import annotations

import math

import jax
import numpy as np

from flaxnn import functional as F
from flaxnn import init
from flaxnn._typing import ArrayLike, DTypeLike
from flaxnn.init import Source
from flaxnn.nn._module import Module
from flaxnn.nn._parameter import Parameter


class Linear(Module):
    """Applies ``y = x Wᵀ + b`` to the last dimension.

    Args:
        in_features: Size of the last dimension of the input.
        out_features: Size of the last dimension of the output.
        bias: Whether to add a learned bias.
        rngs: A `Generator` for PyTorch's initial weights or `nnx.Rngs` for JAX's.
        dtype: float32 or float64 parameters.

    Attributes:
        weight: ``(out_features, in_features)``, drawn first.
        bias: ``(out_features,)``, or None.

    Torch:
        ``torch.nn.Linear``, 2.13.0: initial values T0 with a `Generator`; the
        product at HIGHEST precision.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn.random import Generator
        >>> layer = Linear(2, 1, rngs=Generator(0))
        >>> layer(jnp.ones((3, 2))).shape
        (3, 1)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        rngs: Source,
        dtype: DTypeLike = np.float32,
    ):
        self.in_features = in_features
        self.out_features = out_features
        shape = (out_features, in_features)
        self.weight: Parameter[jax.Array] = Parameter(
            init.kaiming_uniform(shape, a=math.sqrt(5), rngs=rngs, dtype=dtype)
        )
        if not bias:
            self.bias: Parameter[jax.Array] | None = None
            return
        bound = 1 / math.sqrt(in_features) if in_features > 0 else 0.0
        self.bias = Parameter(
            init.uniform((out_features,), -bound, bound, rngs=rngs, dtype=dtype)
        )

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns ``(*, out_features)`` for an input of ``(*, in_features)``."""
        bias = None if self.bias is None else self.bias.get_value()
        return F.linear(input, self.weight.get_value(), bias)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Flatten(Module):
    """Flattens dimensions ``start_dim`` to ``end_dim`` into one.

    Args:
        start_dim: First dimension to flatten.
        end_dim: Last dimension to flatten.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.Flatten``, 2.13.0, T0.

    Example:
        >>> import jax.numpy as jnp
        >>> Flatten()(jnp.ones((3, 28, 28))).shape
        (3, 784)
    """

    def __init__(
        self, start_dim: int = 1, end_dim: int = -1, *, rngs: Source | None = None
    ):
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the input with the dimensions flattened."""
        return F.flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
