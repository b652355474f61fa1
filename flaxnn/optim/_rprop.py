# SPDX-License-Identifier: Apache-2.0
"""Rprop: step sizes that grow while the gradient keeps its sign."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from flaxnn.optim._gradients import adjusted
from flaxnn.optim._init import Init
from flaxnn.optim._leafwise import leafwise
from flaxnn.optim._scalars import (
    Scalar,
    Scalars,
    Tree,
    at_least_zero,
    is_traced,
)


class RpropState(NamedTuple):
    """State of `rprop`.

    Attributes:
        step: Updates done so far, int32.
        prev: The gradients of the last update, shaped as the parameters, 0 where the
            sign had changed.
        step_size: The size of each parameter's last step, 1 before the first.
        hyperparams: Traced scalars; replace one to change it without recompiling.
            ``lr`` counts in the first update only.
    """

    step: jax.Array
    prev: Tree
    step_size: Tree
    hyperparams: Scalars


@dataclass(frozen=True)
class _RpropUpdate:
    """One Rprop update; the static option is all that compilation depends on."""

    maximize: bool

    def __call__(
        self, updates: Tree, state: Any, params: Tree = None, **extra: Any
    ) -> tuple[Tree, RpropState]:
        del extra
        scalars = state.hyperparams
        grads = adjusted(
            updates, params, scalars, maximize=self.maximize, weight_decay=False
        )
        # At the first update every factor is this one: the sizes start from 1.
        still = jnp.where(state.step == 0, scalars["lr"], 1.0)
        factor = partial(_factor, {**scalars, "still": still})
        factors = jax.tree.map(factor, grads, state.prev)
        kept = jax.tree.map(_kept, grads, state.prev)
        new, prev, sizes = leafwise(
            _descent,
            scalars,
            (updates, state.prev, state.step_size),
            kept,
            factors,
            state.step_size,
        )
        return new, RpropState(state.step + 1, prev, sizes, scalars)


def _scaled_product(grad: jax.Array, prev: jax.Array) -> jax.Array:
    """The product, scaled so that what rounds to 0 in PyTorch is at most 1 in size.

    PyTorch keeps subnormal products, which XLA flushes: 0 is what is at most half of
    the smallest subnormal number.
    """
    least = float(jnp.finfo(grad.dtype).smallest_subnormal)
    exponent = 1 - int(math.log2(least))
    wide = jnp.promote_types(grad.dtype, jnp.float32)
    half = exponent // 2
    return (grad.astype(wide) * 2.0**half) * (
        prev.astype(wide) * 2.0 ** (exponent - half)
    )


def _factor(s: Scalars, grad: jax.Array, prev: jax.Array) -> jax.Array:
    """What the step size is multiplied by, rounded to the leaf's dtype as PyTorch's."""
    plus, minus, still = (
        s[name].astype(grad.dtype) for name in ("etaplus", "etaminus", "still")
    )
    product, scaled = grad * prev, _scaled_product(grad, prev)
    neither = jnp.where(jnp.isnan(product), product, still)
    return jnp.where(scaled > 1, plus, jnp.where(scaled < -1, minus, neither))


def _kept(grad: jax.Array, prev: jax.Array) -> jax.Array:
    """The gradient, 0 after a changed sign: no step, and none to compare with."""
    return jnp.where(_scaled_product(grad, prev) < -1, jnp.zeros_like(grad), grad)


def _descent(
    s: Scalars, grad: jax.Array, factor: jax.Array, size: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    size = jnp.clip(size * factor, s["step_size_min"], s["step_size_max"])
    return -jnp.sign(grad) * size, grad, size


def rprop(
    lr: Scalar = 1e-2,
    etas: tuple[Scalar, Scalar] = (0.5, 1.2),
    step_sizes: tuple[Scalar, Scalar] = (1e-6, 50.0),
    *,
    maximize: bool = False,
) -> optax.GradientTransformation:
    """Returns PyTorch's Rprop as an optax transformation.

    Only the signs of the gradients count, so it is meant for full batches. Where a
    sign changes, the parameter stays for one update. The numbers live in the state, so
    other numbers do not recompile; ``maximize`` does.

    Args:
        lr: The first step size, ≥ 0.
        etas: Factors of the step size after a changed and an unchanged sign; the
            first in (0, 1), the second above 1.
        step_sizes: Smallest and largest step size.
        maximize: Whether to ascend.

    Returns:
        A transformation whose state is an `RpropState`.

    Raises:
        ValueError: ``lr`` is negative or the factors are out of range.

    Torch:
        ``torch.optim.Rprop``, 2.13.0, T1. ``foreach``, ``capturable`` and
        ``differentiable`` have no counterpart. As in PyTorch a product of two
        gradients that rounds to zero counts as no sign. Subnormal gradients are zero
        in XLA.

    Example:
        >>> import jax.numpy as jnp, optax
        >>> optimizer = rprop(lr=0.1)
        >>> params = jnp.ones(2)
        >>> state = optimizer.init(params)
        >>> updates, state = optimizer.update(jnp.array([1.0, -2.0]), state, params)
        >>> optax.apply_updates(params, updates)
        Array([0.9, 1.1], dtype=float32)

    References:
        Riedmiller and Braun, "A direct adaptive method for faster backpropagation
        learning: the RPROP algorithm", 1993; without its return to the earlier weight.
    """
    at_least_zero("Invalid learning rate", lr)
    if not any(map(is_traced, etas)) and not 0.0 < etas[0] < 1.0 < etas[1]:
        raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
    hyperparams = (
        ("lr", lr),
        ("etaminus", etas[0]),
        ("etaplus", etas[1]),
        ("step_size_min", step_sizes[0]),
        ("step_size_max", step_sizes[1]),
    )
    return optax.GradientTransformation(
        Init(RpropState, ("prev",), hyperparams, filled=(("step_size", 1.0),)),
        _RpropUpdate(bool(maximize)),
    )
