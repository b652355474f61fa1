# SPDX-License-Identifier: Apache-2.0
"""The hyper-parameters of an optimiser's groups, and numbers as traced arrays."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any, SupportsInt

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn.optim._scalars import Scalar, Scalars, is_traced

Groups = tuple[Scalars, ...]
# One number for all groups, or a list with one for each.
PerGroup = Scalar | Sequence[Scalar]


def vector(groups: Groups, name: str) -> jax.Array:
    """One hyper-parameter of all groups, ``(G,)``."""
    return jnp.stack([group[name] for group in groups])


def written(groups: Groups, **vectors: jax.Array) -> Groups:
    """The groups with some hyper-parameters replaced, each by its part of ``(G,)``."""
    return tuple(
        {
            **group,
            **{k: v[i].astype(group["lr"].dtype) for k, v in vectors.items()},
        }
        for i, group in enumerate(groups)
    )


def with_initial_lrs(groups: Groups) -> Groups:
    """The groups with PyTorch's "initial_lr", which an earlier scheduler may own."""
    return tuple({"initial_lr": group["lr"], **group} for group in groups)


def number(value: Any) -> jax.Array:
    """A number, or a tuple of them, as an array of the widest enabled type.

    Whole numbers are integers: they are compared with the count of steps.
    """
    several = value if isinstance(value, tuple) else (value,)
    # A quotient of int32 numbers would be float32 in JAX, where float64 is on too.
    integer = jax.dtypes.canonicalize_dtype(jnp.int64)
    largest = jnp.iinfo(integer).max
    whole = all(
        isinstance(x, numbers.Integral) and abs(int(x)) <= largest for x in several
    )
    dtype = integer if whole else jax.dtypes.canonicalize_dtype(jnp.float64)
    if any(map(is_traced, several)):
        array = jnp.stack([jnp.asarray(x, dtype) for x in several])
        return array if isinstance(value, tuple) else array[0]
    return jnp.asarray(np.array(value, dtype))


def real(value: Any) -> Any:
    """The number, or each of a list or tuple, as a float for `number`."""
    if isinstance(value, list | tuple):
        return tuple(map(real, value))
    return float(value) if isinstance(value, numbers.Real) else value


def widest(count: jax.Array) -> jax.Array:
    """A count for a function of the caller's, whose quotients are then as wide."""
    return count.astype(jax.dtypes.canonicalize_dtype(jnp.int64))


def per_group(name: str, value: jax.Array, groups: Groups) -> jax.Array:
    """A value for each group; raises PyTorch's ValueError on a wrong length."""
    if value.ndim and len(value) != len(groups):
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. {name} has "
            f"{len(value)} values, param_groups has {len(groups)}."
        )
    return jnp.broadcast_to(value, (len(groups),))


def chosen(condition: jax.Array, yes: Any, no: Any) -> Any:
    """One of two equal structures."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)


def between(start: jax.Array, end: jax.Array, weight: jax.Array) -> jax.Array:
    """The place on the way from start to end; both ends are met exactly."""
    return start * (1 - weight) + end * weight


def not_zero(name: str, value: Any) -> None:
    """Raises what dividing by it raises, before a run."""
    if not is_traced(value) and value == 0:
        raise ZeroDivisionError(f"division by zero: {name} must not be 0")


def whole_number(name: str, value: Any) -> int:
    """The value as an int; raises unless it is one, such as 30 or 30.0."""
    if isinstance(value, bool) or not isinstance(value, SupportsInt):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value != int(value):
        raise ValueError(f"{name} must be a whole number, got {value!r}")
    return int(value)
