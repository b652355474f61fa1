# SPDX-License-Identifier: Apache-2.0
"""RMSprop, plain, centred and with momentum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from flaxnn.optim._gradients import adjusted
from flaxnn.optim._init import Init
from flaxnn.optim._leafwise import leafwise
from flaxnn.optim._moments import decayed, lerp
from flaxnn.optim._scalars import (
    Scalar,
    Scalars,
    Tree,
    at_least_zero,
    is_set,
)


class RMSpropState(NamedTuple):
    """State of `rmsprop`.

    Attributes:
        step: Updates done so far, int32.
        square_avg: Averages of the squared gradients, shaped as the parameters.
        momentum_buffer: Buffers of the scaled gradients with ``momentum``, else None.
        grad_avg: Averages of the gradients with ``centered``, else None.
        hyperparams: Traced scalars; replace one to change it without recompiling.
    """

    step: jax.Array
    square_avg: Tree
    momentum_buffer: Tree
    grad_avg: Tree
    hyperparams: Scalars


@dataclass(frozen=True)
class _RMSpropUpdate:
    """One RMSprop update; the static options are all that compilation depends on."""

    weight_decay: bool
    momentum: bool
    centered: bool
    maximize: bool

    def __call__(
        self, updates: Tree, state: Any, params: Tree = None, **extra: Any
    ) -> tuple[Tree, RMSpropState]:
        del extra
        scalars = state.hyperparams
        grads = adjusted(
            updates,
            params,
            scalars,
            maximize=self.maximize,
            weight_decay=self.weight_decay,
        )
        buffers = state.square_avg, state.momentum_buffer, state.grad_avg
        new, square_avg, momentum_buffer, grad_avg = leafwise(
            _descent, scalars, (updates, *buffers), grads, *buffers
        )
        buffers = square_avg, momentum_buffer, grad_avg
        return new, RMSpropState(state.step + 1, *buffers, scalars)


def _descent(
    s: Scalars,
    grad: jax.Array,
    square_avg: jax.Array,
    momentum_buffer: jax.Array | None,
    grad_avg: jax.Array | None,
) -> tuple[jax.Array, jax.Array, jax.Array | None, jax.Array | None]:
    """The update of one leaf: eps is added outside the root, lr after the momentum."""
    square_avg = decayed(square_avg, grad * grad, s["one_minus_alpha"])
    variance = square_avg
    if grad_avg is not None:
        grad_avg = lerp(grad_avg, grad, s["one_minus_alpha"])
        variance = square_avg - grad_avg * grad_avg
    step = grad / (jnp.sqrt(variance) + s["eps"])
    if momentum_buffer is not None:
        step = momentum_buffer = s["momentum"] * momentum_buffer + step
    return -s["lr"] * step, square_avg, momentum_buffer, grad_avg


def rmsprop(
    lr: Scalar = 1e-2,
    alpha: Scalar = 0.99,
    eps: Scalar = 1e-8,
    weight_decay: Scalar = 0.0,
    momentum: Scalar = 0.0,
    centered: bool = False,
    *,
    maximize: bool = False,
) -> optax.GradientTransformation:
    """Returns PyTorch's RMSprop as an optax transformation.

    The numbers live in the state, so another learning rate does not recompile; what
    decides compilation is whether ``weight_decay`` and ``momentum`` are zero,
    ``centered`` and ``maximize``.

    Args:
        lr: Learning rate, ≥ 0.
        alpha: Decay rate of the averages, ≥ 0.
        eps: Added to the root, ≥ 0.
        weight_decay: L2 coefficient, ≥ 0, coupled.
        momentum: Momentum factor of the scaled gradients, ≥ 0.
        centered: Whether to divide by the root of the variance, the average square
            less the square of the average.
        maximize: Whether to ascend.

    Returns:
        A transformation whose state is an `RMSpropState`.

    Raises:
        ValueError: A coefficient is negative.

    Torch:
        ``torch.optim.RMSprop``, 2.13.0, T1. With ``centered`` the variance of a
        gradient that does not change is a difference of nearly equal numbers: where
        rounding makes it negative both give nan, which need not be at the same update.
        ``foreach``, ``capturable`` and ``differentiable`` have no counterpart.

    Example:
        >>> import jax.numpy as jnp, optax
        >>> optimizer = rmsprop(lr=0.01)
        >>> params = jnp.ones(2)
        >>> state = optimizer.init(params)
        >>> updates, state = optimizer.update(jnp.array([1.0, -2.0]), state, params)
        >>> optax.apply_updates(params, updates).round(4)
        Array([0.9, 1.1], dtype=float32)

    References:
        Tieleman and Hinton, "Neural networks for machine learning", lecture 6.5, 2012;
        Graves, "Generating sequences with recurrent neural networks", 2013 (centred).
    """
    at_least_zero("Invalid learning rate", lr)
    at_least_zero("Invalid epsilon value", eps)
    at_least_zero("Invalid momentum value", momentum)
    at_least_zero("Invalid weight_decay value", weight_decay)
    at_least_zero("Invalid alpha value", alpha)
    has_momentum = is_set(momentum)
    hyperparams = (
        ("lr", lr),
        ("momentum", momentum),
        ("one_minus_alpha", 1 - alpha),
        ("eps", eps),
        ("weight_decay", weight_decay),
    )
    slots = (
        "square_avg",
        *(["momentum_buffer"] if has_momentum else []),
        *(["grad_avg"] if centered else []),
    )
    return optax.GradientTransformation(
        Init(RMSpropState, slots, hyperparams),
        _RMSpropUpdate(
            is_set(weight_decay), has_momentum, bool(centered), bool(maximize)
        ),
    )
