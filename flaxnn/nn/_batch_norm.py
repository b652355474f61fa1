# SPDX-License-Identifier: Apache-2.0
"""Batch normalisation, with the statistics that it keeps."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn import functional as F
from flaxnn._typing import ArrayLike, DTypeLike
from flaxnn.init import Source
from flaxnn.nn._channel_norm import ChannelNorm
from flaxnn.nn._parameter import value_of


class _BatchNorm(ChannelNorm):
    """A batch norm; what it can be applied to is its subclasses'."""

    _dimensions: tuple[int, ...]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
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
        """Returns the normalised input; in training, moves the running statistics."""
        ndim = np.ndim(input)
        if ndim not in self._dimensions:
            expected = " or ".join(f"{n}D" for n in self._dimensions)
            raise ValueError(f"expected {expected} input (got {ndim}D input)")
        mean, var = self.running_mean, self.running_var
        tracks = self.training and self.track_running_stats
        passed = tracks or not self.training
        output = F.batch_norm(
            input,
            value_of(mean) if passed else None,
            value_of(var) if passed else None,
            value_of(self.weight),
            value_of(self.bias),
            training=self.training or mean is None,
            eps=self.eps,
        )
        if tracks and mean is not None and var is not None:
            momentum = self._count_batch()
            new = F.batch_norm_running_stats(
                input, mean.get_value(), var.get_value(), momentum=momentum
            )
            mean.set_value(new[0])
            var.set_value(new[1])
        return output

    def _count_batch(self) -> float | jax.Array:
        """The weight of this batch: one n-th of all n where there is no momentum."""
        count = self.num_batches_tracked
        if count is not None:
            count.set_value(count.get_value() + 1)
        if self.momentum is not None:
            return self.momentum
        if count is None or self.running_mean is None:
            return 0.0
        dtype = jnp.promote_types(self.running_mean.dtype, jnp.float32)
        return 1 / count.get_value().astype(dtype)


class BatchNorm1d(_BatchNorm):
    """Normalises each channel of ``(N, C)`` or ``(N, C, L)`` over the batch.

    Args:
        num_features: C.
        eps: Added to the variance.
        momentum: Weight of a new batch in the running statistics (Flax's momentum is
            one minus it); None for the mean over all batches.
        affine: Whether to scale and shift by learned parameters.
        track_running_stats: Whether to keep running statistics, which are used in
            evaluation. Without them evaluation uses the batch's own too.
        bias: Whether to learn a shift.
        rngs: Ignored; nothing is drawn.
        dtype: float32 or float64 parameters and statistics.

    Attributes:
        weight: ``(C,)`` ones, or None.
        bias: ``(C,)`` zeros, or None.
        running_mean: ``(C,)`` buffer, or None.
        running_var: ``(C,)`` buffer of the unbiased variance, or None.
        num_batches_tracked: Buffer, the batches seen in training; int32, where PyTorch
            has int64. Or None.

    Torch:
        ``torch.nn.BatchNorm1d``, 2.13.0, T1. The statistics move in place, as Flax's
        do: under JAX's transformations use `flaxnn.fit` or ``nnx.split``;
        `functional_call` leaves them as they are.

    Example:
        >>> import jax.numpy as jnp
        >>> layer = BatchNorm1d(1)
        >>> layer(jnp.array([[1.0], [3.0]])).round(2)
        Array([[-1.],
               [ 1.]], dtype=float32)
        >>> layer.running_mean.get_value(), layer.running_var.get_value()
        (Array([0.2], dtype=float32), Array([1.1], dtype=float32))

    References:
        Ioffe and Szegedy, "Batch Normalization", 2015.
    """

    _dimensions = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Normalises each channel of ``(N, C, H, W)`` over batch and places.

    Args:
        num_features: C.
        eps: Added to the variance.
        momentum: Weight of a new batch in the running statistics (Flax's momentum is
            one minus it); None for the mean over all batches.
        affine: Whether to scale and shift by learned parameters.
        track_running_stats: Whether to keep running statistics, which are used in
            evaluation. Without them evaluation uses the batch's own too.
        bias: Whether to learn a shift.
        rngs: Ignored; nothing is drawn.
        dtype: float32 or float64 parameters and statistics.

    Attributes:
        weight, bias, running_mean, running_var, num_batches_tracked: As of
            `BatchNorm1d`.

    Torch:
        ``torch.nn.BatchNorm2d``, 2.13.0, T1; as `BatchNorm1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> BatchNorm2d(3)(jnp.ones((2, 3, 4, 4))).shape
        (2, 3, 4, 4)
    """

    _dimensions = (4,)


class BatchNorm3d(_BatchNorm):
    """Normalises each channel of ``(N, C, D, H, W)`` over batch and places.

    Args:
        num_features: C.
        eps: Added to the variance.
        momentum: Weight of a new batch in the running statistics (Flax's momentum is
            one minus it); None for the mean over all batches.
        affine: Whether to scale and shift by learned parameters.
        track_running_stats: Whether to keep running statistics, which are used in
            evaluation. Without them evaluation uses the batch's own too.
        bias: Whether to learn a shift.
        rngs: Ignored; nothing is drawn.
        dtype: float32 or float64 parameters and statistics.

    Attributes:
        weight, bias, running_mean, running_var, num_batches_tracked: As of
            `BatchNorm1d`.

    Torch:
        ``torch.nn.BatchNorm3d``, 2.13.0, T1; as `BatchNorm1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> BatchNorm3d(3)(jnp.ones((2, 3, 4, 4, 4))).shape
        (2, 3, 4, 4, 4)
    """

    _dimensions = (5,)
