"""What the family of Adam shares: moments, bias corrections, argument checks."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from flaxnn.optim._leafwise import Named
from flaxnn.optim._scalars import Scalar, at_least_zero, is_traced

Betas = tuple[Scalar, Scalar]


def moved_to(moment: jax.Array, grad: jax.Array, weight: jax.Array) -> jax.Array:
    """PyTorch's lerp: from the nearer end, so that weight 1 gives the gradient."""
    near_start = moment + weight * (grad - moment)
    near_end = grad - (grad - moment) * (1 - weight)
    return jnp.where(weight < 0.5, near_start, near_end)


def second_moment(
    moment: jax.Array, grad: jax.Array, one_minus_beta2: jax.Array
) -> jax.Array:
    """The moving average of squared gradients."""
    return (1 - one_minus_beta2) * moment + one_minus_beta2 * (grad * grad)


def bias_correction(one_minus_beta: jax.Array, step: jax.Array) -> jax.Array:
    """1 - βᵗ without cancellation, in the scalars' dtype."""
    t = step.astype(one_minus_beta.dtype)
    return -jnp.expm1(t * jnp.log1p(-one_minus_beta))


def adam_hyperparams(
    lr: Scalar, betas: Betas, eps: Scalar, weight_decay: Scalar
) -> Named:
    """The hyper-parameters of the whole family, in PyTorch's order of checks."""
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
