# SPDX-License-Identifier: Apache-2.0
"""The `reduction` argument of the losses."""

from __future__ import annotations

import jax.numpy as jnp

from flaxnn._typing import Array, Float


def check_reduction(reduction: str) -> None:
    """Raises PyTorch's error for a name that is none of its reductions."""
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(
            f"{reduction} is not a valid value for reduction: expected 'none', "
            "'mean' or 'sum'"
        )


def reduce(losses: Float[Array, "..."], reduction: str) -> Float[Array, "..."]:
    """Returns the losses, their sum or their mean over all elements.

    XLA multiplies by the reciprocal of the constant number of elements where PyTorch
    divides: a mean can be an ulp off unless that number is a power of two.
    """
    if reduction == "mean":
        return jnp.mean(losses)
    return jnp.sum(losses) if reduction == "sum" else losses
