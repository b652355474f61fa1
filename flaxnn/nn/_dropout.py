# SPDX-License-Identifier: Apache-2.0
"""Dropout: PyTorch's masks from the run's stream, or masks from JAX keys."""

from __future__ import annotations

from collections.abc import Callable

import jax
from flax import nnx

from flaxnn import functional as F
from flaxnn._typing import ArrayLike
from flaxnn.functional._checks import check_inplace
from flaxnn.init import Source
from flaxnn.nn._host_draws import host_draw
from flaxnn.nn._keys import key_stream
from flaxnn.nn._module import Module


def mask_of(
    p: float, keys: nnx.RngStream | None, owner: Module
) -> Callable[[tuple[int, ...]], jax.Array]:
    """Returns what draws a mask of a shape; called only where PyTorch draws."""
    consumer = f"{type(owner).__name__} mask"

    def mask(shape: tuple[int, ...]) -> jax.Array:
        if keys is not None:
            return jax.random.bernoulli(keys(), 1 - p, shape)
        return host_draw(
            "bernoulli",
            1 - p,
            shape,
            "bool",
            shape=shape,
            dtype="bool",
            consumer=consumer,
        )

    return mask


class _DropoutNd(Module):
    """A dropout; which of them is its subclasses'."""

    _apply: Callable[..., jax.Array]

    def __init__(
        self, p: float = 0.5, inplace: bool = False, *, rngs: Source | None = None
    ):
        if p < 0 or p > 1:
            raise ValueError(
                f"dropout probability has to be between 0 and 1, but got {p}"
            )
        check_inplace(inplace)
        self.p = p
        self.keys: nnx.RngStream | None = key_stream(rngs)

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the input, in training with elements or channels dropped."""
        apply = type(self)._apply
        return apply(
            input, self.p, self.training, mask=mask_of(self.p, self.keys, self)
        )

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return f"p={self.p}, inplace=False"


class Dropout(_DropoutNd):
    """Sets elements to 0 in training, and divides the others by ``1 - p``.

    Args:
        p: Probability of an element to be set to 0, in [0, 1].
        inplace: Only False: JAX arrays cannot be changed.
        rngs: With a `flax.nnx.Rngs` the masks are drawn from JAX keys, of its stream
            "dropout" or else its default one; the layer keeps a stream of its own,
            which moves on at every call in training. With a `Generator` or nothing
            they are PyTorch's: drawn from the run's Generator by `flaxnn.fit`, or by
            `drawing` outside of it. The layer keeps no Generator.

    Attributes:
        keys: The layer's stream of JAX keys, or None.

    Raises:
        ValueError: `p` is not in [0, 1], or ``inplace`` is True.
        TypeError: `rngs` is something else.
        RuntimeError: On a call in training, nobody provides PyTorch's masks.

    Torch:
        ``torch.nn.Dropout``, 2.13.0: T0, masks and output, with PyTorch's masks. They
        take two 32-bit words of the stream for each element in row-major order, where
        PyTorch takes the order of its memory for a transposed or channels-last input.
        Nothing is drawn in evaluation, for an empty input and where p is 0 or 1. Up to
        2.6 PyTorch drew them by MKL on Intel processors: ``Generator(seed,
        torch_version="2.6")``.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn import nn
        >>> from flaxnn.random import Generator
        >>> with nn.drawing(Generator(0)):
        ...     nn.Dropout(0.5)(jnp.ones(6))
        Array([0., 0., 2., 0., 0., 0.], dtype=float32)
        >>> nn.Dropout(0.5).eval()(jnp.ones(2))
        Array([1., 1.], dtype=float32)

    References:
        Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from
        Overfitting", 2014.
    """

    _apply = F.dropout


class Dropout1d(_DropoutNd):
    """Sets whole channels of ``(N, C, L)`` or ``(C, L)`` to 0 in training.

    Args:
        p: Probability of a channel to be set to 0, in [0, 1].
        inplace: Only False: JAX arrays cannot be changed.
        rngs: Where masks are drawn from, as for `Dropout`.

    Torch:
        ``torch.nn.Dropout1d``, 2.13.0, T0; as `Dropout`, two words for each channel.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn import nn
        >>> from flaxnn.random import Generator
        >>> with nn.drawing(Generator(2)):
        ...     nn.Dropout1d(0.5)(jnp.ones((2, 2)))
        Array([[0., 0.],
               [2., 2.]], dtype=float32)
    """

    _apply = F.dropout1d


class Dropout2d(_DropoutNd):
    """Sets whole channels of ``(N, C, H, W)`` to 0 in training.

    Args:
        p: Probability of a channel to be set to 0, in [0, 1].
        inplace: Only False: JAX arrays cannot be changed.
        rngs: Where masks are drawn from, as for `Dropout`.

    Torch:
        ``torch.nn.Dropout2d``, 2.13.0, T0; as `Dropout`, two words for each channel.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn import nn
        >>> from flaxnn.random import Generator
        >>> with nn.drawing(Generator(2)):
        ...     nn.Dropout2d(0.5)(jnp.ones((1, 2, 3, 3)))[0, :, 0, 0]
        Array([0., 2.], dtype=float32)
    """

    _apply = F.dropout2d


class Dropout3d(_DropoutNd):
    """Sets whole channels of ``(N, C, D, H, W)`` or ``(C, D, H, W)`` to 0 in training.

    Args:
        p: Probability of a channel to be set to 0, in [0, 1].
        inplace: Only False: JAX arrays cannot be changed.
        rngs: Where masks are drawn from, as for `Dropout`.

    Torch:
        ``torch.nn.Dropout3d``, 2.13.0, T0; as `Dropout`, two words for each channel.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn import nn
        >>> from flaxnn.random import Generator
        >>> with nn.drawing(Generator(2)):
        ...     nn.Dropout3d(0.5)(jnp.ones((2, 3, 3, 3)))[:, 0, 0, 0]
        Array([0., 2.], dtype=float32)
    """

    _apply = F.dropout3d


class AlphaDropout(_DropoutNd):
    """Sets elements to SELU's saturation in training; keeps mean 0 and variance 1.

    Args:
        p: Probability of an element to be dropped, in [0, 1].
        inplace: Only False: JAX arrays cannot be changed.
        rngs: Where masks are drawn from, as for `Dropout`.

    Torch:
        ``torch.nn.AlphaDropout``, 2.13.0; as `Dropout`, masks T0.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn import nn
        >>> from flaxnn.random import Generator
        >>> with nn.drawing(Generator(2)):
        ...     nn.AlphaDropout(0.5)(jnp.zeros(2))
        Array([-0.77919394,  0.77919394], dtype=float32)

    References:
        Klambauer et al., "Self-Normalizing Neural Networks", 2017.
    """

    _apply = F.alpha_dropout


class FeatureAlphaDropout(_DropoutNd):
    """Sets whole channels of ``(N, C, *)`` to SELU's saturation in training.

    Args:
        p: Probability of a channel to be dropped, in [0, 1].
        inplace: Only False: JAX arrays cannot be changed.
        rngs: Where masks are drawn from, as for `Dropout`.

    Torch:
        ``torch.nn.FeatureAlphaDropout``, 2.13.0; as `Dropout`, masks T0, two words for
        each channel.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn import nn
        >>> from flaxnn.random import Generator
        >>> with nn.drawing(Generator(2)):
        ...     nn.FeatureAlphaDropout(0.5)(jnp.zeros((1, 2, 3)))[0, :, 0]
        Array([-0.77919394,  0.77919394], dtype=float32)
    """

    _apply = F.feature_alpha_dropout
