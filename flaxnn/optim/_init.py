# SPDX-License-Identifier: Apache-2.0
"""The first state of an optimiser."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from flaxnn.optim._scalars import Scalar, Tree, as_traced

Named = tuple[tuple[str, Scalar], ...]


@dataclass(frozen=True)
class Init:
    """Makes an optimiser's first state, with its hyper-parameters inside.

    Attributes:
        state: The NamedTuple; fields that nothing is said of are None.
        slots: Fields of zeros that are shaped as the parameters.
        hyperparams: The traced scalars.
        counts: Whether the state has a step.
        numbers: Fields that are one float32 number for the whole tree, as in PyTorch.
        filled: Fields shaped as the parameters, and the number that fills each.
    """

    state: type[Any]
    slots: tuple[str, ...]
    hyperparams: Named
    counts: bool = True
    numbers: Named = ()
    filled: Named = ()

    def __call__(self, params: Tree) -> Any:
        fields: dict[str, Any] = dict.fromkeys(self.state._fields)
        if self.counts:
            fields["step"] = jnp.zeros((), jnp.int32)
        for name in self.slots:
            fields[name] = jax.tree.map(jnp.zeros_like, params)
        for name, value in self.filled:
            fields[name] = jax.tree.map(
                partial(jnp.full_like, fill_value=value), params
            )
        for name, value in self.numbers:
            fields[name] = jnp.asarray(value, jnp.float32)
        fields["hyperparams"] = as_traced(**dict(self.hyperparams))
        return self.state(**fields)
