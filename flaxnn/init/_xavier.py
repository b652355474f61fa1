# SPDX-License-Identifier: Apache-2.0
"""Xavier's initialisers."""

from __future__ import annotations

import math

import jax
import numpy as np
from numpy.typing import DTypeLike

from flaxnn.init._fans import fan_in_and_fan_out
from flaxnn.init._source import Source, draw_normal, draw_uniform


def xavier_uniform(
    shape: tuple[int, ...],
    gain: float = 1.0,
    *,
    rngs: Source,
    dtype: DTypeLike = np.float32,
) -> jax.Array:
    """Returns a weight from [-b, b), b = gain · √(6 / (fan_in + fan_out)).

    Args:
        shape: ``(out, in, *kernel)``, PyTorch's layout.
        gain: Scale, such as `calculate_gain` recommends.
        rngs: A `Generator` for PyTorch's numbers or `nnx.Rngs` for JAX's.
        dtype: float32, float64, float16 or bfloat16.

    Raises:
        TypeError: ``rngs`` is neither a `Generator` nor `nnx.Rngs`.
        ValueError: The shape has fewer than two dimensions.
        RuntimeError: The gain is negative.
        ZeroDivisionError: Both fans are 0.
        NotImplementedError: The dtype is another.

    Torch:
        ``torch.nn.init.xavier_uniform_``, 2.13.0, T0 with a `Generator`.

    Example:
        >>> from flaxnn.random import Generator
        >>> xavier_uniform((1, 2), rngs=Generator(0))
        Array([[-0.01058796,  0.7586458 ]], dtype=float32)

    References:
        Glorot and Bengio, "Understanding the difficulty of training deep feedforward
        neural networks", 2010, equation 16.
    """
    # In this order, as for Kaiming's.
    bound = math.sqrt(3.0) * _std(shape, gain)
    return draw_uniform(rngs, shape, -bound, bound, np.dtype(dtype))


def xavier_normal(
    shape: tuple[int, ...],
    gain: float = 1.0,
    *,
    rngs: Source,
    dtype: DTypeLike = np.float32,
) -> jax.Array:
    """Returns a weight with standard deviation gain · √(2 / (fan_in + fan_out)).

    Args:
        shape: ``(out, in, *kernel)``, PyTorch's layout.
        gain: Scale, such as `calculate_gain` recommends.
        rngs: A `Generator` for PyTorch's numbers or `nnx.Rngs` for JAX's.
        dtype: float32, float64, float16 or bfloat16.

    Raises:
        TypeError: ``rngs`` is neither a `Generator` nor `nnx.Rngs`.
        ValueError: The shape has fewer than two dimensions.
        RuntimeError: The gain is negative.
        ZeroDivisionError: Both fans are 0.
        NotImplementedError: The dtype is another.

    Torch:
        ``torch.nn.init.xavier_normal_``, 2.13.0, T0 with a `Generator`.

    Example:
        >>> from flaxnn.random import Generator
        >>> xavier_normal((1, 2), rngs=Generator(0))
        Array([[ 1.258218 , -0.2395837]], dtype=float32)

    References:
        Glorot and Bengio, "Understanding the difficulty of training deep feedforward
        neural networks", 2010, equation 12.
    """
    return draw_normal(rngs, shape, 0.0, _std(shape, gain), np.dtype(dtype))


def _std(shape: tuple[int, ...], gain: float) -> float:
    """Returns gain · √(2 / (fan_in + fan_out))."""
    return gain * math.sqrt(2.0 / float(sum(fan_in_and_fan_out(shape))))
