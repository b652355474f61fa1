# SPDX-License-Identifier: Apache-2.0
"""Margin losses as modules.

Options behind PyTorch's deprecated `size_average` and `reduce` are keyword-only: a
positional argument would silently mean another option.
"""

from __future__ import annotations

import jax

from flaxnn import functional as F
from flaxnn._typing import ArrayLike
from flaxnn.init import Source
from flaxnn.nn._loss import buffer, value
from flaxnn.nn._module import Module
from flaxnn.nn._parameter import Buffer


class SoftMarginLoss(Module):
    """Logistic loss of scores against labels -1 and 1.

    Args:
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.SoftMarginLoss``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> loss = SoftMarginLoss()(jnp.array([0.0]), jnp.array([1.0]))
        >>> round(float(loss), 4)
        0.6931
    """

    def __init__(self, *, reduction: str = "mean", rngs: Source | None = None):
        self.reduction = reduction

    def forward(self, input: ArrayLike, target: ArrayLike) -> jax.Array:
        """Returns the loss of scores against labels of the same shape."""
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class HingeEmbeddingLoss(Module):
    """Distances of pairs labelled 1, and what pairs at -1 lack to the margin.

    Args:
        margin: Distance beyond which a pair at -1 loses nothing.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.HingeEmbeddingLoss``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> float(HingeEmbeddingLoss()(jnp.array([0.25]), jnp.array([-1.0])))
        0.75
    """

    def __init__(
        self,
        margin: float = 1.0,
        *,
        reduction: str = "mean",
        rngs: Source | None = None,
    ):
        self.margin = margin
        self.reduction = reduction

    def forward(self, input: ArrayLike, target: ArrayLike) -> jax.Array:
        """Returns the loss of distances against labels of the same shape."""
        return F.hinge_embedding_loss(
            input, target, self.margin, reduction=self.reduction
        )


class MarginRankingLoss(Module):
    """What the higher-ranked of two scores lacks to its lead.

    Args:
        margin: Lead beyond which nothing is lost.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.MarginRankingLoss``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> loss = MarginRankingLoss()
        >>> float(loss(jnp.array([1.0]), jnp.array([3.0]), jnp.array([1.0])))
        2.0
    """

    def __init__(
        self,
        margin: float = 0.0,
        *,
        reduction: str = "mean",
        rngs: Source | None = None,
    ):
        self.margin = margin
        self.reduction = reduction

    def forward(
        self, input1: ArrayLike, input2: ArrayLike, target: ArrayLike
    ) -> jax.Array:
        """Returns the loss of two score arrays against labels -1 and 1."""
        return F.margin_ranking_loss(
            input1, input2, target, self.margin, reduction=self.reduction
        )


class MultiMarginLoss(Module):
    """What a sample's right class lacks to its lead over each other class.

    Args:
        p: Power of what is lacking, 1 or 2.
        margin: Lead beyond which nothing is lost.
        weight: ``(C,)`` weight of each class.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        rngs: Ignored; nothing is drawn.

    Raises:
        ValueError: `p` is neither 1 nor 2, or `weight` is not one-dimensional.

    Torch:
        ``torch.nn.MultiMarginLoss``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> loss = MultiMarginLoss()(jnp.array([[0.0, 1.0, 0.5]]), jnp.array([1]))
        >>> round(float(loss), 4)
        0.1667
    """

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: ArrayLike | None = None,
        *,
        reduction: str = "mean",
        rngs: Source | None = None,
    ):
        if p not in (1, 2):
            raise ValueError(f"only p == 1 and p == 2 supported, got {p}")
        self.p = p
        self.margin = margin
        self.weight: Buffer[jax.Array] | None = buffer(weight)
        if self.weight is not None and self.weight.ndim != 1:
            raise ValueError(
                "MultiMarginLoss: expected weight to be None or 1D tensor, got "
                f"{self.weight.ndim}D instead"
            )
        self.reduction = reduction

    def forward(self, input: ArrayLike, target: ArrayLike) -> jax.Array:
        """Returns the loss of scores ``(N, C)`` against classes ``(N,)``."""
        return F.multi_margin_loss(
            input,
            target,
            self.p,
            self.margin,
            value(self.weight),
            reduction=self.reduction,
        )


class MultiLabelMarginLoss(Module):
    """What a sample's right classes lack to their lead over the others.

    Args:
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.MultiLabelMarginLoss``, 2.13.0, T0.

    Example:
        >>> import jax.numpy as jnp
        >>> loss = MultiLabelMarginLoss()
        >>> float(loss(jnp.array([0.0, 1.0]), jnp.array([1, -1])))
        0.0
    """

    def __init__(self, *, reduction: str = "mean", rngs: Source | None = None):
        self.reduction = reduction

    def forward(self, input: ArrayLike, target: ArrayLike) -> jax.Array:
        """Returns the loss of scores against lists of classes ended by -1."""
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(Module):
    """Binary cross entropy of logits, averaged over a sample's classes.

    Args:
        weight: ``(C,)`` weight of each class.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.MultiLabelSoftMarginLoss``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> loss = MultiLabelSoftMarginLoss()
        >>> round(float(loss(jnp.zeros((1, 2)), jnp.array([[1.0, 0.0]]))), 4)
        0.6931
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
        """Returns the loss of logits ``(N, C)`` against zeros and ones."""
        return F.multilabel_soft_margin_loss(
            input, target, value(self.weight), reduction=self.reduction
        )
