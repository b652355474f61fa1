# SPDX-License-Identifier: Apache-2.0
"""The softmax family as modules; the arithmetic is `flaxnn.functional`'s."""

from __future__ import annotations

import jax
import numpy as np

from flaxnn import functional as F
from flaxnn._typing import ArrayLike
from flaxnn.init import Source
from flaxnn.nn._elementwise import Elementwise
from flaxnn.nn._module import Module


class Softmax(Module):
    """Turns logits into probabilities that sum to 1 along a dimension.

    Args:
        dim: The dimension; None picks one as PyTorch did, with a warning.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.Softmax``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> Softmax(dim=1)(jnp.zeros((1, 4)))
        Array([[0.25, 0.25, 0.25, 0.25]], dtype=float32)
    """

    def __init__(self, dim: int | None = None, *, rngs: Source | None = None):
        self.dim = dim

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the probabilities, shaped as the input."""
        return F.softmax(input, self.dim)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """Turns logits into log-probabilities along a dimension.

    Args:
        dim: The dimension; None picks one as PyTorch did, with a warning.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.LogSoftmax``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> LogSoftmax(dim=0)(jnp.zeros(1))
        Array([0.], dtype=float32)
    """

    def __init__(self, dim: int | None = None, *, rngs: Source | None = None):
        self.dim = dim

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the log-probabilities, shaped as the input."""
        return F.log_softmax(input, self.dim)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return f"dim={self.dim}"


class Softmin(Module):
    """Turns the smallest of the numbers along a dimension into the most probable.

    Args:
        dim: The dimension; None picks one as PyTorch did, with a warning.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.Softmin``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> Softmin(dim=1)(jnp.array([[-1000.0, 0.0]]))
        Array([[1., 0.]], dtype=float32)
    """

    def __init__(self, dim: int | None = None, *, rngs: Source | None = None):
        self.dim = dim

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the probabilities, shaped as the input."""
        return F.softmin(input, self.dim)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return f"dim={self.dim}"


class Softmax2d(Elementwise):
    """Turns the channels of an image into probabilities at every pixel.

    Args:
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.Softmax2d``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> Softmax2d()(jnp.zeros((2, 1, 1)))[:, 0, 0]
        Array([0.5, 0.5], dtype=float32)
    """

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the probabilities of ``(N, C, H, W)`` or ``(C, H, W)``.

        Raises:
            ValueError: The input has neither three nor four dimensions.
        """
        ndim = np.ndim(input)
        if ndim not in (3, 4):
            raise ValueError(
                f"Softmax2d: expected input to be 3D or 4D, got {ndim}D instead"
            )
        return F.softmax(input, -3)
