# SPDX-License-Identifier: Apache-2.0
"""Losses as modules; the arithmetic is `flaxnn.functional`'s.

Options are keyword-only: PyTorch still has its deprecated `size_average` second, so a
positional argument would silently mean another option. Weights are kept in JAX's
precision; a float64 run takes them through `flaxnn.astype(loss, "float64")`, or from a
loss made under `jax.enable_x64(True)`.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from flaxnn import functional as F
from flaxnn._typing import ArrayLike
from flaxnn.init import Source
from flaxnn.nn._module import Module
from flaxnn.nn._parameter import Buffer


def buffer(weight: ArrayLike | None) -> Buffer[jax.Array] | None:
    """Returns the weight as a buffer, if there is one."""
    return None if weight is None else Buffer(jnp.asarray(weight))


def value(held: Buffer[jax.Array] | None) -> jax.Array | None:
    """Returns a buffer's array, if there is one."""
    return None if held is None else held.get_value()


class _Loss(Module):
    """A loss whose only option is its reduction."""

    def __init__(self, *, reduction: str = "mean", rngs: Source | None = None):
        self.reduction = reduction


class CrossEntropyLoss(Module):
    """Cross entropy of logits against class indices or class probabilities.

    Args:
        weight: ``(C,)`` weight of each class.
        ignore_index: Targets that take no part.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        label_smoothing: Share of the target spread over all classes, in [0, 1].
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.CrossEntropyLoss``, 2.13.0, T1; the differences are those of
        `flaxnn.functional.cross_entropy`.

    Example:
        >>> import jax.numpy as jnp
        >>> loss = CrossEntropyLoss()(jnp.zeros((1, 2)), jnp.array([1]))
        >>> round(float(loss), 4)
        0.6931
    """

    def __init__(
        self,
        weight: ArrayLike | None = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
        rngs: Source | None = None,
    ):
        self.weight: Buffer[jax.Array] | None = buffer(weight)
        self.ignore_index = ignore_index
        self.reduction = reduction
        self.label_smoothing = label_smoothing

    def forward(self, input: ArrayLike, target: ArrayLike) -> jax.Array:
        """Returns the loss of logits ``(N, C, *)`` against the target."""
        return F.cross_entropy(
            input,
            target,
            value(self.weight),
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss(Module):
    """Negative log likelihood of log-probabilities against class indices.

    Args:
        weight: ``(C,)`` weight of each class.
        ignore_index: Targets that take no part.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.NLLLoss``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> float(NLLLoss()(jnp.array([[-0.5, -2.0]]), jnp.array([0])))
        0.5
    """

    def __init__(
        self,
        weight: ArrayLike | None = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        rngs: Source | None = None,
    ):
        self.weight: Buffer[jax.Array] | None = buffer(weight)
        self.ignore_index = ignore_index
        self.reduction = reduction

    def forward(self, input: ArrayLike, target: ArrayLike) -> jax.Array:
        """Returns the loss of log-probabilities ``(N, C, *)``."""
        return F.nll_loss(
            input,
            target,
            value(self.weight),
            ignore_index=self.ignore_index,
            reduction=self.reduction,
        )


class BCELoss(Module):
    """Binary cross entropy of probabilities against targets in [0, 1].

    Args:
        weight: Weight of each element, broadcast against the loss.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.BCELoss``, 2.13.0, T1: logarithms are clamped at -100.

    Example:
        >>> import jax.numpy as jnp
        >>> float(BCELoss()(jnp.array([0.0]), jnp.array([1.0])))
        100.0
    """

    def __init__(
        self,
        weight: ArrayLike | None = None,
        *,
        reduction: str = "mean",
        rngs: Source | None = None,
    ):
        self.weight: Buffer[jax.Array] | None = buffer(weight)
        self.reduction = reduction

    def forward(self, input: ArrayLike, target: ArrayLike) -> jax.Array:
        """Returns the loss of probabilities against targets of the same shape."""
        return F.binary_cross_entropy(
            input, target, value(self.weight), reduction=self.reduction
        )


class BCEWithLogitsLoss(Module):
    """Binary cross entropy of logits against targets in [0, 1].

    Args:
        weight: Weight of each element, broadcast against the loss.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        pos_weight: Weight of the positive term of each class, ``(C,)`` or any shape
            that is broadcast against the target.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.BCEWithLogitsLoss``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> loss = BCEWithLogitsLoss()(jnp.array([0.0]), jnp.array([1.0]))
        >>> round(float(loss), 4)
        0.6931
    """

    def __init__(
        self,
        weight: ArrayLike | None = None,
        *,
        reduction: str = "mean",
        pos_weight: ArrayLike | None = None,
        rngs: Source | None = None,
    ):
        self.weight: Buffer[jax.Array] | None = buffer(weight)
        self.reduction = reduction
        self.pos_weight: Buffer[jax.Array] | None = buffer(pos_weight)

    def forward(self, input: ArrayLike, target: ArrayLike) -> jax.Array:
        """Returns the loss of logits against targets of the same shape."""
        return F.binary_cross_entropy_with_logits(
            input,
            target,
            value(self.weight),
            reduction=self.reduction,
            pos_weight=value(self.pos_weight),
        )


class MSELoss(_Loss):
    """Squared error, without a factor ½.

    Args:
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.MSELoss``, 2.13.0, T0.

    Example:
        >>> import jax.numpy as jnp
        >>> float(MSELoss()(jnp.array([3.0]), jnp.array([1.0])))
        4.0
    """

    def forward(self, input: ArrayLike, target: ArrayLike) -> jax.Array:
        """Returns the loss of an input against a target of the same shape."""
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(_Loss):
    """Absolute error; the gradient at 0 is 0.

    Args:
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.L1Loss``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> float(L1Loss()(jnp.array([3.0]), jnp.array([1.0])))
        2.0
    """

    def forward(self, input: ArrayLike, target: ArrayLike) -> jax.Array:
        """Returns the loss of an input against a target of the same shape."""
        return F.l1_loss(input, target, reduction=self.reduction)
