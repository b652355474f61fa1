# SPDX-License-Identifier: Apache-2.0
"""Instance normalisation, with the statistics that it can keep."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn import functional as F
from flaxnn._typing import ArrayLike, DTypeLike
from flaxnn.functional._checks import warn_caller
from flaxnn.init import Source
from flaxnn.nn._channel_norm import ChannelNorm
from flaxnn.nn._parameter import value_of


class _InstanceNorm(ChannelNorm):
    """An instance norm; what it can be applied to is its subclasses'."""

    # Dimensions of a single sample, (C, *).
    _sample: int

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        *,
        bias: bool = True,
        rngs: Source | None = None,
        dtype: DTypeLike = np.float32,
    ):
        super().__init__(
            num_features,
            eps,
            momentum,
            affine,
            track_running_stats,
            bias=bias,
            dtype=dtype,
        )

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the normalised input; in training, moves tracked statistics."""
        ndim, sample = np.ndim(input), self._sample
        if ndim not in (sample, sample + 1):
            raise ValueError(
                f"expected {sample}D or {sample + 1}D input (got {ndim}D input)"
            )
        self._check_channels(np.shape(input)[ndim - sample], ndim - sample)
        if ndim == sample:
            return self._normalized(jnp.asarray(input)[None])[0]
        return self._normalized(input)

    def _check_channels(self, channels: int, dim: int) -> None:
        if channels == self.num_features:
            return
        if self.affine:
            raise ValueError(
                f"expected input's size at dim={dim} to match num_features "
                f"({self.num_features}), but got: {channels}."
            )
        warn_caller(
            f"input's size at dim={dim} does not match num_features "
            f"({self.num_features}): it is {channels}; with affine=False the layer "
            "does not use num_features"
        )

    def _normalized(self, input: ArrayLike) -> jax.Array:
        mean, var = self.running_mean, self.running_var
        output = F.instance_norm(
            input,
            value_of(mean),
            value_of(var),
            value_of(self.weight),
            value_of(self.bias),
            use_input_stats=self.training or not self.track_running_stats,
            eps=self.eps,
        )
        if self.training and mean is not None and var is not None:
            momentum = 0.0 if self.momentum is None else self.momentum
            new = F.instance_norm_running_stats(
                input, mean.get_value(), var.get_value(), momentum=momentum
            )
            mean.set_value(new[0])
            var.set_value(new[1])
        return output


class InstanceNorm1d(_InstanceNorm):
    """Normalises each channel of each sample of ``(N, C, L)`` or ``(C, L)``.

    Args:
        num_features: C.
        eps: Added to the variance.
        momentum: Weight of a new batch in the running statistics (Flax's momentum is
            one minus it); None leaves them as they are.
        affine: Whether to scale and shift by learned parameters.
        track_running_stats: Whether to keep running statistics, which are used in
            evaluation. Without them evaluation uses each sample's own too.
        bias: Whether to learn a shift.
        rngs: Ignored; nothing is drawn.
        dtype: float32 or float64 parameters and statistics.

    Attributes:
        weight: ``(C,)`` ones, or None.
        bias: ``(C,)`` zeros, or None.
        running_mean: ``(C,)`` buffer, or None.
        running_var: ``(C,)`` buffer of the unbiased variance, or None.
        num_batches_tracked: Buffer that stays 0, as in PyTorch; int32, where PyTorch
            has int64. Or None.

    Torch:
        ``torch.nn.InstanceNorm1d``, 2.13.0, T1; statistics move in place, as those of
        `BatchNorm1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> InstanceNorm1d(1)(jnp.array([[[1.0, 3.0]]])).round(2)
        Array([[[-1.,  1.]]], dtype=float32)

    References:
        Ulyanov, Vedaldi and Lempitsky, "Instance Normalization", 2016.
    """

    _sample = 2


class InstanceNorm2d(_InstanceNorm):
    """Normalises each channel of each sample of ``(N, C, H, W)`` or ``(C, H, W)``.

    Args:
        num_features: C.
        eps: Added to the variance.
        momentum: Weight of a new batch in the running statistics (Flax's momentum is
            one minus it); None leaves them as they are.
        affine: Whether to scale and shift by learned parameters.
        track_running_stats: Whether to keep running statistics, which are used in
            evaluation. Without them evaluation uses each sample's own too.
        bias: Whether to learn a shift.
        rngs: Ignored; nothing is drawn.
        dtype: float32 or float64 parameters and statistics.

    Attributes:
        weight, bias, running_mean, running_var, num_batches_tracked: As of
            `InstanceNorm1d`.

    Torch:
        ``torch.nn.InstanceNorm2d``, 2.13.0, T1; as `InstanceNorm1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> InstanceNorm2d(3)(jnp.ones((2, 3, 4, 4))).shape
        (2, 3, 4, 4)
    """

    _sample = 3


class InstanceNorm3d(_InstanceNorm):
    """Normalises each channel of each sample of ``(N, C, D, H, W)``, or one sample's.

    Args:
        num_features: C.
        eps: Added to the variance.
        momentum: Weight of a new batch in the running statistics (Flax's momentum is
            one minus it); None leaves them as they are.
        affine: Whether to scale and shift by learned parameters.
        track_running_stats: Whether to keep running statistics, which are used in
            evaluation. Without them evaluation uses each sample's own too.
        bias: Whether to learn a shift.
        rngs: Ignored; nothing is drawn.
        dtype: float32 or float64 parameters and statistics.

    Attributes:
        weight, bias, running_mean, running_var, num_batches_tracked: As of
            `InstanceNorm1d`.

    Torch:
        ``torch.nn.InstanceNorm3d``, 2.13.0, T1; as `InstanceNorm1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> InstanceNorm3d(3)(jnp.ones((2, 3, 4, 4, 4))).shape
        (2, 3, 4, 4, 4)
    """

    _sample = 4
