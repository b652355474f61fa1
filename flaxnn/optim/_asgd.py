# SPDX-License-Identifier: Apache-2.0
"""Averaged stochastic gradient descent."""

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
    require_params,
)


class ASGDState(NamedTuple):
    """State of `asgd`.

    Attributes:
        step: Updates done so far, int32.
        eta: The next update's learning rate, one scalar for all parameters. It is
            float32 whatever the parameters are, as in PyTorch.
        mu: The next update's weight in the average, float32 likewise.
        ax: Averages of the parameters, shaped as they are.
        hyperparams: Traced scalars; replace one to change it without recompiling.
    """

    step: jax.Array
    eta: jax.Array
    mu: jax.Array
    ax: Tree
    hyperparams: Scalars


@dataclass(frozen=True)
class _ASGDUpdate:
    """One ASGD update; the static options are all that compilation depends on."""

    weight_decay: bool
    maximize: bool

    def __call__(
        self, updates: Tree, state: Any, params: Tree = None, **extra: Any
    ) -> tuple[Tree, ASGDState]:
        del extra
        require_params(params, "asgd")
        s, step = state.hyperparams, state.step + 1
        grads = adjusted(
            updates,
            params,
            s,
            maximize=self.maximize,
            weight_decay=self.weight_decay,
        )
        # PyTorch takes the learning rate of the first update for the first eta.
        eta = jnp.where(state.step == 0, s["lr"].astype(state.eta.dtype), state.eta)
        eta, mu = eta.astype(s["lr"].dtype), state.mu.astype(s["lr"].dtype)
        scalars = {"eta": eta, "mu": mu, "kept": 1 - s["lambd"] * eta}
        new, ax = leafwise(
            _descent, scalars, (updates, state.ax), grads, params, state.ax
        )
        t = step.astype(eta.dtype)
        eta = s["lr"] / (1 + s["lambd"] * s["lr"] * t) ** s["alpha"]
        mu = 1 / jnp.maximum(1, t - s["t0"])
        eta, mu = eta.astype(state.eta.dtype), mu.astype(state.mu.dtype)
        return new, ASGDState(step, eta, mu, ax, s)


def _descent(
    s: Scalars, grad: jax.Array, param: jax.Array, ax: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """The update of one leaf, and the average with the new value in it."""
    # The factor is rounded as PyTorch rounds it: the decay is often near an ulp of 1.
    update = -(1 - s["kept"]) * param - s["eta"] * grad
    new = param + update
    return update, jnp.where(s["mu"] == 1, new, ax + (new - ax) * s["mu"])


def asgd(
    lr: Scalar = 1e-2,
    lambd: Scalar = 1e-4,
    alpha: Scalar = 0.75,
    t0: Scalar = 1e6,
    weight_decay: Scalar = 0.0,
    *,
    maximize: bool = False,
) -> optax.GradientTransformation:
    """Returns PyTorch's averaged SGD as an optax transformation.

    The updates are those of SGD with a learning rate that falls; the averages are in
    the state, as ``ax``, and take each new value to be the parameter plus the update.
    The numbers live in the state, so another learning rate does not recompile; what
    decides compilation is whether ``weight_decay`` is zero, and ``maximize``.

    Args:
        lr: Learning rate, ≥ 0; update ``t`` uses ``lr / (1 + lambd · lr · t)^alpha``.
        lambd: Decay of the parameters and of the learning rate.
        alpha: Power of the learning rate's decay.
        t0: The update at which averaging starts; before it ``ax`` is the parameter.
        weight_decay: L2 coefficient, ≥ 0, coupled.
        maximize: Whether to ascend.

    Returns:
        A transformation whose state is an `ASGDState`.

    Raises:
        ValueError: ``lr`` or ``weight_decay`` is negative, or ``update`` was called
            without the parameters.

    Torch:
        ``torch.optim.ASGD``, 2.13.0, T1. PyTorch keeps ``eta`` and ``mu`` in its
        default dtype, which rounds them to float32 for parameters of any dtype; so
        does this. In float32 (T2) PyTorch rounds after the decay and again after the
        step, here their sum is one update. ``foreach``, ``capturable`` and
        ``differentiable`` have no counterpart.

    Example:
        >>> import jax.numpy as jnp, optax
        >>> optimizer = asgd(lr=0.1, lambd=0.5)
        >>> params = jnp.ones(2)
        >>> state = optimizer.init(params)
        >>> updates, state = optimizer.update(jnp.array([1.0, -2.0]), state, params)
        >>> optax.apply_updates(params, updates)
        Array([0.85, 1.15], dtype=float32)

    References:
        Polyak and Juditsky, "Acceleration of stochastic approximation by averaging",
        1992.
    """
    at_least_zero("Invalid learning rate", lr)
    at_least_zero("Invalid weight_decay value", weight_decay)
    hyperparams = (
        ("lr", lr),
        ("lambd", lambd),
        ("alpha", alpha),
        ("t0", t0),
        ("weight_decay", weight_decay),
    )
    numbers = (("eta", lr), ("mu", 1.0))
    return optax.GradientTransformation(
        Init(ASGDState, ("ax",), hyperparams, numbers=numbers),
        _ASGDUpdate(is_set(weight_decay), bool(maximize)),
    )
