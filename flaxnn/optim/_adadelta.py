# SPDX-License-Identifier: Apache-2.0
"""Adadelta: steps scaled by the ratio of two running averages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from flaxnn.optim._gradients import adjusted
from flaxnn.optim._init import Init
from flaxnn.optim._leafwise import leafwise
from flaxnn.optim._moments import decayed
from flaxnn.optim._scalars import (
    Scalar,
    Scalars,
    Tree,
    at_least_zero,
    is_set,
    is_traced,
)


class AdadeltaState(NamedTuple):
    """State of `adadelta`.

    Attributes:
        step: Updates done so far, int32.
        square_avg: Averages of the squared gradients, shaped as the parameters.
        acc_delta: Averages of the squared steps.
        hyperparams: Traced scalars; replace one to change it without recompiling.
    """

    step: jax.Array
    square_avg: Tree
    acc_delta: Tree
    hyperparams: Scalars


@dataclass(frozen=True)
class _AdadeltaUpdate:
    """One Adadelta update; the static options are all that compilation depends on."""

    weight_decay: bool
    maximize: bool

    def __call__(
        self, updates: Tree, state: Any, params: Tree = None, **extra: Any
    ) -> tuple[Tree, AdadeltaState]:
        del extra
        scalars = state.hyperparams
        grads = adjusted(
            updates,
            params,
            scalars,
            maximize=self.maximize,
            weight_decay=self.weight_decay,
        )
        averages = state.square_avg, state.acc_delta
        new, square_avg, acc_delta = leafwise(
            _descent, scalars, (updates, *averages), grads, *averages
        )
        return new, AdadeltaState(state.step + 1, square_avg, acc_delta, scalars)


def _descent(
    s: Scalars, grad: jax.Array, square_avg: jax.Array, acc_delta: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The update of one leaf: eps is added inside both roots."""
    square_avg = decayed(square_avg, grad * grad, s["one_minus_rho"])
    root = jnp.sqrt(square_avg + s["eps"])
    delta = jnp.sqrt(acc_delta + s["eps"]) / root * grad
    acc_delta = decayed(acc_delta, delta * delta, s["one_minus_rho"])
    return -s["lr"] * delta, square_avg, acc_delta


def adadelta(
    lr: Scalar = 1.0,
    rho: Scalar = 0.9,
    eps: Scalar = 1e-6,
    weight_decay: Scalar = 0.0,
    *,
    maximize: bool = False,
) -> optax.GradientTransformation:
    """Returns PyTorch's Adadelta as an optax transformation.

    The numbers live in the state, so another learning rate does not recompile; what
    decides compilation is whether ``weight_decay`` is zero, and ``maximize``.

    Args:
        lr: What the step is multiplied by, ≥ 0.
        rho: Decay rate of both averages, in [0, 1].
        eps: Added to both averages inside the roots, ≥ 0.
        weight_decay: L2 coefficient, ≥ 0, coupled.
        maximize: Whether to ascend.

    Returns:
        A transformation whose state is an `AdadeltaState`.

    Raises:
        ValueError: A coefficient is out of its range.

    Torch:
        ``torch.optim.Adadelta``, 2.13.0, T1. ``foreach``, ``capturable`` and
        ``differentiable`` have no counterpart.

    Example:
        >>> import jax.numpy as jnp, optax
        >>> optimizer = adadelta(lr=100.0)
        >>> params = jnp.ones(2)
        >>> state = optimizer.init(params)
        >>> updates, state = optimizer.update(jnp.array([1.0, -2.0]), state, params)
        >>> optax.apply_updates(params, updates).round(4)
        Array([0.6838, 1.3162], dtype=float32)

    References:
        Zeiler, "ADADELTA: an adaptive learning rate method", 2012, algorithm 1.
    """
    at_least_zero("Invalid learning rate", lr)
    if not is_traced(rho) and not 0.0 <= rho <= 1.0:
        raise ValueError(f"Invalid rho value: {rho}")
    at_least_zero("Invalid epsilon value", eps)
    at_least_zero("Invalid weight_decay value", weight_decay)
    hyperparams = (
        ("lr", lr),
        ("one_minus_rho", 1 - rho),
        ("eps", eps),
        ("weight_decay", weight_decay),
    )
    return optax.GradientTransformation(
        Init(AdadeltaState, ("square_avg", "acc_delta"), hyperparams),
        _AdadeltaUpdate(is_set(weight_decay), bool(maximize)),
    )
