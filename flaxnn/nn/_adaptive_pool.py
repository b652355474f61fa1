# SPDX-License-Identifier: Apache-2.0
"""Pooling to a given size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from flaxnn import functional as F
from flaxnn._typing import ArrayLike
from flaxnn.init import Source
from flaxnn.nn._max_pool import Pooled
from flaxnn.nn._module import Module
from flaxnn.nn._options import hashable

OptionalSize = int | Sequence[int | None]


class _AdaptivePoolNd(Module):
    """What poolings to a size have in common."""

    output_size: Any

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return f"output_size={self.output_size}"


class _AdaptiveAvgPoolNd(_AdaptivePoolNd):
    """What the averages have in common."""

    def __init__(self, output_size: OptionalSize, *, rngs: Source | None = None):
        self.output_size: Any = hashable(output_size)


class _AdaptiveMaxPoolNd(_AdaptivePoolNd):
    """What the maxima have in common."""

    def __init__(
        self,
        output_size: OptionalSize,
        return_indices: bool = False,
        *,
        rngs: Source | None = None,
    ):
        self.output_size: Any = hashable(output_size)
        self.return_indices = return_indices


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """Takes the means of windows that cover ``(N, C, L)`` evenly.

    Args:
        output_size: L_out.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.AdaptiveAvgPool1d``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> AdaptiveAvgPool1d(2)(jnp.ones((1, 5))).shape
        (1, 2)
    """

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns ``(N, C, L_out)``."""
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """Takes the means of windows that cover ``(N, C, H, W)`` evenly.

    Args:
        output_size: ``(H_out, W_out)`` or one number for both; None keeps the input's.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.AdaptiveAvgPool2d``, 2.13.0, T1; a list of sizes is kept as a tuple.

    Example:
        >>> import jax.numpy as jnp
        >>> AdaptiveAvgPool2d(2)(jnp.ones((1, 5, 5))).shape
        (1, 2, 2)
    """

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns ``(N, C, H_out, W_out)``."""
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """Takes the means of windows that cover ``(N, C, D, H, W)`` evenly.

    Args:
        output_size: ``(D_out, H_out, W_out)`` or one number for all; None keeps the
            input's.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.AdaptiveAvgPool3d``, 2.13.0, T1; a list of sizes is kept as a tuple.

    Example:
        >>> import jax.numpy as jnp
        >>> AdaptiveAvgPool3d(2)(jnp.ones((1, 5, 5, 5))).shape
        (1, 2, 2, 2)
    """

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns ``(N, C, D_out, H_out, W_out)``."""
        return F.adaptive_avg_pool3d(input, self.output_size)


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    """Takes the maxima of windows that cover ``(N, C, L)`` evenly.

    Args:
        output_size: L_out.
        return_indices: Whether to return where the maxima are, too.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.AdaptiveMaxPool1d``, 2.13.0, T0.

    Example:
        >>> import jax.numpy as jnp
        >>> AdaptiveMaxPool1d(2)(jnp.ones((1, 5))).shape
        (1, 2)
    """

    def forward(self, input: ArrayLike) -> Pooled:
        """Returns ``(N, C, L_out)``, and indices if they are asked for."""
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """Takes the maxima of windows that cover ``(N, C, H, W)`` evenly.

    Args:
        output_size: ``(H_out, W_out)`` or one number for both; None keeps the input's.
        return_indices: Whether to return where the maxima are, too.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.AdaptiveMaxPool2d``, 2.13.0, T0; a list of sizes is kept as a tuple.

    Example:
        >>> import jax.numpy as jnp
        >>> AdaptiveMaxPool2d(2)(jnp.ones((1, 5, 5))).shape
        (1, 2, 2)
    """

    def forward(self, input: ArrayLike) -> Pooled:
        """Returns ``(N, C, H_out, W_out)``, and indices if they are asked for."""
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """Takes the maxima of windows that cover ``(N, C, D, H, W)`` evenly.

    Args:
        output_size: ``(D_out, H_out, W_out)`` or one number for all; None keeps the
            input's.
        return_indices: Whether to return where the maxima are, too.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.AdaptiveMaxPool3d``, 2.13.0, T0; a list of sizes is kept as a tuple.

    Example:
        >>> import jax.numpy as jnp
        >>> AdaptiveMaxPool3d(2)(jnp.ones((1, 5, 5, 5))).shape
        (1, 2, 2, 2)
    """

    def forward(self, input: ArrayLike) -> Pooled:
        """Returns ``(N, C, D_out, H_out, W_out)``, and indices if asked for them."""
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)
