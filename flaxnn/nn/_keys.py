# SPDX-License-Identifier: Apache-2.0
"""Where a layer's random numbers come from when they are not PyTorch's."""

from __future__ import annotations

from flax import nnx

from flaxnn.init import Source
from flaxnn.random import Generator


def key_stream(rngs: Source | None) -> nnx.RngStream | None:
    """Returns a layer's own stream of JAX keys; None of a Generator, or of nothing."""
    if isinstance(rngs, nnx.Rngs):
        # A fork, so that layers do not share the state that training carries along.
        return rngs["dropout"].fork()
    if rngs is None or isinstance(rngs, Generator):
        return None
    raise TypeError(
        "rngs must be a flax.nnx.Rngs (JAX keys), a flaxnn.random.Generator or None, "
        f"got {type(rngs).__name__}"
    )
