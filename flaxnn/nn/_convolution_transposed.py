# SPDX-License-Identifier: Apache-2.0
"""Transposed convolutions: PyTorch's weights, (I, O / groups, …)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import numpy as np

from flaxnn import functional as F
from flaxnn._typing import ArrayLike, DTypeLike
from flaxnn.init import Source
from flaxnn.nn._conv_nd import ConvNd
from flaxnn.nn._options import Size, each


class _ConvTransposeNd(ConvNd):
    """What transposed convolutions have in common."""

    def __init__(
        self,
        count: int,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size,
        padding: Size,
        output_padding: Size,
        groups: int,
        bias: bool,
        dilation: Size,
        padding_mode: str,
        rngs: Source,
        dtype: DTypeLike,
    ):
        if padding_mode != "zeros":
            raise ValueError(
                f'Only "zeros" padding mode is supported for {type(self).__name__}, '
                f"got {padding_mode!r}"
            )
        super().__init__(
            count,
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
            transposed=True,
            output_padding=output_padding,
        )

    def _convolved_back(
        self,
        function: Callable[..., jax.Array],
        count: int,
        input: ArrayLike,
        output_size: Sequence[int] | None,
    ) -> jax.Array:
        """Returns the transposed convolution, of the size that is asked for."""
        extra = self.output_padding
        if output_size is not None:
            extra = self._padding_to(np.shape(input), tuple(output_size), count)
        weight, bias = self._values()
        return function(
            input,
            weight,
            bias,
            self.stride,
            self.padding,
            extra,
            self.groups,
            self.dilation,
        )

    def _padding_to(
        self, shape: tuple[int, ...], asked: tuple[int, ...], count: int
    ) -> tuple[int, ...]:
        """Returns the output padding that leads to the sizes asked for."""
        outer = len(shape) - count
        if len(asked) not in (count, outer + count):
            raise ValueError(
                f"ConvTranspose{count}D: for {len(shape)}D input, output_size must "
                f"have {count} or {outer + count} elements (got {len(asked)})"
            )
        sizes = asked[-count:]
        cuts = each(self.padding, count)
        options = (self.stride, cuts, self.dilation, self.kernel_size)
        rows = zip(shape[-count:], *options, strict=True)
        least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in rows]
        most = [n + s - 1 for n, s in zip(least, self.stride, strict=True)]
        for low, size, high in zip(least, sizes, most, strict=True):
            if not low <= size <= high:
                raise ValueError(
                    f"requested an output size of {sizes}, but valid sizes range from "
                    f"{least} to {most} (for an input of {shape[-count:]})"
                )
        return tuple(size - low for size, low in zip(sizes, least, strict=True))


class ConvTranspose1d(_ConvTransposeNd):
    """Convolves sequences, ``(N, C_in, L)``, the other way: what went in comes out.

    Args:
        in_channels: C_in.
        out_channels: C_out.
        kernel_size: Size of a window.
        stride: Step of the windows in the output.
        padding: What is cut off both ends of the output.
        output_padding: What is added at the output's end.
        groups: How many groups of channels are convolved apart.
        bias: Whether to add a learned bias.
        dilation: Step between the elements of a window.
        padding_mode: Only ``"zeros"``.
        rngs: A `Generator` for PyTorch's initial weights or `nnx.Rngs` for JAX's.
        dtype: float32 or float64 parameters.

    Attributes:
        weight: ``(in_channels, out_channels / groups, kernel_size)``, drawn first.
        bias: ``(out_channels,)``, or None.

    Torch:
        ``torch.nn.ConvTranspose1d``, 2.13.0: initial values T0 with a `Generator`; the
        products at HIGHEST precision.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn.random import Generator
        >>> layer = ConvTranspose1d(4, 2, 3, stride=2, rngs=Generator(0))
        >>> layer(jnp.ones((5, 4, 8))).shape
        (5, 2, 17)
        >>> layer(jnp.ones((5, 4, 8)), output_size=(18,)).shape
        (5, 2, 18)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size = 1,
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
            output_padding,
            groups,
            bias,
            dilation,
            padding_mode,
            rngs,
            dtype,
        )

    def forward(
        self, input: ArrayLike, output_size: Sequence[int] | None = None
    ) -> jax.Array:
        """Returns ``(N, C_out, L_out)``.

        Args:
            input: ``(N, C_in, L)``, or that without N.
            output_size: Sizes to reach by output padding; the layer's own where None.
        """
        return self._convolved_back(F.conv_transpose1d, 1, input, output_size)


