# SPDX-License-Identifier: Apache-2.0
"""Distances, similarities and the losses of embedded vectors as modules.

Options behind PyTorch's deprecated `size_average` and `reduce` are keyword-only: a
positional argument would silently mean another option.
"""

from __future__ import annotations

from collections.abc import Callable

import jax

from flaxnn import functional as F
from flaxnn._typing import ArrayLike
from flaxnn.init import Source
from flaxnn.nn._module import Module


class PairwiseDistance(Module):
    """The p-norm of differences along the last dimension.

    Args:
        p: Order of the norm.
        eps: Added to every difference.
        keepdim: Whether the last dimension stays, with size 1.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.PairwiseDistance``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> distance = PairwiseDistance(eps=0.0)
        >>> distance(jnp.zeros((1, 2)), jnp.array([[3.0, 4.0]]))
        Array([5.], dtype=float32)
    """

    def __init__(
        self,
        p: float = 2.0,
        eps: float = 1e-6,
        keepdim: bool = False,
        *,
        rngs: Source | None = None,
    ):
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: ArrayLike, x2: ArrayLike) -> jax.Array:
        """Returns the distances of ``(N, D)`` or ``(D,)`` vectors."""
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)


class CosineSimilarity(Module):
    """The cosine of the angle between vectors along a dimension.

    Args:
        dim: The dimension that holds the vectors' components.
        eps: The least norm that is divided by.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.CosineSimilarity``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> CosineSimilarity()(jnp.ones((1, 2)), jnp.array([[1.0, -1.0]]))
        Array([0.], dtype=float32)
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8, *, rngs: Source | None = None):
        self.dim = dim
        self.eps = eps

    def forward(self, x1: ArrayLike, x2: ArrayLike) -> jax.Array:
        """Returns the cosines, of the common shape without `dim`."""
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class CosineEmbeddingLoss(Module):
    """Pulls pairs labelled 1 to one direction, pushes pairs at -1 apart.

    Args:
        margin: The cosine below which vectors are far enough apart.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.CosineEmbeddingLoss``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> loss, one = CosineEmbeddingLoss(), jnp.array([1])
        >>> float(loss(jnp.array([[1.0, 0.0]]), jnp.array([[0.0, 2.0]]), one))
        1.0
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
        """Returns the loss of ``(N, D)`` vectors against labels -1 and 1."""
        return F.cosine_embedding_loss(
            input1, input2, target, self.margin, reduction=self.reduction
        )


class TripletMarginLoss(Module):
    """What the positive lacks to its lead over the negative in nearness.

    Args:
        margin: How much nearer the positive should be.
        p: Order of the norm.
        eps: Added to every difference.
        swap: Whether the positive's distance to the negative counts where it is the
            smaller one.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        rngs: Ignored; nothing is drawn.

    Raises:
        ValueError: `margin` is not positive.

    Torch:
        ``torch.nn.TripletMarginLoss``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> loss = TripletMarginLoss(eps=0.0)
        >>> float(loss(jnp.zeros((1, 1)), jnp.array([[3.0]]), jnp.array([[1.0]])))
        3.0
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        *,
        reduction: str = "mean",
        rngs: Source | None = None,
    ):
        self.margin: float = _positive(margin, self)
        self.p = p
        self.eps = eps
        self.swap = swap
        self.reduction = reduction

    def forward(
        self, anchor: ArrayLike, positive: ArrayLike, negative: ArrayLike
    ) -> jax.Array:
        """Returns the loss of three arrays of ``(N, D)`` vectors."""
        return F.triplet_margin_loss(
            anchor,
            positive,
            negative,
            self.margin,
            self.p,
            self.eps,
            self.swap,
            reduction=self.reduction,
        )


class TripletMarginWithDistanceLoss(Module):
    """`TripletMarginLoss` with a distance of one's own.

    Args:
        distance_function: Two arrays to their distances; a function of a module, so
            that equal losses compile once, or a module. `PairwiseDistance()` when None.
        margin: How much nearer the positive should be.
        swap: Whether the positive's distance to the negative counts where it is the
            smaller one.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        rngs: Ignored; nothing is drawn.

    Raises:
        ValueError: `margin` is not positive.

    Torch:
        ``torch.nn.TripletMarginWithDistanceLoss``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> loss = TripletMarginWithDistanceLoss()
        >>> x = jnp.zeros((2, 3))
        >>> round(float(loss(x, x, x)), 4)
        1.0
    """

    def __init__(
        self,
        *,
        distance_function: Callable[[jax.Array, jax.Array], jax.Array] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
        rngs: Source | None = None,
    ):
        self.distance_function: Callable[[jax.Array, jax.Array], jax.Array] = (
            distance_function or PairwiseDistance()
        )
        self.margin: float = _positive(margin, self)
        self.swap = swap
        self.reduction = reduction

    def forward(
        self, anchor: ArrayLike, positive: ArrayLike, negative: ArrayLike
    ) -> jax.Array:
        """Returns the loss of three arrays of ``(N, D)`` vectors."""
        return F.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )


def _positive(margin: float, loss: Module) -> float:
    if margin <= 0:
        raise ValueError(
            f"{type(loss).__name__}: expected margin to be greater than 0, got "
            f"{margin} instead"
        )
    return margin
