"""Where an initialiser's numbers come from: PyTorch's stream or JAX keys."""

from __future__ import annotations

from contextlib import nullcontext

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from flaxnn.random import Generator

Source = Generator | nnx.Rngs


def to_jax(array: np.ndarray) -> jax.Array:
    """The array on the default device, float64 kept whatever the global setting."""
    wide = array.dtype.itemsize == 8 and array.dtype.kind == "f"
    with jax.enable_x64(True) if wide else nullcontext():
        return jnp.asarray(array)


def draw_uniform(
    rngs: Source, shape: tuple[int, ...], low: float, high: float, dtype: np.dtype
) -> jax.Array:
    """Uniform numbers in [low, high) from either source."""
    if isinstance(rngs, Generator):
        return to_jax(rngs.uniform(shape, low, high, dtype=dtype))
    if isinstance(rngs, nnx.Rngs):
        with jax.enable_x64(True) if dtype == np.float64 else nullcontext():
            return jax.random.uniform(
                rngs.params(), shape, dtype, minval=low, maxval=high
            )
    raise _no_source(rngs)


def draw_normal(
    rngs: Source, shape: tuple[int, ...], mean: float, std: float, dtype: np.dtype
) -> jax.Array:
    """Normal numbers from either source."""
    if isinstance(rngs, Generator):
        return to_jax(rngs.normal(shape, mean, std, dtype=dtype))
    if isinstance(rngs, nnx.Rngs):
        with jax.enable_x64(True) if dtype == np.float64 else nullcontext():
            drawn = jax.random.normal(rngs.params(), shape, dtype)
            return (mean + std * drawn).astype(dtype)
    raise _no_source(rngs)


def _no_source(rngs: object) -> TypeError:
    """The error for what is neither of the two sources."""
    kind = type(rngs)
    return TypeError(
        "rngs must be a flaxnn.random.Generator (PyTorch's numbers) or a "
        f"flax.nnx.Rngs (JAX keys), got {kind.__module__}.{kind.__qualname__}; "
        "for PyTorch's manual_seed(0) pass rngs=flaxnn.random.Generator(0)"
    )