class ConvTranspose2d(_ConvTransposeNd):
    """Convolves images, ``(N, C_in, H, W)``, the other way: what went in comes out.

    Args:
        in_channels: C_in.
        out_channels: C_out.
        kernel_size: Size of a window; each option is an int or one for each dimension.
        stride: Step of the windows in the output.
        padding: What is cut off all sides of the output.
        output_padding: What is added at the output's ends.
        groups: How many groups of channels are convolved apart.
        bias: Whether to add a learned bias.
        dilation: Step between the elements of a window.
        padding_mode: Only ``"zeros"``.
        rngs: A `Generator` for PyTorch's initial weights or `nnx.Rngs` for JAX's.
        dtype: float32 or float64 parameters.

    Attributes:
        weight: ``(in_channels, out_channels / groups, *kernel_size)``, drawn first.
        bias: ``(out_channels,)``, or None.

    Torch:
        ``torch.nn.ConvTranspose2d``, 2.13.0: initial values T0 with a `Generator`; the
        products at HIGHEST precision.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn.random import Generator
        >>> layer = ConvTranspose2d(4, 2, 2, stride=2, rngs=Generator(0))
        >>> layer
        ConvTranspose2d(4, 2, kernel_size=(2, 2), stride=(2, 2))
        >>> layer(jnp.ones((5, 4, 7, 7))).shape
        (5, 2, 14, 14)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size = 1,
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
            output_padding,
            groups,
            bias,
            dilation,
            padding_mode,
            rngs,
            dtype,
        )

    def forward(
        self, input: ArrayLike, output_size: Sequence[int] | None = None
    ) -> jax.Array:
        """Returns ``(N, C_out, H_out, W_out)``.

        Args:
            input: ``(N, C_in, H, W)``, or that without N.
            output_size: Sizes to reach by output padding; the layer's own where None.
        """
        return self._convolved_back(F.conv_transpose2d, 2, input, output_size)


class ConvTranspose3d(_ConvTransposeNd):
    """Convolves volumes, ``(N, C_in, D, H, W)``, the other way: what went in comes out.

    Args:
        in_channels: C_in.
        out_channels: C_out.
        kernel_size: Size of a window; each option is an int or one for each dimension.
        stride: Step of the windows in the output.
        padding: What is cut off all sides of the output.
        output_padding: What is added at the output's ends.
        groups: How many groups of channels are convolved apart.
        bias: Whether to add a learned bias.
        dilation: Step between the elements of a window.
        padding_mode: Only ``"zeros"``.
        rngs: A `Generator` for PyTorch's initial weights or `nnx.Rngs` for JAX's.
        dtype: float32 or float64 parameters.

    Attributes:
        weight: ``(in_channels, out_channels / groups, *kernel_size)``, drawn first.
        bias: ``(out_channels,)``, or None.

    Torch:
        ``torch.nn.ConvTranspose3d``, 2.13.0: initial values T0 with a `Generator`; the
        products at HIGHEST precision.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn.random import Generator
        >>> layer = ConvTranspose3d(4, 2, 2, rngs=Generator(0))
        >>> layer(jnp.ones((4, 2, 2, 2))).shape
        (2, 3, 3, 3)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size = 1,
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
            output_padding,
            groups,
            bias,
            dilation,
            padding_mode,
            rngs,
            dtype,
        )

    def forward(
        self, input: ArrayLike, output_size: Sequence[int] | None = None
    ) -> jax.Array:
        """Returns ``(N, C_out, D_out, H_out, W_out)``.

        Args:
            input: ``(N, C_in, D, H, W)``, or that without N.
            output_size: Sizes to reach by output padding; the layer's own where None.
        """
        return self._convolved_back(F.conv_transpose3d, 3, input, output_size)
