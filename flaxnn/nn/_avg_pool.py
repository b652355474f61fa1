# SPDX-License-Identifier: Apache-2.0
"""Average pooling and power means."""

from __future__ import annotations

import jax

from flaxnn import functional as F
from flaxnn._typing import ArrayLike
from flaxnn.init import Source
from flaxnn.nn._module import Module
from flaxnn.nn._options import Size, each, hashable


class _AvgPoolNd(Module):
    """What the averages have in common."""

    kernel_size: Size
    stride: Size
    padding: Size

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, "
            f"padding={self.padding}"
        )


class _LPPoolNd(Module):
    """What the power means have in common."""

    def __init__(
        self,
        norm_type: float,
        kernel_size: Size,
        stride: Size | None = None,
        ceil_mode: bool = False,
        *,
        rngs: Source | None = None,
    ):
        self.norm_type = norm_type
        self.kernel_size: Size = hashable(kernel_size)
        self.stride: Size = hashable(stride)
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}, ceil_mode={self.ceil_mode}"
        )


class AvgPool1d(_AvgPoolNd):
    """Takes the mean of each window of ``(N, C, L)``.

    Args:
        kernel_size: Size of a window.
        stride: Step of the windows; their size where None.
        padding: Zeros at both ends, at most half a window.
        ceil_mode: Whether a last window may reach beyond the padding.
        count_include_pad: Whether the padding counts in the mean.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.AvgPool1d``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> AvgPool1d(2)(jnp.array([[1.0, 3.0, 2.0, 2.0]]))
        Array([[2., 2.]], dtype=float32)
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        *,
        rngs: Source | None = None,
    ):
        self.kernel_size: Size = each(kernel_size, 1)
        self.stride: Size = each(kernel_size if stride is None else stride, 1)
        self.padding: Size = each(padding, 1)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns ``(N, C, L_out)``."""
        return F.avg_pool1d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
        )


class _AvgPoolWithDivisor(_AvgPoolNd):
    """What the averages over images and volumes have in common."""

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
        *,
        rngs: Source | None = None,
    ):
        self.kernel_size: Size = hashable(kernel_size)
        self.stride: Size = hashable(kernel_size if stride is None else stride)
        self.padding: Size = hashable(padding)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override


class AvgPool2d(_AvgPoolWithDivisor):
    """Takes the mean of each window of ``(N, C, H, W)``.

    Args:
        kernel_size: Size of a window; each option is an int or one for each dimension.
        stride: Step of the windows; their size where None.
        padding: Zeros on all sides, at most half a window.
        ceil_mode: Whether a last window may reach beyond the padding.
        count_include_pad: Whether the padding counts in the mean.
        divisor_override: What the sums are divided by instead.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.AvgPool2d``, 2.13.0, T1; a list among the options is kept as a tuple.

    Example:
        >>> import jax.numpy as jnp
        >>> AvgPool2d(2)(jnp.ones((1, 4, 4))).shape
        (1, 2, 2)
    """

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns ``(N, C, H_out, W_out)``."""
        return F.avg_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class AvgPool3d(_AvgPoolWithDivisor):
    """Takes the mean of each window of ``(N, C, D, H, W)``.

    Args:
        kernel_size: Size of a window; each option is an int or one for each dimension.
        stride: Step of the windows; their size where None.
        padding: Zeros on all sides, at most half a window.
        ceil_mode: Whether a last window may reach beyond the padding.
        count_include_pad: Whether the padding counts in the mean.
        divisor_override: What the sums are divided by instead.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.AvgPool3d``, 2.13.0, T1; a list among the options is kept as a tuple.

    Example:
        >>> import jax.numpy as jnp
        >>> AvgPool3d(2)(jnp.ones((1, 4, 4, 4))).shape
        (1, 2, 2, 2)
    """

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns ``(N, C, D_out, H_out, W_out)``."""
        return F.avg_pool3d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class LPPool1d(_LPPoolNd):
    """Takes ``(Σ xᵖ)^(1/p)`` of each window of ``(N, C, L)``.

    Args:
        norm_type: The power p, or an infinity.
        kernel_size: Size of a window.
        stride: Step of the windows; their size where None.
        ceil_mode: Whether a last window may reach beyond the end.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.LPPool1d``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> LPPool1d(2, 2)(jnp.ones((1, 4))).shape
        (1, 2)
    """

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns ``(N, C, L_out)``."""
        return F.lp_pool1d(
            input, self.norm_type, self.kernel_size, self.stride, self.ceil_mode
        )


class LPPool2d(_LPPoolNd):
    """Takes ``(Σ xᵖ)^(1/p)`` of each window of ``(N, C, H, W)``.

    Args:
        norm_type: The power p, or an infinity.
        kernel_size: Size of a window; an int or one for each dimension.
        stride: Step of the windows; their size where None.
        ceil_mode: Whether a last window may reach beyond the end.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.LPPool2d``, 2.13.0, T1; a list among the options is kept as a tuple.

    Example:
        >>> import jax.numpy as jnp
        >>> LPPool2d(2, 2)(jnp.ones((1, 4, 4))).shape
        (1, 2, 2)
    """

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns ``(N, C, H_out, W_out)``."""
        return F.lp_pool2d(
            input, self.norm_type, self.kernel_size, self.stride, self.ceil_mode
        )


class LPPool3d(_LPPoolNd):
    """Takes ``(Σ xᵖ)^(1/p)`` of each window of ``(N, C, D, H, W)``.

    Args:
        norm_type: The power p, or an infinity.
        kernel_size: Size of a window; an int or one for each dimension.
        stride: Step of the windows; their size where None.
        ceil_mode: Whether a last window may reach beyond the end.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.LPPool3d``, 2.13.0, T1; a list among the options is kept as a tuple.

    Example:
        >>> import jax.numpy as jnp
        >>> LPPool3d(2, 2)(jnp.ones((1, 4, 4, 4))).shape
        (1, 2, 2, 2)
    """

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns ``(N, C, D_out, H_out, W_out)``."""
        return F.lp_pool3d(
            input, self.norm_type, self.kernel_size, self.stride, self.ceil_mode
        )
