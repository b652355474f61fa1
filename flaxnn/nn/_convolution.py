# SPDX-License-Identifier: Apache-2.0
"""Convolutions: PyTorch's weights, (O, I / groups, …), drawn in its order."""

from __future__ import annotations

import jax
import numpy as np

from flaxnn import functional as F
from flaxnn._typing import ArrayLike, DTypeLike
from flaxnn.init import Source
from flaxnn.nn._conv_nd import ConvNd
from flaxnn.nn._options import Size


class Conv1d(ConvNd):
    """Convolves sequences, ``(N, C_in, L)``.

    Args:
        in_channels: C_in.
        out_channels: C_out.
        kernel_size: Size of a window.
        stride: Step of the windows.
        padding: How many elements to add at both ends; ``"valid"`` for none, ``"same"``
            for as many as keep the length.
        dilation: Step between the elements of a window.
        groups: How many groups of channels are convolved apart.
        bias: Whether to add a learned bias.
        padding_mode: What to pad with: ``"zeros"``, ``"reflect"``, ``"replicate"`` or
            ``"circular"``.
        rngs: A `Generator` for PyTorch's initial weights or `nnx.Rngs` for JAX's.
        dtype: float32 or float64 parameters.

    Attributes:
        weight: ``(out_channels, in_channels / groups, kernel_size)``, drawn first.
        bias: ``(out_channels,)``, or None.

    Torch:
        ``torch.nn.Conv1d``, 2.13.0: initial values T0 with a `Generator`; the products
        at HIGHEST precision.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn.random import Generator
        >>> layer = Conv1d(2, 4, 3, padding="same", rngs=Generator(0))
        >>> layer
        Conv1d(2, 4, kernel_size=(3,), stride=(1,), padding=same)
        >>> layer(jnp.ones((5, 2, 8))).shape
        (5, 4, 8)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: str | Size = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        rngs: Source,
        dtype: DTypeLike = np.float32,
    ):
        super().__init__(
            1,
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
            rngs,
            dtype,
        )

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns ``(N, C_out, L_out)``; without N where the input has none."""
        return self._convolved(F.conv1d, input)


class Conv2d(ConvNd):
    """Convolves images, ``(N, C_in, H, W)``.

    Args:
        in_channels: C_in.
        out_channels: C_out.
        kernel_size: Size of a window; each option is an int or one for each dimension.
        stride: Step of the windows.
        padding: How many elements to add on all sides, or ``"valid"`` or ``"same"``.
        dilation: Step between the elements of a window.
        groups: How many groups of channels are convolved apart.
        bias: Whether to add a learned bias.
        padding_mode: What to pad with: ``"zeros"``, ``"reflect"``, ``"replicate"`` or
            ``"circular"``.
        rngs: A `Generator` for PyTorch's initial weights or `nnx.Rngs` for JAX's.
        dtype: float32 or float64 parameters.

    Attributes:
        weight: ``(out_channels, in_channels / groups, *kernel_size)``, drawn first.
        bias: ``(out_channels,)``, or None.

    Torch:
        ``torch.nn.Conv2d``, 2.13.0: initial values T0 with a `Generator`; the products
        at HIGHEST precision.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn.random import Generator
        >>> layer = Conv2d(1, 8, 5, rngs=Generator(0))
        >>> layer
        Conv2d(1, 8, kernel_size=(5, 5), stride=(1, 1))
        >>> layer(jnp.ones((3, 1, 28, 28))).shape
        (3, 8, 24, 24)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: str | Size = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        rngs: Source,
        dtype: DTypeLike = np.float32,
    ):
        super().__init__(
            2,
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
            rngs,
            dtype,
        )

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns ``(N, C_out, H_out, W_out)``; without N where the input has none."""
        return self._convolved(F.conv2d, input)


class Conv3d(ConvNd):
    """Convolves volumes, ``(N, C_in, D, H, W)``.

    Args:
        in_channels: C_in.
        out_channels: C_out.
        kernel_size: Size of a window; each option is an int or one for each dimension.
        stride: Step of the windows.
        padding: How many elements to add on all sides, or ``"valid"`` or ``"same"``.
        dilation: Step between the elements of a window.
        groups: How many groups of channels are convolved apart.
        bias: Whether to add a learned bias.
        padding_mode: What to pad with: ``"zeros"``, ``"reflect"``, ``"replicate"`` or
            ``"circular"``.
        rngs: A `Generator` for PyTorch's initial weights or `nnx.Rngs` for JAX's.
        dtype: float32 or float64 parameters.

    Attributes:
        weight: ``(out_channels, in_channels / groups, *kernel_size)``, drawn first.
        bias: ``(out_channels,)``, or None.

    Torch:
        ``torch.nn.Conv3d``, 2.13.0: initial values T0 with a `Generator`; the products
        at HIGHEST precision.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn.random import Generator
        >>> Conv3d(1, 2, 3, rngs=Generator(0))(jnp.ones((1, 4, 4, 4))).shape
        (2, 2, 2, 2)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: str | Size = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        rngs: Source,
        dtype: DTypeLike = np.float32,
    ):
        super().__init__(
            3,
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
            rngs,
            dtype,
        )

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns ``(N, C_out, D_out, H_out, W_out)``; without N where it had none."""
        return self._convolved(F.conv3d, input)
