"""Adam with PyTorch's bias correction, decay and AMSGrad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from flaxnn.optim._gradients import adjusted
from flaxnn.optim._scalars import (
    Scalar,
    Scalars,
    Tree,
    as_traced,
    at_least_zero,
    cast,
    is_set,
    is_traced,
    require_params,
)


class AdamState(NamedTuple):
    """State of `adam`.

    Attributes:
        step: Updates done so far, int32.
        exp_avg: First moments, shaped as the parameters.
        exp_avg_sq: Second moments.
        max_exp_avg_sq: Largest second moments so far with ``amsgrad``, else None.
        hyperparams: Traced scalars; replace one to change it without recompiling.
    """

    step: jax.Array
    exp_avg: Tree
    exp_avg_sq: Tree
    max_exp_avg_sq: Tree
    hyperparams: Scalars


@dataclass(frozen=True)
class _AdamUpdate:
    """One Adam update; the static options are all that compilation depends on."""

    weight_decay: bool
    amsgrad: bool
    maximize: bool
    decoupled_weight_decay: bool

    def __call__(
        self, updates: Tree, state: Any, params: Tree = None, **extra: Any
    ) -> tuple[Tree, AdamState]:
        del extra
        scalars, step = state.hyperparams, state.step + 1
        if self.weight_decay:
            require_params(params, "weight_decay")
        grads = adjusted(
            updates,
            params,
            scalars,
            maximize=self.maximize,
            weight_decay=self.weight_decay and not self.decoupled_weight_decay,
        )
        exp_avg = jax.tree.map(
            lambda m, g: _lerp(m, g, cast(scalars, g)["one_minus_beta1"]),
            state.exp_avg,
            grads,
        )
        exp_avg_sq = jax.tree.map(
            lambda v, g: _decay(v, g * g, cast(scalars, g)["one_minus_beta2"]),
            state.exp_avg_sq,
            grads,
        )
        largest = state.max_exp_avg_sq
        if self.amsgrad:
            largest = jax.tree.map(jnp.maximum, largest, exp_avg_sq)
        second = largest if self.amsgrad else exp_avg_sq
        new = jax.tree.map(
            lambda m, v, g: _descent(m, v, step, scalars).astype(g.dtype),
            exp_avg,
            second,
            updates,
        )
        if self.weight_decay and self.decoupled_weight_decay:
            new = jax.tree.map(lambda u, p: _with_decay(u, p, scalars), new, params)
        return new, AdamState(step, exp_avg, exp_avg_sq, largest, scalars)


def _lerp(moment: jax.Array, grad: jax.Array, weight: jax.Array) -> jax.Array:
    """PyTorch's lerp: from the nearer end, so that weight 1 gives the gradient."""
    near_start = moment + weight * (grad - moment)
    near_end = grad - (grad - moment) * (1 - weight)
    return jnp.where(weight < 0.5, near_start, near_end).astype(moment.dtype)


def _decay(moment: jax.Array, square: jax.Array, weight: jax.Array) -> jax.Array:
    return ((1 - weight) * moment + weight * square).astype(moment.dtype)


def _bias_correction(one_minus_beta: jax.Array, step: jax.Array) -> jax.Array:
    """1 - βᵗ without cancellation, in the scalars' dtype."""
    t = step.astype(one_minus_beta.dtype)
    return -jnp.expm1(t * jnp.log1p(-one_minus_beta))


def _descent(
    first: jax.Array, second: jax.Array, step: jax.Array, scalars: Scalars
) -> jax.Array:
    """The update of one leaf: eps is added outside the root, after the correction."""
    s = cast(scalars, first)
    step_size = s["lr"] / _bias_correction(s["one_minus_beta1"], step)
    root = jnp.sqrt(_bias_correction(s["one_minus_beta2"], step))
    return -step_size * (first / (jnp.sqrt(second) / root + s["eps"]))


