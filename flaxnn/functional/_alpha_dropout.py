# SPDX-License-Identifier: Apache-2.0
"""Alpha dropout, which keeps the mean and variance that SELU gives."""

from __future__ import annotations

from flaxnn._typing import Array, ArrayLike, Shaped
from flaxnn.functional._checks import as_array
from flaxnn.functional._masks import Mask, channels, dropped
from flaxnn.functional._options import Option


def alpha_dropout(
    input: ArrayLike,
    p: Option = 0.5,
    training: bool = False,
    inplace: bool = False,
    *,
    mask: Mask = None,
) -> Shaped[Array, "..."]:
    """Returns the input with elements at SELU's saturation; keeps mean 0, variance 1.

    Args:
        input: Any shape; floating point.
        p: Probability of an element to be dropped, in [0, 1].
        training: Whether anything is done at all; False unless said otherwise.
        inplace: Only False: JAX arrays cannot be changed.
        mask: Of the input's shape, True or 1 where an element is kept; or a function
            from that shape to it.

    Returns:
        The input's shape and dtype.

    Raises:
        ValueError: `p` is not in [0, 1], `mask` has another shape, or ``inplace``.
        TypeError: There is no mask, and one is needed.
        RuntimeError: The input is not floating point, or `p` is nan.

    Torch:
        ``torch.nn.functional.alpha_dropout``, 2.13.0. T1 in float64, given its mask;
        float32 within 1e-6 relative. It draws ``generator.bernoulli(1 - p,
        input.shape)``.

    Example:
        >>> alpha_dropout([0.0, 0.0], 0.5, training=True, mask=[True, False])
        Array([ 0.77919394, -0.77919394], dtype=float32)

    References:
        Klambauer et al., "Self-Normalizing Neural Networks", 2017.
    """
    x = as_array(input, "input")
    return dropped(input, p, training, inplace, mask, x.shape, alpha=True)


def feature_alpha_dropout(
    input: ArrayLike,
    p: Option = 0.5,
    training: bool = False,
    inplace: bool = False,
    *,
    mask: Mask = None,
) -> Shaped[Array, "..."]:
    """Returns `alpha_dropout` of whole channels.

    Args:
        input: ``(N, C, *)``; floating point.
        p: Probability of a channel to be dropped, in [0, 1].
        training: Whether anything is done at all; False unless said otherwise.
        inplace: Only False: JAX arrays cannot be changed.
        mask: ``(N, C, 1, …)``, True or 1 where a channel is kept; or a function from
            that shape to it.

    Returns:
        The input's shape and dtype.

    Raises:
        ValueError: `p` is not in [0, 1], `mask` has another shape, or ``inplace``.
        TypeError: There is no mask, and one is needed.
        RuntimeError: There are fewer than two dimensions, the input is not floating
            point, or `p` is nan.

    Torch:
        ``torch.nn.functional.feature_alpha_dropout``, 2.13.0. T1 in float64, given its
        mask; float32 within 1e-6 relative. It draws ``generator.bernoulli(1 - p,
        (N, C, 1, …))``.

    Example:
        >>> import jax.numpy as jnp
        >>> mask = jnp.array([[[True], [False]]])
        >>> x = feature_alpha_dropout(jnp.zeros((1, 2, 3)), 0.5, True, mask=mask)
        >>> x[0, :, 0]
        Array([ 0.77919394, -0.77919394], dtype=float32)
    """
    x = as_array(input, "input")
    shape = channels(x.shape, batched=True)
    return dropped(input, p, training, inplace, mask, shape, alpha=True)
