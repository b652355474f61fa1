# SPDX-License-Identifier: Apache-2.0
"""What PyTorch's optimisers do to a gradient before their own formula."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from flaxnn.optim._scalars import Scalars, Tree, cast, require_params


def adjusted(
    grads: Tree, params: Tree, scalars: Scalars, *, maximize: bool, weight_decay: bool
) -> Tree:
    """The gradients, negated to ascend, with the coupled weight decay added."""
    if maximize:
        grads = jax.tree.map(jnp.negative, grads)
    if not weight_decay:
        return grads
    require_params(params, "weight_decay")
    return jax.tree.map(
        lambda g, p: g + cast(scalars, g)["weight_decay"] * p, grads, params
    )
