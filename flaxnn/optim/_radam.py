# SPDX-License-Identifier: Apache-2.0
"""RAdam: Adam whose second moment takes part once its variance is tractable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from flaxnn.optim._adam_family import (
    Betas,
    bias_correction,
    hyperparams_of,
    less_decay,
)
from flaxnn.optim._gradients import adjusted
from flaxnn.optim._init import Init
from flaxnn.optim._leafwise import leafwise
from flaxnn.optim._moments import decayed, lerp
from flaxnn.optim._scalars import Scalar, Scalars, Tree, is_set


class RAdamState(NamedTuple):
    """State of `radam`.

    Attributes:
        step: Updates done so far, int32.
        exp_avg: First moments, shaped as the parameters.
        exp_avg_sq: Second moments.
        hyperparams: Traced scalars; replace one to change it without recompiling.
    """

    step: jax.Array
    exp_avg: Tree
    exp_avg_sq: Tree
    hyperparams: Scalars


@dataclass(frozen=True)
class _RAdamUpdate:
    """One RAdam update; the static options are all that compilation depends on."""

    weight_decay: bool
    decoupled_weight_decay: bool
    maximize: bool

    def __call__(
        self, updates: Tree, state: Any, params: Tree = None, **extra: Any
    ) -> tuple[Tree, Any]:
        del extra
        s, step = state.hyperparams, state.step + 1
        coupled = self.weight_decay and not self.decoupled_weight_decay
        grads = adjusted(
            updates, params, s, maximize=self.maximize, weight_decay=coupled
        )
        first = bias_correction(s["one_minus_beta1"], step)
        second = bias_correction(s["one_minus_beta2"], step)
        rectification = _rectification(s["one_minus_beta2"], step)
        steps = {
            "step_size": s["lr"] / first,
            "numerator": jnp.sqrt(second) * rectification,
        }
        moments = state.exp_avg, state.exp_avg_sq
        new, *moments = leafwise(
            self._leaf, s | steps, (updates, *moments), grads, params, *moments
        )
        return new, RAdamState(step, *moments, hyperparams=s)

    def _leaf(
        self,
        s: Scalars,
        grad: jax.Array,
        param: jax.Array,
        exp_avg: jax.Array,
        exp_avg_sq: jax.Array,
    ) -> tuple[jax.Array, ...]:
        """The update of one leaf: eps is added before the bias correction."""
        exp_avg = lerp(exp_avg, grad, s["one_minus_beta1"])
        exp_avg_sq = decayed(exp_avg_sq, grad * grad, s["one_minus_beta2"])
        adaptive = s["numerator"] / (jnp.sqrt(exp_avg_sq) + s["eps"])
        scale = jnp.where(s["numerator"] > 0, adaptive, 1)
        update = -s["step_size"] * exp_avg * scale
        if self.weight_decay and self.decoupled_weight_decay:
            update = less_decay(update, param, s)
        return update, exp_avg, exp_avg_sq


def _rectification(one_minus_beta2: jax.Array, step: jax.Array) -> jax.Array:
    """PyTorch's rectification term; 0 while the average is too short to have one.

    The length of the average at step t is 2/(1-β) - 1 - 2tβᵗ/(1-βᵗ), which at first is
    a small difference of numbers near 2/(1-β): float32 would lose four digits. With
    x = -log β and the function h below it is 1 - h(x/2) + t h(tx/2), where nothing
    cancels.
    """
    t = step.astype(one_minus_beta2.dtype)
    x = -jnp.log1p(-one_minus_beta2)
    longest = 2 / one_minus_beta2 - 1
    length = 1 - _h(x / 2) + t * _h(t * x / 2)
    square = (length - 4) * (length - 2) * longest
    square = square / ((longest - 4) * (longest - 2) * length)
    return jnp.where(length > 5, jnp.sqrt(square), 0)


def _h(z: jax.Array) -> jax.Array:
    """1 + 1/z - coth z, for z > 0."""
    near = jnp.minimum(z, 1)
    # Lambert's continued fraction of coth; nine terms reach float64's last digit at 1.
    fraction = jnp.zeros_like(z)
    for odd in range(19, 1, -2):
        fraction = near * near / (odd + fraction)
    return jnp.where(z < 1, 1 - fraction / near, 1 / z - 2 / jnp.expm1(2 * z))


def radam(
    lr: Scalar = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: Scalar = 1e-8,
    weight_decay: Scalar = 0.0,
    decoupled_weight_decay: bool = False,
    *,
    maximize: bool = False,
) -> optax.GradientTransformation:
    """Returns PyTorch's RAdam as an optax transformation.

    While the moving average of squares is shorter than 5 steps, which at the default
    ``betas[1]`` are the first five updates, an update is ``lr`` times the corrected
    first moment. The numbers live in the state, so another learning rate does not
    recompile; what decides compilation is whether ``weight_decay`` is zero, and the
    two flags.

    Args:
        lr: Learning rate, ≥ 0.
        betas: Decay rates of the first and second moments, in [0, 1).
        eps: Added to the root of the second moment, before its correction, ≥ 0.
        weight_decay: Decay coefficient, ≥ 0.
        decoupled_weight_decay: Whether to decay as AdamW does.
        maximize: Whether to ascend.

    Returns:
        A transformation whose state is an `RAdamState`.

    Raises:
        ValueError: A coefficient is out of its range.

    Torch:
        ``torch.optim.RAdam``, 2.13.0, T1; T2 in float32. ``foreach``, ``capturable``
        and ``differentiable`` have no counterpart.

    Example:
        >>> import jax.numpy as jnp, optax
        >>> optimizer = radam(lr=0.1)
        >>> params = jnp.ones(2)
        >>> state = optimizer.init(params)
        >>> updates, state = optimizer.update(jnp.array([1.0, -2.0]), state, params)
        >>> optax.apply_updates(params, updates)
        Array([0.9, 1.2], dtype=float32)

    References:
        Liu et al., "On the variance of the adaptive learning rate and beyond", 2020,
        algorithm 2.
    """
    hyperparams = hyperparams_of(lr, betas, eps, weight_decay)
    init = Init(RAdamState, ("exp_avg", "exp_avg_sq"), hyperparams)
    update = _RAdamUpdate(
        is_set(weight_decay), bool(decoupled_weight_decay), bool(maximize)
    )
    return optax.GradientTransformation(init, update)
