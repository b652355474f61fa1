# SPDX-License-Identifier: Apache-2.0
"""Adamax: Adam with a decaying maximum in place of the second moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from flaxnn.optim._adam_family import Betas, bias_correction, hyperparams_of
from flaxnn.optim._gradients import adjusted
from flaxnn.optim._init import Init
from flaxnn.optim._leafwise import leafwise
from flaxnn.optim._moments import lerp
from flaxnn.optim._scalars import Scalar, Scalars, Tree, is_set


class AdamaxState(NamedTuple):
    """State of `adamax`.

    Attributes:
        step: Updates done so far, int32.
        exp_avg: First moments, shaped as the parameters.
        exp_inf: Decaying maxima of the gradients' magnitudes.
        hyperparams: Traced scalars; replace one to change it without recompiling.
    """

    step: jax.Array
    exp_avg: Tree
    exp_inf: Tree
    hyperparams: Scalars


@dataclass(frozen=True)
class _AdamaxUpdate:
    """One Adamax update; the static options are all that compilation depends on."""

    weight_decay: bool
    maximize: bool

    def __call__(
        self, updates: Tree, state: Any, params: Tree = None, **extra: Any
    ) -> tuple[Tree, Any]:
        del extra
        scalars, step = state.hyperparams, state.step + 1
        grads = adjusted(
            updates,
            params,
            scalars,
            maximize=self.maximize,
            weight_decay=self.weight_decay,
        )
        correction = bias_correction(scalars["one_minus_beta1"], step)
        moments = state.exp_avg, state.exp_inf
        new, *moments = leafwise(
            _descent,
            scalars | {"step_size": scalars["lr"] / correction},
            (updates, *moments),
            grads,
            *moments,
        )
        return new, AdamaxState(step, *moments, hyperparams=scalars)


def _descent(
    s: Scalars, grad: jax.Array, exp_avg: jax.Array, exp_inf: jax.Array
) -> tuple[jax.Array, ...]:
    """The update of one leaf: eps is a part of each magnitude, so it decays too."""
    exp_avg = lerp(exp_avg, grad, s["one_minus_beta1"])
    faded = (1 - s["one_minus_beta2"]) * exp_inf
    exp_inf = jnp.maximum(faded, jnp.abs(grad) + s["eps"])
    return -s["step_size"] * (exp_avg / exp_inf), exp_avg, exp_inf


def adamax(
    lr: Scalar = 2e-3,
    betas: Betas = (0.9, 0.999),
    eps: Scalar = 1e-8,
    weight_decay: Scalar = 0.0,
    *,
    maximize: bool = False,
) -> optax.GradientTransformation:
    """Returns PyTorch's Adamax as an optax transformation.

    The numbers live in the state, so another learning rate does not recompile; what
    decides compilation is whether ``weight_decay`` is zero, and ``maximize``.

    Args:
        lr: Learning rate, ≥ 0.
        betas: Decay rates of the first moment and of the maximum, in [0, 1).
        eps: Added to the magnitude of each gradient, ≥ 0.
        weight_decay: L2 coefficient, ≥ 0, coupled.
        maximize: Whether to ascend.

    Returns:
        A transformation whose state is an `AdamaxState`.

    Raises:
        ValueError: A coefficient is out of its range.

    Torch:
        ``torch.optim.Adamax``, 2.13.0, T1; T2 in float32. ``foreach``, ``capturable``
        and ``differentiable`` have no counterpart.

    Example:
        >>> import jax.numpy as jnp, optax
        >>> optimizer = adamax(lr=0.1)
        >>> params = jnp.ones(2)
        >>> state = optimizer.init(params)
        >>> updates, state = optimizer.update(jnp.array([1.0, -2.0]), state, params)
        >>> optax.apply_updates(params, updates)
        Array([0.9, 1.1], dtype=float32)

    References:
        Kingma and Ba, "Adam", 2015, algorithm 2, where eps is absent.
    """
    hyperparams = hyperparams_of(lr, betas, eps, weight_decay)
    init = Init(AdamaxState, ("exp_avg", "exp_inf"), hyperparams)
    update = _AdamaxUpdate(is_set(weight_decay), bool(maximize))
    return optax.GradientTransformation(init, update)
