# SPDX-License-Identifier: Apache-2.0
"""Rectifiers and clips as modules; the arithmetic is `flaxnn.functional`'s."""

from __future__ import annotations

import jax

from flaxnn import functional as F
from flaxnn._typing import ArrayLike
from flaxnn.functional._checks import check_inplace
from flaxnn.init import Source
from flaxnn.nn._elementwise import InplaceElementwise
from flaxnn.nn._module import Module


class ReLU(InplaceElementwise):
    """Applies ``max(0, x)``; the gradient at 0 is 0.

    Args:
        inplace: Only False: JAX arrays cannot be changed.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.ReLU``, 2.13.0, T0.

    Example:
        >>> import jax.numpy as jnp
        >>> ReLU()(jnp.array([-1.0, 2.0]))
        Array([0., 2.], dtype=float32)
    """

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        return F.relu(input)


class Hardtanh(Module):
    """Clips to between ``min_val`` and ``max_val``; the gradient at both is 0.

    Args:
        min_val: The smallest output.
        max_val: The largest output, above `min_val`.
        inplace: Only False: JAX arrays cannot be changed.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.Hardtanh``, 2.13.0, T0. Its deprecated `min_value` and `max_value`
        are not taken.

    Example:
        >>> import jax.numpy as jnp
        >>> Hardtanh()(jnp.array([-3.0, 0.5, 2.0]))
        Array([-1. ,  0.5,  1. ], dtype=float32)
    """

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        *,
        rngs: Source | None = None,
    ):
        check_inplace(inplace)
        if max_val <= min_val:
            raise AssertionError(
                f"max_val ({max_val}) must be greater than min_val ({min_val})"
            )
        self.min_val = min_val
        self.max_val = max_val

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        return F.hardtanh(input, self.min_val, self.max_val)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return f"min_val={self.min_val}, max_val={self.max_val}"


class ReLU6(Hardtanh):
    """Clips to between 0 and 6; the gradient at both is 0.

    Args:
        inplace: Only False: JAX arrays cannot be changed.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.ReLU6``, 2.13.0, T0.

    Example:
        >>> import jax.numpy as jnp
        >>> ReLU6()(jnp.array([-1.0, 3.0, 8.0]))
        Array([0., 3., 6.], dtype=float32)
    """

    def __init__(self, inplace: bool = False, *, rngs: Source | None = None):
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return ""


class Threshold(Module):
    """Replaces what is not above ``threshold`` by ``value``.

    Args:
        threshold: Elements up to it, itself included, are replaced.
        value: What they are replaced by.
        inplace: Only False: JAX arrays cannot be changed.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.Threshold``, 2.13.0, T0.

    Example:
        >>> import jax.numpy as jnp
        >>> Threshold(0.5, 20.0)(jnp.array([0.5, 2.0]))
        Array([20.,  2.], dtype=float32)
    """

    def __init__(
        self,
        threshold: float,
        value: float,
        inplace: bool = False,
        *,
        rngs: Source | None = None,
    ):
        check_inplace(inplace)
        self.threshold = threshold
        self.value = value

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        return F.threshold(input, self.threshold, self.value)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return f"threshold={self.threshold}, value={self.value}"
