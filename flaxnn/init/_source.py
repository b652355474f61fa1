# SPDX-License-Identifier: Apache-2.0
"""Where an initialiser's numbers come from: PyTorch's stream or JAX keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any
from weakref import ref

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.core import Tracer

from flaxnn.init import _half
from flaxnn.random import Generator

Source = Generator | nnx.Rngs

# Who draws, in a Generator's ledger, until a module says for which parameter.
CONSUMER = "initial values"

_last: ref[Generator] | None = None
# Asked for no numbers it draws none and checks its arguments, also for JAX keys.
_checks = Generator()


def in_x64(dtype: np.dtype) -> AbstractContextManager[Any]:
    """Where JAX computes in ``dtype``, whatever the global setting."""
    return jax.enable_x64(True) if dtype == np.float64 else nullcontext()


def to_jax(array: np.ndarray) -> jax.Array:
    """The array on the default device, float64 kept whatever the global setting."""
    with in_x64(array.dtype):
        return jnp.asarray(array)


def key_of(rngs: nnx.Rngs) -> jax.Array:
    """Returns a new JAX key; raises for what is neither of the two sources."""
    if isinstance(rngs, nnx.Rngs):
        return rngs.params()
    kind = type(rngs)
    raise TypeError(
        "rngs must be a flaxnn.random.Generator (PyTorch's numbers) or a "
        f"flax.nnx.Rngs (JAX keys), got {kind.__module__}.{kind.__qualname__}; "
        "for PyTorch's manual_seed(0) pass rngs=flaxnn.random.Generator(0)"
    )


def require_version(generator: Generator, release: str, what: str) -> None:
    """Refuses a generator of a PyTorch older than ``release``."""
    if _numbers(generator.torch_version) < _numbers(release):
        raise NotImplementedError(
            f"{what} is reproduced for PyTorch {release} and later, got a Generator "
            f"with torch_version={generator.torch_version!r}"
        )


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:2]]


def draw_uniform(
    rngs: Source, shape: tuple[int, ...], low: float, high: float, dtype: np.dtype
) -> jax.Array:
    """Uniform numbers in [low, high) from either source."""
    if isinstance(rngs, Generator):
        return to_jax(host_uniform(rngs, shape, low, high, dtype))
    check(host_uniform, low, high, dtype)
    with in_x64(dtype):
        drawn = jax.random.uniform(key_of(rngs), shape, dtype, minval=low, maxval=high)
        return jnp.where(jnp.less_equal(low, high), drawn, jnp.nan)


def draw_normal(
    rngs: Source, shape: tuple[int, ...], mean: float, std: float, dtype: np.dtype
) -> jax.Array:
    """Normal numbers from either source."""
    if isinstance(rngs, Generator):
        return to_jax(host_normal(rngs, shape, mean, std, dtype))
    check(host_normal, mean, std, dtype)
    with in_x64(dtype):
        drawn = mean + std * jax.random.normal(key_of(rngs), shape, dtype)
        return jnp.where(jnp.greater_equal(std, 0), drawn.astype(dtype), jnp.nan)


def host_uniform(
    generator: Generator,
    shape: tuple[int, ...],
    low: float,
    high: float,
    dtype: np.dtype,
) -> np.ndarray:
    """PyTorch's uniform numbers, half precision included."""
    with noted(generator):
        if dtype not in _half.TYPES:
            return generator.uniform(shape, low, high, dtype=dtype)
        require_version(generator, "2.13", f"{dtype.name}'s stream")
        return _half.uniform(generator, shape, low, high, dtype)


def host_normal(
    generator: Generator,
    shape: tuple[int, ...],
    mean: float,
    std: float,
    dtype: np.dtype,
) -> np.ndarray:
    """PyTorch's normal numbers, half precision included."""
    with noted(generator):
        if dtype not in _half.TYPES:
            return generator.normal(shape, mean, std, dtype=dtype)
        require_version(generator, "2.13", f"{dtype.name}'s stream")
        return _half.normal(generator, shape, mean, std, dtype)


@contextmanager
def noted(generator: Generator) -> Iterator[None]:
    """Names what is drawn in the generator's ledger, if there is one."""
    global _last
    with generator.consumer(CONSUMER):
        yield
    if generator.ledger is not None:
        _last = ref(generator)


def last_noted() -> Generator | None:
    """The Generator with a ledger that initial values were drawn from last."""
    return None if _last is None else _last()


def check(
    draw: Callable[..., np.ndarray], first: float, second: float, dtype: np.dtype
) -> None:
    """Refuses what a draw of PyTorch's numbers refuses.

    Traced values pass: bad ones give nan.
    """
    if not any(isinstance(value, Tracer) for value in (first, second)):
        draw(_checks, (0,), first, second, dtype)
