# SPDX-License-Identifier: Apache-2.0
"""Shrinking activations as modules; the arithmetic is `flaxnn.functional`'s."""

from __future__ import annotations

import jax

from flaxnn import functional as F
from flaxnn._typing import ArrayLike
from flaxnn.init import Source
from flaxnn.nn._elementwise import Elementwise
from flaxnn.nn._module import Module


class Softshrink(Module):
    """Moves the input by ``lambd`` towards 0, and to 0 what is nearer.

    Args:
        lambd: How far; not negative.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.Softshrink``, 2.13.0, T0.

    Example:
        >>> import jax.numpy as jnp
        >>> Softshrink()(jnp.array([-2.0, 0.5, 1.0]))
        Array([-1.5,  0. ,  0.5], dtype=float32)
    """

    def __init__(self, lambd: float = 0.5, *, rngs: Source | None = None):
        self.lambd = lambd

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return str(self.lambd)


class Hardshrink(Module):
    """Makes 0 what lies between ``-lambd`` and ``lambd``.

    Args:
        lambd: The largest magnitude that becomes 0.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.Hardshrink``, 2.13.0, T0.

    Example:
        >>> import jax.numpy as jnp
        >>> Hardshrink()(jnp.array([-2.0, 0.5, 1.0]))
        Array([-2.,  0.,  1.], dtype=float32)
    """

    def __init__(self, lambd: float = 0.5, *, rngs: Source | None = None):
        self.lambd = lambd

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return str(self.lambd)


class Tanhshrink(Elementwise):
    """Applies ``x - tanh(x)``.

    Args:
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.Tanhshrink``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> Tanhshrink()(jnp.array([0.0, 1000.0]))
        Array([  0., 999.], dtype=float32)
    """

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        return F.tanhshrink(input)