def _with_decay(update: jax.Array, param: jax.Array, scalars: Scalars) -> jax.Array:
    s = cast(scalars, update)
    return (update - s["lr"] * s["weight_decay"] * param).astype(update.dtype)


@dataclass(frozen=True)
class _AdamInit:
    """Makes the state of an `_AdamUpdate` with its hyper-parameters inside."""

    amsgrad: bool
    hyperparams: tuple[tuple[str, Scalar], ...]

    def __call__(self, params: Tree) -> AdamState:
        def zeros() -> Tree:
            return jax.tree.map(jnp.zeros_like, params)

        return AdamState(
            step=jnp.zeros((), jnp.int32),
            exp_avg=zeros(),
            exp_avg_sq=zeros(),
            max_exp_avg_sq=zeros() if self.amsgrad else None,
            hyperparams=as_traced(**dict(self.hyperparams)),
        )


def adam(
    lr: Scalar = 1e-3,
    betas: tuple[Scalar, Scalar] = (0.9, 0.999),
    eps: Scalar = 1e-8,
    weight_decay: Scalar = 0.0,
    amsgrad: bool = False,
    *,
    maximize: bool = False,
    decoupled_weight_decay: bool = False,
) -> optax.GradientTransformation:
    """Returns PyTorch's Adam as an optax transformation.

    Weight decay is added to the gradient unless ``decoupled_weight_decay``; AMSGrad
    takes the maximum of the uncorrected second moments. The numbers live in the
    state, so another learning rate does not recompile; what decides compilation is
    whether ``weight_decay`` is zero, and the three flags.

    Args:
        lr: Learning rate, ≥ 0.
        betas: Decay rates of the first and second moments, floats in [0, 1).
        eps: Added to the root of the second moment, ≥ 0.
        weight_decay: Decay coefficient, ≥ 0.
        amsgrad: Whether to use the largest second moment so far.
        maximize: Whether to ascend.
        decoupled_weight_decay: Whether to decay as AdamW does.

    Returns:
        A transformation whose state is an `AdamState`.

    Raises:
        ValueError: A coefficient is out of its range, or the betas are not floats.

    Torch:
        ``torch.optim.Adam``, 2.13.0, T1. In float32 (T2) the bias corrections are
        float32, PyTorch's are double. ``foreach``, ``capturable``, ``fused`` and
        ``differentiable`` have no counterpart.

    Example:
        >>> import jax.numpy as jnp, optax
        >>> optimizer = adam(lr=0.1)
        >>> params = jnp.ones(2)
        >>> state = optimizer.init(params)
        >>> updates, state = optimizer.update(jnp.array([1.0, -2.0]), state, params)
        >>> optax.apply_updates(params, updates)
        Array([0.9, 1.1], dtype=float32)

    References:
        Kingma and Ba, "Adam", 2015, algorithm 1; Reddi et al., "On the convergence
        of Adam and beyond", 2018 (AMSGrad).
    """
    at_least_zero("Invalid learning rate", lr)
    at_least_zero("Invalid epsilon value", eps)
    for index, beta in enumerate(betas):
        if not is_traced(beta) and not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {beta}")
    at_least_zero("Invalid weight_decay value", weight_decay)
    if any(isinstance(beta, int) for beta in betas):
        raise ValueError("betas must be either both floats or both Tensors")
    update = _AdamUpdate(
        is_set(weight_decay),
        bool(amsgrad),
        bool(maximize),
        bool(decoupled_weight_decay),
    )
    hyperparams = (
        ("lr", lr),
        # The complements keep 1 - β exact to the dtype: 1 - float32(0.999) is
        # 1.3e-5 off, which a run would show.
        ("one_minus_beta1", 1 - betas[0]),
        ("one_minus_beta2", 1 - betas[1]),
        ("eps", eps),
        ("weight_decay", weight_decay),
    )
    return optax.GradientTransformation(_AdamInit(bool(amsgrad), hyperparams), update)
