"""The frame that optimisers share: a state's first value, and a formula over leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from flaxnn.optim._scalars import Scalar, Scalars, Tree, as_traced, require_params

Named = tuple[tuple[str, Scalar], ...]


@dataclass(frozen=True)
class Init:
    """Makes an optimiser's first state, with its hyper-parameters inside.

    Attributes:
        state: The NamedTuple; fields that nothing is said of are None.
        slots: Fields shaped as the parameters, and what fills them.
        hyperparams: The traced scalars.
        counts: Whether the state has a step.
        numbers: Fields that are one float32 number for the whole tree, as in PyTorch.
    """

    state: type[Any]
    slots: Named
    hyperparams: Named
    counts: bool = True
    numbers: Named = ()

    def __call__(self, params: Tree) -> Any:
        fields: dict[str, Any] = dict.fromkeys(self.state._fields)
        if self.counts:
            fields["step"] = jnp.zeros((), jnp.int32)
        for name, value in self.slots:
            fields[name] = jax.tree.map(lambda p, v=value: jnp.full_like(p, v), params)
        for name, value in self.numbers:
            fields[name] = jnp.asarray(value, jnp.float32)
        fields["hyperparams"] = as_traced(**dict(self.hyperparams))
        return self.state(**fields)


def leafwise(
    formula: Callable[..., tuple[Any, ...]],
    scalars: Scalars,
    updates: Tree,
    params: Tree,
    *slots: Tree,
) -> tuple[Tree, ...]:
    """Applies ``formula(scalars, grad, param, *slots) → (update, *slots)`` to leaves.

    Half precision is computed in float32 and rounded once, back to each leaf's dtype.
    Parameters that were not passed and slots that are not used are None.
    """
    leaves, treedef = jax.tree.flatten(updates)
    columns = [leaves]
    for tree in (params, *slots):
        absent = [None] * len(leaves)
        columns.append(absent if tree is None else treedef.flatten_up_to(tree))
    rows = zip(*columns, strict=True)
    results = [_applied(formula, scalars, row) for row in rows]
    return tuple(
        None if tree is None else treedef.unflatten([row[k] for row in results])
        for k, tree in enumerate((updates, *slots))
    )


def _applied(
    formula: Callable[..., tuple[Any, ...]], scalars: Scalars, row: tuple[Any, ...]
) -> tuple[Any, ...]:
    """The formula's results for one leaf, in the dtypes that they came in."""
    dtype = jnp.result_type(jnp.float32, *(x.dtype for x in row if x is not None))
    cast = {name: value.astype(dtype) for name, value in scalars.items()}
    wide = (x if x is None else x.astype(dtype) for x in row)
    grad, _, *slots = row
    results = formula(cast, *wide)
    return tuple(
        old if old is None else new.astype(old.dtype)
        for old, new in zip((grad, *slots), results, strict=True)
    )


def adjusted(
    grad: jax.Array,
    param: jax.Array | None,
    s: Scalars,
    *,
    maximize: bool,
    weight_decay: bool,
) -> jax.Array:
    """A leaf's gradient, negated to ascend, with the coupled weight decay added."""
    grad = -grad if maximize else grad
    if not weight_decay:
        return grad
    return grad + s["weight_decay"] * require_params(param, "weight_decay")


def decayed(update: jax.Array, param: jax.Array | None, s: Scalars) -> jax.Array:
    """A leaf's update with the decoupled weight decay, which PyTorch does first."""
    return update - s["lr"] * s["weight_decay"] * require_params(param, "weight_decay")
