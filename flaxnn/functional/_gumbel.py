# SPDX-License-Identifier: Apache-2.0
"""Samples from a softmax that can be differentiated."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from flaxnn._typing import Array, ArrayLike, Float
from flaxnn.functional._checks import (
    as_array,
    check_dim,
    dtype_name,
    torch_size,
    warn_caller,
    widen,
)
from flaxnn.functional._options import Option
from flaxnn.functional._softmax import softmax


def gumbel_softmax(
    logits: ArrayLike,
    tau: Option = 1.0,
    hard: bool = False,
    eps: float = 1e-10,
    dim: int = -1,
    *,
    noise: ArrayLike | None = None,
) -> Float[Array, "..."]:
    """Returns the softmax of ``(logits + noise) / tau``, or one-hot its largest entry.

    Args:
        logits: Unnormalised log-probabilities, any shape; floating point.
        tau: The temperature; the smaller, the closer to one-hot.
        hard: Whether to return one-hot slices. Their derivative is that of the softmax.
        eps: Has no effect and is deprecated, as in PyTorch.
        dim: The dimension whose slices sum to 1.
        noise: The logits' shape: standard Gumbel numbers.

    Returns:
        The logits' shape and dtype.

    Raises:
        TypeError: There is no `noise`, or `dim` is no integer.
        RuntimeError: The logits are not floating point, or the noise has another shape.
        IndexError: `dim` is out of range, or `hard` meets an empty one.

    Torch:
        ``torch.nn.functional.gumbel_softmax``, 2.13.0, which draws the noise itself:
        ``noise=-np.log(generator.exponential(logits.shape))`` is PyTorch's, where
        `generator` is the `flaxnn.random.Generator` of the run. With the same noise T1
        in float64; float32 within 1e-6 relative; T3 in half precision.

    Example:
        >>> import jax
        >>> logits = jax.numpy.log(jax.numpy.array([0.1, 0.2, 0.7]))
        >>> noise = jax.random.gumbel(jax.random.key(0), logits.shape)
        >>> round(float(gumbel_softmax(logits, tau=0.5, noise=noise).sum()), 4)
        1.0
        >>> gumbel_softmax(logits, hard=True, noise=[0.0, 3.0, 0.0])
        Array([0., 1., 0.], dtype=float32)

    References:
        Jang, Gu and Poole, "Categorical Reparameterization with Gumbel-Softmax", 2017.
        Maddison, Mnih and Teh, "The Concrete Distribution", 2017.
    """
    if eps != 1e-10:
        warn_caller("`eps` parameter is deprecated and has no effect.")
    x = as_array(logits, "logits")
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise RuntimeError(
            "Exponential distribution is a continuous probability distribution. dtype "
            f"must be a floating point but you specified {dtype_name(logits)}"
        )
    axis = check_dim(dim, x.ndim)
    if hard and x.ndim and x.shape[axis] == 0:
        raise IndexError(
            f"max(): Expected reduction dim {axis} to have non-zero size. Got logits "
            f"of {torch_size(x.shape)}"
        )
    soft = softmax((widen(x) + _as_gumbel(noise, x.shape)) / tau, axis)
    if hard:
        soft = _largest(soft, axis) - jax.lax.stop_gradient(soft) + soft
    return soft.astype(x.dtype)


def _as_gumbel(noise: ArrayLike | None, shape: tuple[int, ...]) -> Float[Array, "..."]:
    """Returns the noise, which stands for what PyTorch draws."""
    if noise is None:
        raise TypeError(
            "gumbel_softmax adds random numbers: pass Gumbel noise of the logits' "
            "shape, such as noise=jax.random.gumbel(key, logits.shape)"
        )
    array = as_array(noise, "noise")
    if array.shape != shape:
        raise RuntimeError(
            f"expected noise of the logits' shape, {torch_size(shape)}, got "
            f"{torch_size(array.shape)}"
        )
    return widen(array)


def _largest(soft: Float[Array, "*shape"], axis: int) -> Float[Array, "*shape"]:
    """Returns 1 at the first largest entry along a dimension, 0 elsewhere."""
    if soft.ndim == 0:
        return jnp.ones_like(soft)
    index = jnp.argmax(soft, axis)
    return jax.nn.one_hot(index, soft.shape[axis], axis=axis, dtype=soft.dtype)
