# SPDX-License-Identifier: Apache-2.0
"""Leaky rectifiers as modules; the arithmetic is `flaxnn.functional`'s."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from flaxnn import functional as F
from flaxnn._typing import ArrayLike, DTypeLike
from flaxnn.functional._checks import check_inplace
from flaxnn.init import Source, constant
from flaxnn.nn._keys import key_stream
from flaxnn.nn._module import Module
from flaxnn.nn._parameter import Parameter


class LeakyReLU(Module):
    """Applies ``x`` above 0 and ``negative_slope · x`` elsewhere.

    Args:
        negative_slope: Slope at and below 0.
        inplace: Only False: JAX arrays cannot be changed.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.LeakyReLU``, 2.13.0, T0.

    Example:
        >>> import jax.numpy as jnp
        >>> LeakyReLU(0.5)(jnp.array([-1.0, 2.0]))
        Array([-0.5,  2. ], dtype=float32)
    """

    def __init__(
        self,
        negative_slope: float = 0.01,
        inplace: bool = False,
        *,
        rngs: Source | None = None,
    ):
        check_inplace(inplace)
        self.negative_slope = negative_slope

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        return F.leaky_relu(input, self.negative_slope)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return f"negative_slope={self.negative_slope}"


class PReLU(Module):
    """Applies ``x`` above 0 and ``weight · x`` elsewhere, with a learned weight.

    Args:
        num_parameters: 1, or the number of channels for a weight of each.
        init: The weight at the start.
        rngs: Ignored; nothing is drawn.
        dtype: float32 or float64 parameters.

    Attributes:
        weight: ``(num_parameters,)``.

    Torch:
        ``torch.nn.PReLU``, 2.13.0: initial values T0.

    Example:
        >>> import jax.numpy as jnp
        >>> PReLU()(jnp.array([-1.0, 2.0]))
        Array([-0.25,  2.  ], dtype=float32)
    """

    def __init__(
        self,
        num_parameters: int = 1,
        init: float = 0.25,
        *,
        rngs: Source | None = None,
        dtype: DTypeLike = np.float32,
    ):
        self.num_parameters = num_parameters
        self.init = init
        self.weight: Parameter[jax.Array] = Parameter(
            constant((num_parameters,), init, dtype=dtype)
        )

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element of ``(N, C, *)``."""
        return F.prelu(input, self.weight.get_value())

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return f"num_parameters={self.num_parameters}"


class RReLU(Module):
    """Applies ``x`` above 0 and ``slope · x`` elsewhere, the slopes random in training.

    In training every element has its own slope, uniform between the bounds, drawn from
    JAX keys; in evaluation all have the bounds' mean.

    Args:
        lower: The smallest slope.
        upper: The largest slope.
        inplace: Only False: JAX arrays cannot be changed.
        rngs: `nnx.Rngs` to train with, whose "dropout" or default stream is forked.
            A `Generator`, or none, is enough for evaluation.

    Attributes:
        keys: The layer's stream of JAX keys, or None.

    Raises:
        TypeError: `rngs` is something else.
        RuntimeError: A call in training mode without `nnx.Rngs`.

    Torch:
        ``torch.nn.RReLU``, 2.13.0, T0: the same function in evaluation, the same
        distribution in training. PyTorch's own slopes cannot be had from a `Generator`:
        it draws one only where the input is not above 0, so that the place in the
        stream depends on the data, which a compiled run does not show the host.

    Example:
        >>> import jax.numpy as jnp
        >>> from flax import nnx
        >>> layer = RReLU(0.0, 1.0, rngs=nnx.Rngs(0))
        >>> bool((jnp.abs(layer(-jnp.ones(100)) + 0.5) < 0.5).all())
        True
        >>> layer.eval()(jnp.array([-3.0, 2.0]))
        Array([-1.5,  2. ], dtype=float32)
    """

    def __init__(
        self,
        lower: float = 1.0 / 8,
        upper: float = 1.0 / 3,
        inplace: bool = False,
        *,
        rngs: Source | None = None,
    ):
        check_inplace(inplace)
        self.lower = lower
        self.upper = upper
        self.keys: nnx.RngStream | None = key_stream(rngs)

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the activation of every element."""
        if not self.training:
            return F.rrelu(input, self.lower, self.upper)
        if self.keys is None:
            raise RuntimeError(
                "RReLU in training mode needs JAX keys: construct it with "
                "rngs=flax.nnx.Rngs(0). PyTorch's slopes cannot be drawn from a "
                "Generator, because how many it draws depends on the data"
            )
        x = jnp.asarray(input)
        dtype = jnp.promote_types(x.dtype, jnp.float32)
        noise = jax.random.uniform(self.keys(), x.shape, dtype)
        return F.rrelu(input, self.lower, self.upper, training=True, noise=noise)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return f"lower={self.lower}, upper={self.upper}"
