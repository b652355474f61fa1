# SPDX-License-Identifier: Apache-2.0
"""Adagrad with PyTorch's decay of the learning rate."""

from __future__ import annotations

from dataclasses import dataclass
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
    is_set,
)


class AdagradState(NamedTuple):
    """State of `adagrad`.

    Attributes:
        step: Updates done so far, int32.
        sum: Sums of the squared gradients, shaped as the parameters.
        hyperparams: Traced scalars; replace one to change it without recompiling.
    """

    step: jax.Array
    sum: Tree
    hyperparams: Scalars


@dataclass(frozen=True)
class _AdagradUpdate:
    """One Adagrad update; the static options are all that compilation depends on."""

    weight_decay: bool
    maximize: bool

    def __call__(
        self, updates: Tree, state: Any, params: Tree = None, **extra: Any
    ) -> tuple[Tree, AdagradState]:
        del extra
        scalars = state.hyperparams
        grads = adjusted(
            updates,
            params,
            scalars,
            maximize=self.maximize,
            weight_decay=self.weight_decay,
        )
        before = state.step.astype(scalars["lr"].dtype)
        decayed = scalars["lr"] / (1 + before * scalars["lr_decay"])
        new, total = leafwise(
            _descent, {**scalars, "lr": decayed}, (updates, state.sum), grads, state.sum
        )
        return new, AdagradState(state.step + 1, total, scalars)


def _descent(
    s: Scalars, grad: jax.Array, total: jax.Array
) -> tuple[jax.Array, jax.Array]:
    total = total + grad * grad
    return -s["lr"] * grad / (jnp.sqrt(total) + s["eps"]), total


def adagrad(
    lr: Scalar = 1e-2,
    lr_decay: Scalar = 0.0,
    weight_decay: Scalar = 0.0,
    initial_accumulator_value: Scalar = 0.0,
    eps: Scalar = 1e-10,
    *,
    maximize: bool = False,
) -> optax.GradientTransformation:
    """Returns PyTorch's Adagrad as an optax transformation.

    The gradient is divided by the root of the sum of all squared gradients. The
    numbers live in the state, so another learning rate does not recompile; what
    decides compilation is whether ``weight_decay`` is zero, and ``maximize``.

    Args:
        lr: Learning rate, ≥ 0.
        lr_decay: Update ``t``, counted from 0, uses ``lr / (1 + t · lr_decay)``; ≥ 0.
        weight_decay: L2 coefficient, ≥ 0, coupled.
        initial_accumulator_value: What the sums start from, ≥ 0.
        eps: Added to the root of the sum, ≥ 0.
        maximize: Whether to ascend.

    Returns:
        A transformation whose state is an `AdagradState`.

    Raises:
        ValueError: A coefficient is negative.

    Torch:
        ``torch.optim.Adagrad``, 2.13.0, T1. In float32 (T2) the decayed learning rate
        is float32, PyTorch's is double. ``foreach``, ``fused`` and ``differentiable``
        have no counterpart, nor have sparse gradients.

    Example:
        >>> import jax.numpy as jnp, optax
        >>> optimizer = adagrad(lr=0.1)
        >>> params = jnp.ones(2)
        >>> state = optimizer.init(params)
        >>> updates, state = optimizer.update(jnp.array([1.0, -2.0]), state, params)
        >>> optax.apply_updates(params, updates)
        Array([0.9, 1.1], dtype=float32)

    References:
        Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and
        stochastic optimization", 2011.
    """
    at_least_zero("Invalid learning rate", lr)
    at_least_zero("Invalid lr_decay value", lr_decay)
    at_least_zero("Invalid weight_decay value", weight_decay)
    at_least_zero("Invalid initial_accumulator_value value", initial_accumulator_value)
    at_least_zero("Invalid epsilon value", eps)
    hyperparams = (
        ("lr", lr),
        ("lr_decay", lr_decay),
        ("eps", eps),
        ("weight_decay", weight_decay),
        ("initial_accumulator_value", initial_accumulator_value),
    )
    start = (("sum", initial_accumulator_value),)
    return optax.GradientTransformation(
        Init(AdagradState, (), hyperparams, filled=start),
        _AdagradUpdate(is_set(weight_decay), bool(maximize)),
    )
