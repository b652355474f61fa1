# SPDX-License-Identifier: Apache-2.0
"""What Adam and its relatives share: checks, bias corrections, decoupled decay."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from flaxnn.optim._init import Named
from flaxnn.optim._scalars import (
    Scalar,
    Scalars,
    at_least_zero,
    is_traced,
    require_params,
)

Betas = tuple[Scalar, Scalar]


def hyperparams_of(
    lr: Scalar, betas: Betas, eps: Scalar, weight_decay: Scalar
) -> Named:
    """The numbers that all of them have, checked in PyTorch's order."""
    at_least_zero("Invalid learning rate", lr)
    at_least_zero("Invalid epsilon value", eps)
    for index, beta in enumerate(betas):
        if not is_traced(beta) and not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {beta}")
    at_least_zero("Invalid weight_decay value", weight_decay)
    return (
        ("lr", lr),
        # The complements keep 1 - β exact to the dtype: 1 - float32(0.999) is
        # 1.3e-5 off, which a run would show.
        ("one_minus_beta1", 1 - betas[0]),
        ("one_minus_beta2", 1 - betas[1]),
        ("eps", eps),
        ("weight_decay", weight_decay),
    )


def bias_correction(one_minus_beta: jax.Array, step: jax.Array) -> jax.Array:
    """1 - βᵗ without cancellation, in the scalars' dtype."""
    t = step.astype(one_minus_beta.dtype)
    return -jnp.expm1(t * jnp.log1p(-one_minus_beta))


def less_decay(update: jax.Array, param: Any, s: Scalars) -> jax.Array:
    """A leaf's update with the decoupled weight decay, which PyTorch does first.

    The factor is rounded as PyTorch rounds it: the decay is often near an ulp of 1, and
    its error would be the same at every step.
    """
    require_params(param, "weight_decay")
    kept = 1 - s["lr"] * s["weight_decay"]
    return update - (1 - kept) * param
