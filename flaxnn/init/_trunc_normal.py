# SPDX-License-Identifier: Apache-2.0
"""The truncated normal initialiser."""

from __future__ import annotations

import math
import warnings

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import DTypeLike

from flaxnn.init import _half
from flaxnn.init._source import (
    Source,
    check,
    host_normal,
    host_uniform,
    in_x64,
    key_of,
    require_version,
    to_jax,
)
from flaxnn.random import Generator

# Above it PyTorch redraws normal numbers until they are inside, below it thins out
# uniform ones.
_LIKELY = 0.3


def trunc_normal(
    shape: tuple[int, ...],
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    *,
    rngs: Source,
    dtype: DTypeLike = np.float32,
) -> jax.Array:
    """Returns normal numbers, those outside [a, b] drawn again.

    Args:
        shape: Shape of the result.
        mean: Mean before truncation.
        std: Standard deviation before truncation.
        a: Smallest value, not in units of ``std``.
        b: Largest value.
        rngs: A `Generator` for PyTorch's numbers or `nnx.Rngs` for JAX's.
        dtype: float32, float64, float16 or bfloat16.

    Raises:
        TypeError: ``rngs`` is neither a `Generator` nor `nnx.Rngs`.
        RuntimeError: ``a > b``, or an end of a tail is infinite.
        ZeroDivisionError: ``std`` is 0.
        NotImplementedError: The dtype is another, or the generator's PyTorch is older
            than 2.12, which drew by the inverse error function.

    Warns:
        UserWarning: The mean is more than two ``std`` outside of [a, b].

    Torch:
        ``torch.nn.init.trunc_normal_``, 2.13.0, T0 with a `Generator`. In a tail (less
        than 0.3 of the distribution lies in [a, b]) PyTorch accepts a number by
        comparing float32 logarithms of its math library, which may differ from ours by
        an ulp; a number is affected with a probability below 1e-9.

    Example:
        >>> from flaxnn.random import Generator
        >>> trunc_normal((3,), std=0.02, a=-0.04, b=0.04, rngs=Generator(2))
        Array([ 0.00784594, -0.00447128, -0.00639001], dtype=float32)
    """
    known = np.dtype(dtype)
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. "
            "The distribution of values may be incorrect.",
            UserWarning,
            stacklevel=2,
        )
    likely = _cdf((b - mean) / std) - _cdf((a - mean) / std) > _LIKELY
    if isinstance(rngs, Generator):
        require_version(rngs, "2.12", "trunc_normal")
        draw = _redrawn if likely else _thinned
        return to_jax(draw(rngs, shape, mean, std, a, b, known))
    with in_x64(known):
        if likely:
            check(host_normal, mean, std, known)
            ends = (a - mean) / std, (b - mean) / std
            drawn = jax.random.truncated_normal(key_of(rngs), *ends, shape, known)
            return jnp.clip(mean + std * drawn, a, b).astype(known)
        check(host_uniform, a, b, known)
        return _thinned_by_key(key_of(rngs), shape, mean, std, a, b, known)


def _cdf(x: float) -> float:
    """Returns the standard normal distribution's share below ``x``."""
    return (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0


def _log_peak(mean: float, std: float, a: float, b: float) -> float:
    """Returns the largest log density in [a, b], up to the constant."""
    mode = max(a, min(mean, b))
    return -0.5 * ((mode - mean) / std) ** 2


def _redrawn(
    generator: Generator,
    shape: tuple[int, ...],
    mean: float,
    std: float,
    a: float,
    b: float,
    dtype: np.dtype,
) -> np.ndarray:
    """Draws a whole array anew while any number of the last one was outside."""
    low, high = dtype.type(a), dtype.type(b)
    drawn = host_normal(generator, shape, mean, std, dtype)
    while (outside := (drawn < low) | (drawn > high)).any():
        again = host_normal(generator, shape, mean, std, dtype)
        drawn = np.where(outside, again, drawn)
    return drawn


def _thinned(
    generator: Generator,
    shape: tuple[int, ...],
    mean: float,
    std: float,
    a: float,
    b: float,
    dtype: np.dtype,
) -> np.ndarray:
    """Draws uniform numbers, each accepted in proportion to its density."""
    drawn = np.zeros(shape, dtype)
    pending = np.ones(shape, bool)
    log_peak = _log_peak(mean, std, a, b)
    while True:
        candidates = host_uniform(generator, shape, a, b, dtype)
        drawn = np.where(pending, candidates, drawn)
        log_density = _in_steps(candidates, mean, std, log_peak)
        accepting = host_uniform(generator, shape, 0.0, 1.0, dtype)
        pending = pending & (_log(accepting) > log_density)
        if not pending.any():
            return drawn


def _in_steps(x: np.ndarray, mean: float, std: float, log_peak: float) -> np.ndarray:
    """Returns the log density over its peak, rounded where PyTorch rounds it.

    In half precision a step is computed in float32 and rounded; what it subtracts is
    rounded before, what it divides by is not.
    """
    wide = np.dtype(np.float32) if x.dtype in _half.TYPES else x.dtype

    def less(value: np.ndarray, number: float) -> np.ndarray:
        return rounded(value - np.asarray(number, x.dtype).astype(wide))

    def rounded(value: np.ndarray) -> np.ndarray:
        return value.astype(x.dtype).astype(wide)

    with np.errstate(over="ignore", invalid="ignore"):
        scaled = rounded(less(x.astype(wide), mean) / wide.type(std))
        return less(rounded(rounded(scaled * scaled) * wide.type(-0.5)), log_peak)


def _log(x: np.ndarray) -> np.ndarray:
    """Returns the logarithm, computed in float64 and rounded."""
    with np.errstate(divide="ignore"):
        return np.log(x.astype(np.float64)).astype(x.dtype)


def _thinned_by_key(
    key: jax.Array,
    shape: tuple[int, ...],
    mean: float,
    std: float,
    a: float,
    b: float,
    dtype: np.dtype,
) -> jax.Array:
    """The same from JAX keys; in a tail the inverse error function has few digits."""
    log_peak = _log_peak(mean, std, a, b)

    def again(state: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        key, drawn, pending = state
        key, first, second = jax.random.split(key, 3)
        candidates = jax.random.uniform(first, shape, dtype, a, b)
        drawn = jnp.where(pending, candidates, drawn)
        log_density = -0.5 * jnp.square((candidates - mean) / std) - log_peak
        accepting = jnp.log(jax.random.uniform(second, shape, dtype))
        return key, drawn, pending & (accepting > log_density)

    start = key, jnp.zeros(shape, dtype), jnp.ones(shape, bool)
    return jax.lax.while_loop(lambda state: state[2].any(), again, start)[1]
