# SPDX-License-Identifier: Apache-2.0
"""NAdam: Adam with Nesterov's momentum and PyTorch's schedule of it."""

from __future__ import annotations

import math
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
from flaxnn.optim._scalars import Scalar, Scalars, Tree, at_least_zero, is_set

# Dozat's schedule of the momentum: μ at step t is β1 (1 - 0.96^(t ψ) / 2).
_LOG_DECAY = math.log(0.96)


class NAdamState(NamedTuple):
    """State of `nadam`.

    Attributes:
        step: Updates done so far, int32.
        mu_product: Product of all momenta so far, one number for all parameters. It is
            float32 whatever the parameters are, as in PyTorch.
        exp_avg: First moments, shaped as the parameters.
        exp_avg_sq: Second moments.
        hyperparams: Traced scalars; replace one to change it without recompiling.
    """

    step: jax.Array
    mu_product: jax.Array
    exp_avg: Tree
    exp_avg_sq: Tree
    hyperparams: Scalars


@dataclass(frozen=True)
class _NAdamUpdate:
    """One NAdam update; the static options are all that compilation depends on."""

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
        mu, one_minus_mu = _momentum(s, step)
        mu_next, _ = _momentum(s, step + 1)
        mu_product = state.mu_product * mu.astype(state.mu_product.dtype)
        product = mu_product.astype(mu.dtype)
        second = bias_correction(s["one_minus_beta2"], step)
        steps = {
            "grad_step": s["lr"] * one_minus_mu / (1 - product),
            "moment_step": s["lr"] * mu_next / (1 - product * mu_next),
            "root": jnp.sqrt(second),
        }
        moments = state.exp_avg, state.exp_avg_sq
        new, *moments = leafwise(
            self._leaf, s | steps, (updates, *moments), grads, params, *moments
        )
        return new, NAdamState(step, mu_product, *moments, hyperparams=s)

    def _leaf(
        self,
        s: Scalars,
        grad: jax.Array,
        param: Any,
        exp_avg: jax.Array,
        exp_avg_sq: jax.Array,
    ) -> tuple[jax.Array, ...]:
        """The update of one leaf: part of the way along the gradient itself.

        PyTorch moves the parameter twice and rounds it twice. In float32 that shows in
        a run, so where the parameter is known the update leads to what it arrives at.
        """
        exp_avg = lerp(exp_avg, grad, s["one_minus_beta1"])
        exp_avg_sq = decayed(exp_avg_sq, grad * grad, s["one_minus_beta2"])
        denominator = jnp.sqrt(exp_avg_sq) / s["root"] + s["eps"]
        start = jnp.zeros_like(grad) if param is None else param
        moved = start - s["grad_step"] * (grad / denominator)
        update = (moved - s["moment_step"] * (exp_avg / denominator)) - start
        if self.weight_decay and self.decoupled_weight_decay:
            update = less_decay(update, param, s)
        return update, exp_avg, exp_avg_sq


def _momentum(s: Scalars, step: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The momentum at a step, and 1 less it without cancellation."""
    t = step.astype(s["momentum_decay"].dtype)
    half = 0.5 * jnp.exp(t * s["momentum_decay"] * _LOG_DECAY)
    beta1 = 1 - s["one_minus_beta1"]
    return beta1 * (1 - half), s["one_minus_beta1"] + beta1 * half


def nadam(
    lr: Scalar = 2e-3,
    betas: Betas = (0.9, 0.999),
    eps: Scalar = 1e-8,
    weight_decay: Scalar = 0.0,
    momentum_decay: Scalar = 4e-3,
    decoupled_weight_decay: bool = False,
    *,
    maximize: bool = False,
) -> optax.GradientTransformation:
    """Returns PyTorch's NAdam as an optax transformation.

    The momentum grows from about ``betas[0] / 2`` towards ``betas[0]``, the faster the
    larger ``momentum_decay``; `optax.nadam` holds it constant. The numbers live in the
    state, so another learning rate does not recompile; what decides compilation is
    whether ``weight_decay`` is zero, and the two flags.

    Args:
        lr: Learning rate, ≥ 0.
        betas: Decay rates of the first and second moments, in [0, 1).
        eps: Added to the root of the second moment, ≥ 0.
        weight_decay: Decay coefficient, ≥ 0.
        momentum_decay: Speed of the momentum's schedule, ≥ 0.
        decoupled_weight_decay: Whether to decay as AdamW does.
        maximize: Whether to ascend.

    Returns:
        A transformation whose state is an `NAdamState`.

    Raises:
        ValueError: A coefficient is out of its range.

    Torch:
        ``torch.optim.NAdam``, 2.13.0, T1; T2 in float32. PyTorch keeps ``mu_product``
        in its default dtype, which rounds it to float32 for parameters of any dtype;
        so does this. Without parameters, ``update`` gives the exact step rather than
        the one that PyTorch's two roundings of a parameter lead to. ``foreach``,
        ``capturable`` and ``differentiable`` have no counterpart.

    Example:
        >>> import jax.numpy as jnp, optax
        >>> optimizer = nadam(lr=0.1)
        >>> params = jnp.ones(2)
        >>> state = optimizer.init(params)
        >>> updates, state = optimizer.update(jnp.array([1.0, -2.0]), state, params)
        >>> optax.apply_updates(params, updates).round(4)
        Array([0.8944, 1.1056], dtype=float32)

    References:
        Dozat, "Incorporating Nesterov momentum into Adam", 2016.
    """
    hyperparams = hyperparams_of(lr, betas, eps, weight_decay)
    at_least_zero("Invalid momentum_decay value", momentum_decay)
    init = Init(
        NAdamState,
        ("exp_avg", "exp_avg_sq"),
        (*hyperparams, ("momentum_decay", momentum_decay)),
        numbers=(("mu_product", 1.0),),
    )
    update = _NAdamUpdate(
        is_set(weight_decay), bool(decoupled_weight_decay), bool(maximize)
    )
    return optax.GradientTransformation(init, update)
