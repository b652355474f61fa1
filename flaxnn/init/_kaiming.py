# SPDX-License-Identifier: Apache-2.0
"""Kaiming's initialisers; the uniform one is the default of PyTorch's layers."""

from __future__ import annotations

import math
import warnings
from typing import Literal

import jax
import numpy as np
from numpy.typing import DTypeLike

from flaxnn.init._constant import zeros
from flaxnn.init._fans import calculate_gain, fan_in_and_fan_out
from flaxnn.init._source import Source, draw_normal, draw_uniform

FanMode = Literal["fan_in", "fan_out"]


def kaiming_uniform(
    shape: tuple[int, ...],
    a: float = 0,
    mode: FanMode = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    rngs: Source,
    dtype: DTypeLike = np.float32,
) -> jax.Array:
    """Returns a weight drawn uniformly from [-b, b), b = gain · √(3 / fan).

    Args:
        shape: ``(out, in, *kernel)``, PyTorch's layout. With a size of 0 a warning
            is given and nothing is drawn.
        a: Negative slope of the rectifier behind the layer.
        mode: ``"fan_in"`` keeps the variance of the forward pass, ``"fan_out"``
            that of the backward pass.
        nonlinearity: A name `calculate_gain` knows.
        rngs: A `Generator` for PyTorch's numbers or `nnx.Rngs` for JAX's.
        dtype: float32, float64, float16 or bfloat16.

    Raises:
        TypeError: ``rngs`` is neither a `Generator` nor `nnx.Rngs`.
        ValueError: Unknown mode or nonlinearity, or fewer than two dimensions.
        NotImplementedError: The dtype is another.

    Torch:
        ``torch.nn.init.kaiming_uniform_``, 2.13.0, T0 with a `Generator`.

    Example:
        >>> from flaxnn.random import Generator
        >>> kaiming_uniform((1, 2), rngs=Generator(0))
        Array([[-0.01296755,  0.92914754]], dtype=float32)

    References:
        He et al., "Delving deep into rectifiers", 2015.
    """
    if 0 in shape:
        _warn_of_no_elements()
        return zeros(shape, dtype=dtype)
    # This order of operations in double precision: another one moves the bound by
    # an ulp, and with it every weight.
    bound = math.sqrt(3.0) * _std(shape, a, mode, nonlinearity)
    return draw_uniform(rngs, shape, -bound, bound, np.dtype(dtype))


def kaiming_normal(
    shape: tuple[int, ...],
    a: float = 0,
    mode: FanMode = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    rngs: Source,
    dtype: DTypeLike = np.float32,
) -> jax.Array:
    """Returns a weight of normal numbers with standard deviation gain / √fan.

    Args:
        shape: ``(out, in, *kernel)``, PyTorch's layout. With a size of 0 a warning
            is given and nothing is drawn.
        a: Negative slope of the rectifier behind the layer.
        mode: ``"fan_in"`` keeps the variance of the forward pass, ``"fan_out"``
            that of the backward pass.
        nonlinearity: A name `calculate_gain` knows.
        rngs: A `Generator` for PyTorch's numbers or `nnx.Rngs` for JAX's.
        dtype: float32, float64, float16 or bfloat16.

    Raises:
        TypeError: ``rngs`` is neither a `Generator` nor `nnx.Rngs`.
        ValueError: Unknown mode or nonlinearity, or fewer than two dimensions.
        NotImplementedError: The dtype is another.

    Torch:
        ``torch.nn.init.kaiming_normal_``, 2.13.0, T0 with a `Generator`.

    Example:
        >>> from flaxnn.random import Generator
        >>> kaiming_normal((1, 2), rngs=Generator(0))
        Array([[ 1.5409961, -0.2934289]], dtype=float32)

    References:
        He et al., "Delving deep into rectifiers", 2015.
    """
    if 0 in shape:
        _warn_of_no_elements()
        return zeros(shape, dtype=dtype)
    std = _std(shape, a, mode, nonlinearity)
    return draw_normal(rngs, shape, 0.0, std, np.dtype(dtype))


def _std(shape: tuple[int, ...], a: float, mode: str, nonlinearity: str) -> float:
    """Returns gain / √fan."""
    if mode.lower() not in ("fan_in", "fan_out"):
        raise ValueError(
            f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']"
        )
    fan = fan_in_and_fan_out(shape)[mode.lower() == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def _warn_of_no_elements() -> None:
    """Warns at the line that called the initialiser."""
    warnings.warn(
        "Initializing zero-element tensors is a no-op", UserWarning, stacklevel=3
    )
