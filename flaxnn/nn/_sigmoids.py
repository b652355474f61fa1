# SPDX-License-Identifier: Apache-2.0
"""Smooth activations as modules; the arithmetic is `flaxnn.functional`'s."""

from __future__ import annotations

import jax

from flaxnn import functional as F
from flaxnn._typing import ArrayLike
from flaxnn.init import Source
from flaxnn.nn._elementwise import Elementwise
from flaxnn.nn._module import Module


class Sigmoid(Elementwise):
    """Applies ``1 / (1 + exp(-x))``.

    Args:
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.Sigmoid``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> Sigmoid()(jnp.array([0.0]))
        Array([0.5], dtype=float32)
    """

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        return F.sigmoid(input)


class LogSigmoid(Elementwise):
    """Applies ``log(sigmoid(x))`` without overflow.

    Args:
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.LogSigmoid``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> float(LogSigmoid()(jnp.array(-200.0)))
        -200.0
    """

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        return F.logsigmoid(input)


class Tanh(Elementwise):
    """Applies the hyperbolic tangent.

    Args:
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.Tanh``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> Tanh()(jnp.array([0.0]))
        Array([0.], dtype=float32)
    """

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        return F.tanh(input)


class Softplus(Module):
    """Applies ``log(1 + exp(beta · x)) / beta``, and x where that is nearly x.

    Args:
        beta: How sharp the bend is.
        threshold: The output is x where ``beta · x`` is above it.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.Softplus``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> round(float(Softplus()(jnp.array(0.0))), 4)
        0.6931
    """

    def __init__(
        self, beta: float = 1.0, threshold: float = 20.0, *, rngs: Source | None = None
    ):
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return f"beta={self.beta}, threshold={self.threshold}"


class Softsign(Elementwise):
    """Applies ``x / (1 + |x|)``.

    Args:
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.Softsign``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> Softsign()(jnp.array([-1.0, 3.0]))
        Array([-0.5 ,  0.75], dtype=float32)
    """

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        return F.softsign(input)
