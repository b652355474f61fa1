"""Activations as modules; the arithmetic is `flaxnn.functional`'s."""

from __future__ import annotations

import jax

from flaxnn import functional as F
from flaxnn._typing import ArrayLike
from flaxnn.init import Source
from flaxnn.nn._module import Module


class _Elementwise(Module):
    """An activation without options."""

    def __init__(self, *, rngs: Source | None = None):
        pass


class ReLU(_Elementwise):
    """Applies ``max(0, x)``; the gradient at 0 is 0.

    Args:
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.ReLU``, 2.13.0. ``inplace`` has no counterpart.

    Example:
        >>> import jax.numpy as jnp
        >>> ReLU()(jnp.array([-1.0, 2.0]))
        Array([0., 2.], dtype=float32)
    """

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        return F.relu(input)


class Sigmoid(_Elementwise):
    """Applies ``1 / (1 + exp(-x))``.

    Args:
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.Sigmoid``, 2.13.0.

    Example:
        >>> import jax.numpy as jnp
        >>> Sigmoid()(jnp.array([0.0]))
        Array([0.5], dtype=float32)
    """

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        return F.sigmoid(input)


class LogSigmoid(_Elementwise):
    """Applies ``log(sigmoid(x))`` without overflow.

    Args:
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.LogSigmoid``, 2.13.0.

    Example:
        >>> import jax.numpy as jnp
        >>> float(LogSigmoid()(jnp.array(-200.0)))
        -200.0
    """

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        return F.logsigmoid(input)


class Tanh(_Elementwise):
    """Applies the hyperbolic tangent.

    Args:
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.Tanh``, 2.13.0.

    Example:
        >>> import jax.numpy as jnp
        >>> Tanh()(jnp.array([0.0]))
        Array([0.], dtype=float32)
    """

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        return F.tanh(input)


class LeakyReLU(Module):
    """Applies ``x`` above 0 and ``negative_slope · x`` elsewhere.

    Args:
        negative_slope: Slope at and below 0.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.LeakyReLU``, 2.13.0. ``inplace`` has no counterpart.

    Example:
        >>> import jax.numpy as jnp
        >>> LeakyReLU(0.5)(jnp.array([-1.0, 2.0]))
        Array([-0.5,  2. ], dtype=float32)
    """

    def __init__(self, negative_slope: float = 0.01, *, rngs: Source | None = None):
        self.negative_slope = negative_slope

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        return F.leaky_relu(input, self.negative_slope)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return f"negative_slope={self.negative_slope}"


class ELU(Module):
    """Applies ``x`` above 0 and ``alpha · (exp(x) - 1)`` elsewhere.

    Args:
        alpha: Minus the limit for large negative inputs.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.ELU``, 2.13.0. ``inplace`` has no counterpart.

    Example:
        >>> import jax.numpy as jnp
        >>> ELU()(jnp.array([0.0, 2.0]))
        Array([0., 2.], dtype=float32)
    """

    def __init__(self, alpha: float = 1.0, *, rngs: Source | None = None):
        self.alpha = alpha

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        return F.elu(input, self.alpha)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return f"alpha={self.alpha}"


class Softmax(Module):
    """Turns logits into probabilities that sum to 1 along a dimension.

    Args:
        dim: The dimension; None picks one as PyTorch did, with a warning.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.Softmax``, 2.13.0.

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
        ``torch.nn.LogSoftmax``, 2.13.0.

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
