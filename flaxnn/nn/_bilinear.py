# SPDX-License-Identifier: Apache-2.0
"""A bilinear form of two inputs."""

from __future__ import annotations

import math

import jax
import numpy as np

from flaxnn import functional as F
from flaxnn import init
from flaxnn._typing import ArrayLike, DTypeLike
from flaxnn.init import Source
from flaxnn.nn._module import Module
from flaxnn.nn._parameter import Parameter, value_of


class Bilinear(Module):
    """Applies ``y_o = x1ᵀ W_o x2 + b_o`` to the last dimensions of two inputs.

    Args:
        in1_features: Size of the last dimension of the first input.
        in2_features: Size of the last dimension of the second input.
        out_features: Size of the last dimension of the output.
        bias: Whether to add a learned bias.
        rngs: A `Generator` for PyTorch's initial weights or `nnx.Rngs` for JAX's.
        dtype: float32 or float64 parameters.

    Attributes:
        weight: ``(out_features, in1_features, in2_features)``, drawn first, uniform
            within ``±1 / sqrt(in1_features)``.
        bias: ``(out_features,)``, drawn from the same range, or None.

    Raises:
        ValueError: `in1_features` is not positive.

    Torch:
        ``torch.nn.Bilinear``, 2.13.0: initial values T0 with a `Generator`; the
        products at HIGHEST precision.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn.random import Generator
        >>> layer = Bilinear(2, 3, 4, rngs=Generator(0))
        >>> layer(jnp.ones((5, 2)), jnp.ones((5, 3))).shape
        (5, 4)
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        *,
        rngs: Source,
        dtype: DTypeLike = np.float32,
    ):
        if in1_features <= 0:
            raise ValueError(
                f"in1_features must be > 0, but got (in1_features={in1_features})"
            )
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        bound = 1 / math.sqrt(in1_features)
        shape = (out_features, in1_features, in2_features)
        self.weight: Parameter[jax.Array] = Parameter(
            init.uniform(shape, -bound, bound, rngs=rngs, dtype=dtype)
        )
        if not bias:
            self.bias: Parameter[jax.Array] | None = None
            return
        self.bias = Parameter(
            init.uniform((out_features,), -bound, bound, rngs=rngs, dtype=dtype)
        )

    def forward(self, input1: ArrayLike, input2: ArrayLike) -> jax.Array:
        """Returns ``(*, out_features)`` for ``(*, in1)`` and ``(*, in2)``."""
        return F.bilinear(input1, input2, self.weight.get_value(), value_of(self.bias))

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )
