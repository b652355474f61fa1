# SPDX-License-Identifier: Apache-2.0
"""Gated activations as modules; the arithmetic is `flaxnn.functional`'s."""

from __future__ import annotations

import jax

from flaxnn import functional as F
from flaxnn._typing import ArrayLike
from flaxnn.init import Source
from flaxnn.nn._elementwise import InplaceElementwise
from flaxnn.nn._module import Module


class GLU(Module):
    """Multiplies one half of the input by the sigmoid of the other.

    Args:
        dim: The dimension to halve.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.GLU``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> GLU()(jnp.array([4.0, 8.0, 0.0, 1000.0]))
        Array([2., 8.], dtype=float32)
    """

    def __init__(self, dim: int = -1, *, rngs: Source | None = None):
        self.dim = dim

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the gated half."""
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return f"dim={self.dim}"


class GELU(Module):
    """Applies ``x · Φ(x)``, with Φ the normal distribution function.

    Args:
        approximate: 'none', or 'tanh' for the approximation by a tanh.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.GELU``, 2.13.0, T1; see `flaxnn.functional.gelu` for its
        float32 error.

    Example:
        >>> import jax.numpy as jnp
        >>> round(float(GELU()(jnp.array(1.0))), 4)
        0.8413
    """

    def __init__(self, approximate: str = "none", *, rngs: Source | None = None):
        self.approximate = approximate

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return f"approximate={self.approximate!r}"


class SiLU(InplaceElementwise):
    """Applies ``x · sigmoid(x)``, also called swish.

    Args:
        inplace: Only False: JAX arrays cannot be changed.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.SiLU``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> round(float(SiLU()(jnp.array(1.0))), 4)
        0.7311
    """

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        return F.silu(input)


class Mish(InplaceElementwise):
    """Applies ``x · tanh(softplus(x))``.

    Args:
        inplace: Only False: JAX arrays cannot be changed.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.Mish``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> round(float(Mish()(jnp.array(1.0))), 4)
        0.8651
    """

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        return F.mish(input)
