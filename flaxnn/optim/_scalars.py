# SPDX-License-Identifier: Apache-2.0
"""Hyper-parameters: checked on the host, carried as traced state."""

from __future__ import annotations

import numbers
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

Tree = Any
Scalar = float | jax.Array
Scalars = dict[str, jax.Array]


class Present(float):
    """A number whose optional term takes part even where it is zero.

    Runs in one program have the same terms: with ``weight_decay`` 0 in one and 1e-4 in
    another, the first adds 0 times its parameters. What is computed from it, such as
    ``1 - dampening``, is a plain float.
    """


def is_traced(value: Scalar) -> bool:
    """Whether a value is known only at run time, so that no check can read it."""
    return isinstance(value, Tracer)


def is_set(value: Scalar) -> bool:
    """Whether an optional term takes part: anything but a known, plain zero."""
    return is_traced(value) or isinstance(value, Present) or bool(value != 0)


def at_least_zero(message: str, value: Scalar) -> None:
    """Raises PyTorch's ValueError unless ``value >= 0`` (nan fails too)."""
    if is_traced(value):
        return
    if not isinstance(value, numbers.Real | np.ndarray | jax.Array):
        raise TypeError(
            f"{message}: expected a number, got {type(value).__name__}. An optimiser "
            "holds no parameters here: optim.sgd(lr=0.01) stands for "
            "optim.SGD(model.parameters(), lr=0.01)"
        )
    if not value >= 0.0:
        raise ValueError(f"{message}: {value}")


def require_number(function: str, name: str, value: Scalar) -> None:
    """Raises unless the value is a number, as the first argument of a clipping."""
    if not isinstance(value, numbers.Real | np.ndarray | jax.Array):
        raise TypeError(
            f"{function}: expected a number for {name}, got {type(value).__name__}. It "
            f"is a step before the optimiser's, without parameters: "
            f"optim.chain(optim.{function}(1.0), optim.sgd(lr=0.01))"
        )


def as_traced(**values: Scalar) -> Scalars:
    """Arrays of the widest enabled float, so that a new value never recompiles."""
    dtype = jax.dtypes.canonicalize_dtype(jnp.float64)
    return {name: jnp.asarray(value, dtype) for name, value in values.items()}


def cast(scalars: Scalars, like: jax.Array) -> Scalars:
    """The scalars in the arithmetic's dtype: the leaf's, but at least float32."""
    dtype = jnp.promote_types(like.dtype, jnp.float32)
    return {name: value.astype(dtype) for name, value in scalars.items()}


def shortest(value: np.ndarray, *, complement: bool = False) -> float:
    """The shortest decimal that a scalar stands for: 0.1 of a float32 too.

    Args:
        value: The scalar, as an array.
        complement: Whether it is 1 minus the number that is wanted.
    """
    exact = 1 - float(value) if complement else float(value)
    for digits in range(1, 18):
        shorter = float(f"{exact:.{digits}g}")
        if value.dtype.type(1 - shorter if complement else shorter) == value:
            return shorter
    return exact


def require_params(params: Tree, why: str) -> None:
    """Raises unless the caller passed the parameters to ``update``."""
    if params is None:
        raise ValueError(
            f"{why} needs the parameters: call update(grads, state, params)"
        )
