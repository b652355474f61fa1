"""Adam with PyTorch's bias correction, decay and AMSGrad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from flaxnn.optim._leafwise import Init, adjusted, decayed, leafwise
from flaxnn.optim._moments import (
    Betas,
    adam_hyperparams,
    bias_correction,
    moved_to,
    second_moment,
)
from flaxnn.optim._scalars import Scalar, Scalars, Tree, is_set


class AdamState(NamedTuple):
    """State of `adam`.

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
        first = bias_correction(scalars["one_minus_beta1"], step)
        second = bias_correction(scalars["one_minus_beta2"], step)
        corrected = {"step_size": scalars["lr"] / first, "root": jnp.sqrt(second)}
        new, exp_avg, exp_avg_sq, largest = leafwise(
            self._leaf,
            scalars | corrected,
            updates,
            params,
            state.exp_avg,
            state.exp_avg_sq,
            state.max_exp_avg_sq,
        )
        return new, AdamState(step, exp_avg, exp_avg_sq, largest, scalars)

    def _leaf(
        self,
        s: Scalars,
        grad: jax.Array,
        param: jax.Array | None,
        exp_avg: jax.Array,
        exp_avg_sq: jax.Array,
        largest: Any,
    ) -> tuple[Any, ...]:
        coupled = self.weight_decay and not self.decoupled_weight_decay
        grad = adjusted(grad, param, s, maximize=self.maximize, weight_decay=coupled)
        exp_avg = moved_to(exp_avg, grad, s["one_minus_beta1"])
        exp_avg_sq = second_moment(exp_avg_sq, grad, s["one_minus_beta2"])
        if self.amsgrad:
            largest = jnp.maximum(largest, exp_avg_sq)
        second = largest if self.amsgrad else exp_avg_sq
        # Eps is added outside the root, after the bias correction.
        denominator = jnp.sqrt(second) / s["root"] + s["eps"]
        update = -s["step_size"] * (exp_avg / denominator)
        if self.weight_decay and self.decoupled_weight_decay:
            update = decayed(update, param, s)
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
    hyperparams = adam_hyperparams(lr, betas, eps, weight_decay)
    if any(isinstance(beta, int) for beta in betas):
        raise ValueError("betas must be either both floats or both Tensors")
    update = _AdamUpdate(
        is_set(weight_decay),
        bool(amsgrad),
        bool(maximize),
        bool(decoupled_weight_decay),
    )
    slots = ("exp_avg", "exp_avg_sq", *(["max_exp_avg_sq"] if amsgrad else []))
    init = Init(AdamState, tuple((name, 0.0) for name in slots), hyperparams)
    return optax.GradientTransformation(init, update)
