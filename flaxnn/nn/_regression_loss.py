# SPDX-License-Identifier: Apache-2.0
"""Losses of real numbers and of distributions as modules.

Options behind PyTorch's deprecated `size_average` and `reduce` are keyword-only: a
positional argument would silently mean another option.
"""

from __future__ import annotations

import jax

from flaxnn import functional as F
from flaxnn._typing import ArrayLike
from flaxnn.init import Source
from flaxnn.nn._module import Module


class SmoothL1Loss(Module):
    """Squared error near zero, absolute error far from it.

    Args:
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        beta: Where the square becomes a line; 0 gives `L1Loss`.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.SmoothL1Loss``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> float(SmoothL1Loss()(jnp.array([3.0]), jnp.array([1.0])))
        1.5
    """

    def __init__(
        self, *, reduction: str = "mean", beta: float = 1.0, rngs: Source | None = None
    ):
        self.reduction = reduction
        self.beta = beta

    def forward(self, input: ArrayLike, target: ArrayLike) -> jax.Array:
        """Returns the loss of an input against a target of the same shape."""
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(Module):
    """Squared error near zero, `delta` times the absolute error far from it.

    Args:
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        delta: Where the square becomes a line.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.HuberLoss``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> float(HuberLoss(delta=2.0)(jnp.array([4.0]), jnp.array([1.0])))
        4.0
    """

    def __init__(
        self, reduction: str = "mean", delta: float = 1.0, *, rngs: Source | None = None
    ):
        self.reduction = reduction
        self.delta = delta

    def forward(self, input: ArrayLike, target: ArrayLike) -> jax.Array:
        """Returns the loss of an input against a target of the same shape."""
        return F.huber_loss(input, target, self.reduction, self.delta)


class KLDivLoss(Module):
    """Kullback-Leibler divergence of log-probabilities from a target distribution.

    Args:
        reduction: ``"batchmean"`` for the divergence itself, ``"mean"``, ``"sum"`` or
            ``"none"``.
        log_target: Whether the target holds log-probabilities too.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.KLDivLoss``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> loss = KLDivLoss(reduction="batchmean")
        >>> float(loss(jnp.array([[-1.0, -2.0]]), jnp.array([[1.0, 0.0]])))
        1.0
    """

    def __init__(
        self,
        *,
        reduction: str = "mean",
        log_target: bool = False,
        rngs: Source | None = None,
    ):
        self.reduction = reduction
        self.log_target = log_target

    def forward(self, input: ArrayLike, target: ArrayLike) -> jax.Array:
        """Returns the loss of log-probabilities against a target of their shape."""
        return F.kl_div(
            input, target, reduction=self.reduction, log_target=self.log_target
        )


class PoissonNLLLoss(Module):
    """Negative log-likelihood of counts under a Poisson distribution.

    Args:
        log_input: Whether the input is the expectation's logarithm.
        full: Whether to add Stirling's approximation of the constant term.
        eps: Added to an expectation before its logarithm.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.PoissonNLLLoss``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> float(PoissonNLLLoss()(jnp.array([0.0]), jnp.array([2.0])))
        1.0
    """

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        *,
        eps: float = 1e-8,
        reduction: str = "mean",
        rngs: Source | None = None,
    ):
        self.log_input = log_input
        self.full = full
        self.eps = eps
        self.reduction = reduction

    def forward(self, log_input: ArrayLike, target: ArrayLike) -> jax.Array:
        """Returns the loss of (logarithms of) expectations against counts."""
        return F.poisson_nll_loss(
            log_input,
            target,
            self.log_input,
            self.full,
            eps=self.eps,
            reduction=self.reduction,
        )


class GaussianNLLLoss(Module):
    """Negative log-likelihood of observations under normal distributions.

    Args:
        full: Whether to add the constant term.
        eps: The least variance.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.GaussianNLLLoss``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> loss = GaussianNLLLoss()
        >>> float(loss(jnp.array([0.0]), jnp.array([3.0]), jnp.array([1.0])))
        4.5
    """

    def __init__(
        self,
        *,
        full: bool = False,
        eps: float = 1e-6,
        reduction: str = "mean",
        rngs: Source | None = None,
    ):
        self.full = full
        self.eps = eps
        self.reduction = reduction

    def forward(self, input: ArrayLike, target: ArrayLike, var: ArrayLike) -> jax.Array:
        """Returns the loss of expectations and variances against observations."""
        return F.gaussian_nll_loss(
            input, target, var, self.full, self.eps, self.reduction
        )
