# SPDX-License-Identifier: Apache-2.0
"""Transformations one after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import optax

from flaxnn.optim._closure import calls_closure
from flaxnn.optim._parts import Part, require_transformation
from flaxnn.optim._scalars import Tree


@dataclass(frozen=True)
class ChainUpdate:
    """The updates of a chain, in order."""

    parts: tuple[Part, ...]

    def __call__(
        self, updates: Tree, state: Any, params: Tree = None, **extra: Any
    ) -> tuple[Tree, tuple[Any, ...]]:
        if len(state) != len(self.parts):
            raise ValueError(
                f"the chain has {len(self.parts)} transformations and the state is of "
                f"{len(state)}: make it with this chain's init(params)"
            )
        states = []
        for part, inner in zip(self.parts, state, strict=True):
            updates, new = part(updates, inner, params, **extra)
            states.append(new)
        return updates, tuple(states)


@dataclass(frozen=True)
class _ChainInit:
    """The states of a chain, in order."""

    inits: tuple[Callable[..., Any], ...]

    def __call__(self, params: Tree) -> tuple[Any, ...]:
        return tuple(init(params) for init in self.inits)


def chain(
    *transformations: optax.GradientTransformation,
) -> optax.GradientTransformationExtraArgs:
    """Returns the transformations applied one after another.

    Does what ``optax.chain`` does, and two chains of equal parts are equal and hash
    equal, so that a run compiled with one is found again with the other.

    Args:
        *transformations: The first meets the gradients, the last gives the updates.

    Returns:
        A transformation whose state is the tuple of the parts' states. Extra
        arguments reach those parts that take them.

    Raises:
        TypeError: An argument is not an optax transformation.
        ValueError: `flaxnn.optim.lbfgs` stands beside others: they would meet its first
            gradient or its whole move, and not each of its evaluations and steps.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn import optim
        >>> optimizer = chain(optim.clip_grad_value(1.0), optim.sgd(lr=0.1))
        >>> params = jnp.ones(2)
        >>> state = optimizer.init(params)
        >>> optimizer.update(jnp.array([5.0, -0.5]), state, params)[0]
        Array([-0.1 ,  0.05], dtype=float32)
        >>> again = chain(optim.clip_grad_value(1.0), optim.sgd(lr=0.1))
        >>> optimizer == again
        True
    """
    for index, transformation in enumerate(transformations):
        require_transformation(transformation, f"chain's argument {index}")
    if len(transformations) > 1 and any(
        calls_closure(transformation.update) for transformation in transformations
    ):
        raise ValueError(
            "lbfgs evaluates gradients of its own and moves many times in an update, "
            "so that a chain's other parts would meet the first gradient only, or "
            "shorten a move that it has remembered (PyTorch programs clip inside the "
            "closure): pass lbfgs alone; line_search_fn='strong_wolfe' bounds its steps"
        )
    return optax.GradientTransformationExtraArgs(
        _ChainInit(tuple(t.init for t in transformations)),
        ChainUpdate(tuple(Part.of(t) for t in transformations)),
    )
