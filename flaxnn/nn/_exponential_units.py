# SPDX-License-Identifier: Apache-2.0
"""Exponential units as modules; the arithmetic is `flaxnn.functional`'s."""

from __future__ import annotations

import jax

from flaxnn import functional as F
from flaxnn._typing import ArrayLike
from flaxnn.functional._checks import check_inplace
from flaxnn.init import Source
from flaxnn.nn._elementwise import InplaceElementwise
from flaxnn.nn._module import Module


class ELU(Module):
    """Applies ``x`` above 0 and ``alpha · (exp(x) - 1)`` elsewhere.

    Args:
        alpha: Minus the limit for large negative inputs.
        inplace: Only False: JAX arrays cannot be changed.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.ELU``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> ELU()(jnp.array([0.0, 2.0]))
        Array([0., 2.], dtype=float32)
    """

    def __init__(
        self, alpha: float = 1.0, inplace: bool = False, *, rngs: Source | None = None
    ):
        check_inplace(inplace)
        self.alpha = alpha

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        return F.elu(input, self.alpha)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return f"alpha={self.alpha}"


class SELU(InplaceElementwise):
    """Applies the `ELU` that keeps mean 0 and variance 1 from layer to layer.

    Args:
        inplace: Only False: JAX arrays cannot be changed.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.SELU``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> round(float(SELU()(jnp.array(1.0))), 4)
        1.0507
    """

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        return F.selu(input)


class CELU(Module):
    """Applies ``x`` above 0 and ``alpha · (exp(x / alpha) - 1)`` elsewhere.

    Args:
        alpha: Minus the limit for large negative inputs; not 0.
        inplace: Only False: JAX arrays cannot be changed.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.CELU``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> CELU(2.0)(jnp.array([-1000.0, 2.0]))
        Array([-2.,  2.], dtype=float32)
    """

    def __init__(
        self, alpha: float = 1.0, inplace: bool = False, *, rngs: Source | None = None
    ):
        check_inplace(inplace)
        self.alpha = alpha

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        return F.celu(input, self.alpha)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return f"alpha={self.alpha}"
