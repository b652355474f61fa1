# SPDX-License-Identifier: Apache-2.0
"""Normalisations of each sample alone."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import numpy as np

from flaxnn import functional as F
from flaxnn import init
from flaxnn._typing import ArrayLike, DTypeLike
from flaxnn.init import Source
from flaxnn.nn._module import Module
from flaxnn.nn._parameter import Parameter, value_of


def _shape_of(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    """The shape as a tuple; a number stands for one dimension."""
    if isinstance(normalized_shape, int | np.integer):
        return (int(normalized_shape),)
    return tuple(normalized_shape)


class LayerNorm(Module):
    """Normalises the last dimensions of each sample.

    Args:
        normalized_shape: Sizes of the last dimensions, or the size of the last one.
        eps: Added to the variance.
        elementwise_affine: Whether to scale and shift by learned parameters.
        bias: Whether to learn a shift.
        rngs: Ignored; nothing is drawn.
        dtype: float32 or float64 parameters.

    Attributes:
        weight: ``normalized_shape`` ones, or None.
        bias: ``normalized_shape`` zeros, or None.

    Torch:
        ``torch.nn.LayerNorm``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> LayerNorm(2)(jnp.array([[1.0, 3.0]])).round(2)
        Array([[-1.,  1.]], dtype=float32)

    References:
        Ba, Kiros and Hinton, "Layer Normalization", 2016.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        rngs: Source | None = None,
        dtype: DTypeLike = np.float32,
    ):
        shape = _shape_of(normalized_shape)
        self.normalized_shape = shape
        self.eps = eps
        self.elementwise_affine = affine = elementwise_affine
        self.weight: Parameter[jax.Array] | None = (
            Parameter(init.ones(shape, dtype=dtype)) if affine else None
        )
        shifts = affine and bias
        self.bias: Parameter[jax.Array] | None = (
            Parameter(init.zeros(shape, dtype=dtype)) if shifts else None
        )

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the normalised input."""
        weight, bias = value_of(self.weight), value_of(self.bias)
        return F.layer_norm(input, self.normalized_shape, weight, bias, self.eps)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """Divides the last dimensions of each sample by their root mean square.

    Args:
        normalized_shape: Sizes of the last dimensions, or the size of the last one.
        eps: Added to the mean of the squares; None for the smallest step above 1 of the
            dtype that it is computed in.
        elementwise_affine: Whether to scale by a learned parameter.
        rngs: Ignored; nothing is drawn.
        dtype: float32 or float64 parameters.

    Attributes:
        weight: ``normalized_shape`` ones, or None.

    Torch:
        ``torch.nn.RMSNorm``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> RMSNorm(2)(jnp.array([[3.0, 3.0]])).round(4)
        Array([[1., 1.]], dtype=float32)

    References:
        Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        *,
        rngs: Source | None = None,
        dtype: DTypeLike = np.float32,
    ):
        shape = _shape_of(normalized_shape)
        self.normalized_shape = shape
        self.eps = eps
        self.elementwise_affine = affine = elementwise_affine
        self.weight: Parameter[jax.Array] | None = (
            Parameter(init.ones(shape, dtype=dtype)) if affine else None
        )

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the normalised input."""
        weight = value_of(self.weight)
        return F.rms_norm(input, self.normalized_shape, weight, self.eps)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}"
        )


class GroupNorm(Module):
    """Normalises groups of adjacent channels of each sample.

    Args:
        num_groups: How many groups; it divides `num_channels`.
        num_channels: C of an input ``(N, C, *)``.
        eps: Added to the variance.
        affine: Whether to scale and shift each channel by learned parameters.
        bias: Whether to learn a shift.
        rngs: Ignored; nothing is drawn.
        dtype: float32 or float64 parameters.

    Attributes:
        weight: ``(C,)`` ones, or None.
        bias: ``(C,)`` zeros, or None.

    Raises:
        ValueError: `num_groups` does not divide `num_channels`.

    Torch:
        ``torch.nn.GroupNorm``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> GroupNorm(2, 4)(jnp.array([[1.0, 3.0, 10.0, 30.0]])).round(2)
        Array([[-1.,  1., -1.,  1.]], dtype=float32)

    References:
        Wu and He, "Group Normalization", 2018.
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        bias: bool = True,
        rngs: Source | None = None,
        dtype: DTypeLike = np.float32,
    ):
        if num_channels % num_groups != 0:
            raise ValueError(
                f"num_channels ({num_channels}) must be divisible by num_groups "
                f"({num_groups})"
            )
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        shape = (num_channels,)
        self.weight: Parameter[jax.Array] | None = (
            Parameter(init.ones(shape, dtype=dtype)) if affine else None
        )
        shifts = affine and bias
        self.bias: Parameter[jax.Array] | None = (
            Parameter(init.zeros(shape, dtype=dtype)) if shifts else None
        )

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the normalised input."""
        weight, bias = value_of(self.weight), value_of(self.bias)
        return F.group_norm(input, self.num_groups, weight, bias, self.eps)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, "
            f"affine={self.affine}, bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """Divides each channel by a power of the mean square of its neighbours.

    Args:
        size: How many channels are neighbours.
        alpha: Factor of the mean of the squares.
        beta: Exponent.
        k: What is added to the mean.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.LocalResponseNorm``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> LocalResponseNorm(2, alpha=2.0, beta=1.0)(jnp.ones((1, 1, 1)))
        Array([[[0.5]]], dtype=float32)

    References:
        Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep
        Convolutional Neural Networks", 2012, section 3.3.
    """

    def __init__(
        self,
        size: int,
        alpha: float = 1e-4,
        beta: float = 0.75,
        k: float = 1.0,
        *,
        rngs: Source | None = None,
    ):
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the normalised input ``(N, C, *)``."""
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
