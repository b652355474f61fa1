# SPDX-License-Identifier: Apache-2.0
"""Hard sigmoid and hard swish as modules; the arithmetic is `flaxnn.functional`'s."""

from __future__ import annotations

import jax

from flaxnn import functional as F
from flaxnn._typing import ArrayLike
from flaxnn.nn._elementwise import InplaceElementwise


class Hardsigmoid(InplaceElementwise):
    """Applies ``(x + 3) / 6``, clipped to between 0 and 1.

    Args:
        inplace: Only False: JAX arrays cannot be changed.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.Hardsigmoid``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> Hardsigmoid()(jnp.array([-4.0, 0.0, 4.0]))
        Array([0. , 0.5, 1. ], dtype=float32)
    """

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        return F.hardsigmoid(input)


class Hardswish(InplaceElementwise):
    """Applies ``x · hardsigmoid(x)``.

    Args:
        inplace: Only False: JAX arrays cannot be changed.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.Hardswish``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> Hardswish()(jnp.array([0.0, 4.0]))
        Array([0., 4.], dtype=float32)
    """

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        return F.hardswish(input)
