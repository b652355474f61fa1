# SPDX-License-Identifier: Apache-2.0
"""What batch and instance norm share: parameters and statistics of each channel."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn import init
from flaxnn._typing import DTypeLike
from flaxnn.nn._module import Module
from flaxnn.nn._parameter import Buffer, Parameter


class ChannelNorm(Module):
    """Holds weight and bias, and running statistics where they are tracked."""

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        *,
        bias: bool,
        dtype: DTypeLike = np.float32,
    ):
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        shape = (num_features,)
        self.weight: Parameter[jax.Array] | None = (
            Parameter(init.ones(shape, dtype=dtype)) if affine else None
        )
        shifts = affine and bias
        self.bias: Parameter[jax.Array] | None = (
            Parameter(init.zeros(shape, dtype=dtype)) if shifts else None
        )
        tracks = track_running_stats
        self.running_mean: Buffer[jax.Array] | None = (
            Buffer(init.zeros(shape, dtype=dtype)) if tracks else None
        )
        self.running_var: Buffer[jax.Array] | None = (
            Buffer(init.ones(shape, dtype=dtype)) if tracks else None
        )
        # Not PyTorch's int64: JAX has it in 64-bit mode only.
        count = Buffer(jnp.zeros((), jnp.int32)) if tracks else None
        self.num_batches_tracked = count

    def reset_running_stats(self) -> None:
        """Sets the running mean to 0, the variance to 1 and the count to 0."""
        for buffer, value in (
            (self.running_mean, 0),
            (self.running_var, 1),
            (self.num_batches_tracked, 0),
        ):
            if buffer is not None:
                buffer.set_value(jnp.full_like(buffer.get_value(), value))

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.affine}, bias={self.bias is not None}, "
            f"track_running_stats={self.track_running_stats}"
        )
