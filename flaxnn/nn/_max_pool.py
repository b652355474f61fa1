# SPDX-License-Identifier: Apache-2.0
"""Maximum pooling and its partial inverse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from flaxnn import functional as F
from flaxnn._typing import ArrayLike
from flaxnn.init import Source
from flaxnn.nn._module import Module
from flaxnn.nn._options import Size, each, hashable

# An array, or with return_indices a pair of values and indices.
Pooled = Any


class _MaxPoolNd(Module):
    """What the poolings have in common."""

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
        *,
        rngs: Source | None = None,
    ):
        self.kernel_size: Size = hashable(kernel_size)
        self.stride: Size = hashable(kernel_size if stride is None else stride)
        self.padding: Size = hashable(padding)
        self.dilation: Size = hashable(dilation)
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def _options(self) -> dict[str, Any]:
        names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
        options = {name: getattr(self, name) for name in names}
        return options | {"return_indices": self.return_indices}

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, "
            f"padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )


class _MaxUnpoolNd(Module):
    """What the inverses have in common."""

    _count: int

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        *,
        rngs: Source | None = None,
    ):
        self.kernel_size: tuple[int, ...] = each(kernel_size, self._count)
        self.stride: tuple[int, ...] = each(
            kernel_size if stride is None else stride, self._count
        )
        self.padding: tuple[int, ...] = each(padding, self._count)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, "
            f"padding={self.padding}"
        )


class MaxPool1d(_MaxPoolNd):
    """Takes the largest element of each window of ``(N, C, L)``.

    Args:
        kernel_size: Size of a window.
        stride: Step of the windows; their size where None.
        padding: How far the windows reach beyond the edges, at most half their size.
        dilation: Step between the elements of a window.
        return_indices: Whether to return where the maxima are, too.
        ceil_mode: Whether a last window may reach beyond the padding.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.MaxPool1d``, 2.13.0, T0; a list among the options is kept as a tuple.

    Example:
        >>> import jax.numpy as jnp
        >>> MaxPool1d(2)(jnp.ones((1, 4))).shape
        (1, 2)
    """

    def forward(self, input: ArrayLike) -> Pooled:
        """Returns ``(N, C, L_out)``, and indices if they are asked for."""
        return F.max_pool1d(input, **self._options())


class MaxPool2d(_MaxPoolNd):
    """Takes the largest element of each window of ``(N, C, H, W)``.

    Args:
        kernel_size: Size of a window; each option is an int or one for each dimension.
        stride: Step of the windows; their size where None.
        padding: How far the windows reach beyond the edges, at most half their size.
        dilation: Step between the elements of a window.
        return_indices: Whether to return where the maxima are, too.
        ceil_mode: Whether a last window may reach beyond the padding.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.MaxPool2d``, 2.13.0, T0; a list among the options is kept as a tuple.

    Example:
        >>> import jax.numpy as jnp
        >>> MaxPool2d(2)(jnp.ones((1, 4, 4))).shape
        (1, 2, 2)
    """

    def forward(self, input: ArrayLike) -> Pooled:
        """Returns ``(N, C, H_out, W_out)``, and indices if they are asked for."""
        return F.max_pool2d(input, **self._options())


class MaxPool3d(_MaxPoolNd):
    """Takes the largest element of each window of ``(N, C, D, H, W)``.

    Args:
        kernel_size: Size of a window; each option is an int or one for each dimension.
        stride: Step of the windows; their size where None.
        padding: How far the windows reach beyond the edges, at most half their size.
        dilation: Step between the elements of a window.
        return_indices: Whether to return where the maxima are, too.
        ceil_mode: Whether a last window may reach beyond the padding.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.MaxPool3d``, 2.13.0, T0; a list among the options is kept as a tuple.

    Example:
        >>> import jax.numpy as jnp
        >>> MaxPool3d(2)(jnp.ones((1, 4, 4, 4))).shape
        (1, 2, 2, 2)
    """

    def forward(self, input: ArrayLike) -> Pooled:
        """Returns ``(N, C, D_out, H_out, W_out)``, and indices if asked for them."""
        return F.max_pool3d(input, **self._options())


class MaxUnpool1d(_MaxUnpoolNd):
    """Puts the maxima of `MaxPool1d` back where they came from, among zeros.

    Args:
        kernel_size: Size of a window that was pooled.
        stride: Step of the windows; their size where None.
        padding: How far the windows reached beyond the edges.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.MaxUnpool1d``, 2.13.0, T0.

    Example:
        >>> import jax.numpy as jnp
        >>> MaxUnpool1d(2)(jnp.ones((1, 1)), jnp.zeros((1, 1), int)).shape
        (1, 2)
    """

    _count = 1

    def forward(
        self,
        input: ArrayLike,
        indices: ArrayLike,
        output_size: Sequence[int] | None = None,
    ) -> jax.Array:
        """Returns ``(N, C, L_out)`` from maxima and their indices."""
        return F.max_unpool1d(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )


class MaxUnpool2d(_MaxUnpoolNd):
    """Puts the maxima of `MaxPool2d` back where they came from, among zeros.

    Args:
        kernel_size: Size of a window that was pooled; an int or one for each dimension.
        stride: Step of the windows; their size where None.
        padding: How far the windows reached beyond the edges.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.MaxUnpool2d``, 2.13.0, T0.

    Example:
        >>> import jax.numpy as jnp
        >>> MaxUnpool2d(2)(jnp.ones((1, 1, 1)), jnp.zeros((1, 1, 1), int)).shape
        (1, 2, 2)
    """

    _count = 2

    def forward(
        self,
        input: ArrayLike,
        indices: ArrayLike,
        output_size: Sequence[int] | None = None,
    ) -> jax.Array:
        """Returns ``(N, C, H_out, W_out)`` from maxima and their indices."""
        return F.max_unpool2d(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )


class MaxUnpool3d(_MaxUnpoolNd):
    """Puts the maxima of `MaxPool3d` back where they came from, among zeros.

    Args:
        kernel_size: Size of a window that was pooled; an int or one for each dimension.
        stride: Step of the windows; their size where None.
        padding: How far the windows reached beyond the edges.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.MaxUnpool3d``, 2.13.0, T0.

    Example:
        >>> import jax.numpy as jnp
        >>> MaxUnpool3d(2)(jnp.ones((1, 1, 1, 1)), jnp.zeros((1, 1, 1, 1), int)).shape
        (1, 2, 2, 2)
    """

    _count = 3

    def forward(
        self,
        input: ArrayLike,
        indices: ArrayLike,
        output_size: Sequence[int] | None = None,
    ) -> jax.Array:
        """Returns ``(N, C, D_out, H_out, W_out)`` from maxima and their indices."""
        return F.max_unpool3d(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )
