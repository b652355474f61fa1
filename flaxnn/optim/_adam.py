# SPDX-License-Identifier: Apache-2.0
"""Adam and AdamW with PyTorch's bias correction, decay and AMSGrad."""

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


class AdamState(NamedTuple):
    """State of `adam` and `adamw`.

    Attributes:
        step: Updates done so far, int32.
        exp_avg: First moments, shaped as the parameters.
        exp_avg_sq: Second moments.
        max_exp_avg_sq: Largest second moments so far with ``amsgrad``, else None.
        hyperparams: Traced scalars; replace one to change it without recompiling.
    """

    step: jax.Array
    exp_avg: Tree
    exp_avg_sq: Tree
    max_exp_avg_sq: Tree
    hyperparams: Scalars


@dataclass(frozen=True)
class _AdamUpdate:
    """One Adam update; the static options are all that compilation depends on."""

    weight_decay: bool
    amsgrad: bool
    maximize: bool
    decoupled_weight_decay: bool

    def __call__(
        self, updates: Tree, state: Any, params: Tree = None, **extra: Any
    ) -> tuple[Tree, Any]:
        del extra
        scalars, step = state.hyperparams, state.step + 1
        coupled = self.weight_decay and not self.decoupled_weight_decay
        grads = adjusted(
            updates, params, scalars, maximize=self.maximize, weight_decay=coupled
        )
        first = bias_correction(scalars["one_minus_beta1"], step)
        second = bias_correction(scalars["one_minus_beta2"], step)
        corrected = {"step_size": scalars["lr"] / first, "root": jnp.sqrt(second)}
        moments = state.exp_avg, state.exp_avg_sq, state.max_exp_avg_sq
        new, *moments = leafwise(
            self._leaf,
            scalars | corrected,
            (updates, *moments),
            grads,
            params,
            *moments,
        )
        return new, AdamState(step, *moments, hyperparams=scalars)

    def _leaf(
        self,
        s: Scalars,
        grad: jax.Array,
        param: jax.Array,
        exp_avg: jax.Array,
        exp_avg_sq: jax.Array,
        largest: jax.Array | None,
    ) -> tuple[jax.Array | None, ...]:
        """The update of one leaf: eps is added outside the corrected root."""
        exp_avg = lerp(exp_avg, grad, s["one_minus_beta1"])
        exp_avg_sq = second = decayed(exp_avg_sq, grad * grad, s["one_minus_beta2"])
        if largest is not None:
            largest = second = jnp.maximum(largest, exp_avg_sq)
        denominator = jnp.sqrt(second) / s["root"] + s["eps"]
        update = -s["step_size"] * (exp_avg / denominator)
        if self.weight_decay and self.decoupled_weight_decay:
            update = less_decay(update, param, s)
        return update, exp_avg, exp_avg_sq, largest


def adam(
    lr: Scalar = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: Scalar = 1e-8,
    weight_decay: Scalar = 0.0,
    amsgrad: bool = False,
    *,
    maximize: bool = False,
    decoupled_weight_decay: bool = False,
) -> optax.GradientTransformation:
    """Returns PyTorch's Adam as an optax transformation.

    Weight decay is added to the gradient unless ``decoupled_weight_decay``; AMSGrad
    takes the maximum of the uncorrected second moments. The numbers live in the
    state, so another learning rate does not recompile; what decides compilation is
    whether ``weight_decay`` is zero, and the three flags.

    Args:
        lr: Learning rate, ≥ 0.
        betas: Decay rates of the first and second moments, floats in [0, 1).
        eps: Added to the root of the second moment, ≥ 0.
        weight_decay: Decay coefficient, ≥ 0.
        amsgrad: Whether to use the largest second moment so far.
        maximize: Whether to ascend.
        decoupled_weight_decay: Whether to decay as AdamW does.

    Returns:
        A transformation whose state is an `AdamState`.

    Raises:
        ValueError: A coefficient is out of its range, or the betas are not floats.

    Torch:
        ``torch.optim.Adam``, 2.13.0, T1. In float32 (T2) the bias corrections are
        float32, PyTorch's are double. ``foreach``, ``capturable``, ``fused`` and
        ``differentiable`` have no counterpart.

    Example:
        >>> import jax.numpy as jnp, optax
        >>> optimizer = adam(lr=0.1)
        >>> params = jnp.ones(2)
        >>> state = optimizer.init(params)
        >>> updates, state = optimizer.update(jnp.array([1.0, -2.0]), state, params)
        >>> optax.apply_updates(params, updates)
        Array([0.9, 1.1], dtype=float32)

    References:
        Kingma and Ba, "Adam", 2015, algorithm 1; Reddi et al., "On the convergence
        of Adam and beyond", 2018 (AMSGrad).
    """
    hyperparams = hyperparams_of(lr, betas, eps, weight_decay)
    if any(isinstance(beta, int) for beta in betas):
        raise ValueError("betas must be either both floats or both Tensors")
    update = _AdamUpdate(
        is_set(weight_decay),
        bool(amsgrad),
        bool(maximize),
        bool(decoupled_weight_decay),
    )
    slots = ("exp_avg", "exp_avg_sq", *(["max_exp_avg_sq"] if amsgrad else []))
    init = Init(AdamState, slots, hyperparams)
    return optax.GradientTransformation(init, update)


def adamw(
    lr: Scalar = 1e-3,
    betas: Betas = (0.9, 0.999),
    eps: Scalar = 1e-8,
    weight_decay: Scalar = 1e-2,
    amsgrad: bool = False,
    *,
    maximize: bool = False,
) -> optax.GradientTransformation:
    """Returns PyTorch's AdamW: `adam` with the weight decay decoupled.

    The decay ``lr · weight_decay · parameter`` is part of the update and does not enter
    the moments. It is on by default, so ``update`` needs the parameters.

    Args:
        lr: Learning rate, ≥ 0.
        betas: Decay rates of the first and second moments, floats in [0, 1).
        eps: Added to the root of the second moment, ≥ 0.
        weight_decay: Decay coefficient, ≥ 0.
        amsgrad: Whether to use the largest second moment so far.
        maximize: Whether to ascend.

    Returns:
        A transformation whose state is an `AdamState`.

    Raises:
        ValueError: A coefficient is out of its range, or the betas are not floats.

    Torch:
        ``torch.optim.AdamW``, 2.13.0, T1; T2 in float32. PyTorch rounds after the decay
        and again after the step, here their sum is one update. ``foreach``,
        ``capturable``, ``fused`` and ``differentiable`` have no counterpart.

    Example:
        >>> import jax.numpy as jnp, optax
        >>> optimizer = adamw(lr=0.1, weight_decay=0.5)
        >>> params = jnp.ones(2)
        >>> state = optimizer.init(params)
        >>> updates, state = optimizer.update(jnp.array([1.0, -2.0]), state, params)
        >>> optax.apply_updates(params, updates)
        Array([0.85, 1.05], dtype=float32)

    References:
        Loshchilov and Hutter, "Decoupled weight decay regularization", 2019.
    """
    return adam(
        lr,
        betas,
        eps,
        weight_decay,
        amsgrad,
        maximize=maximize,
        decoupled_weight_decay=True,
    )
