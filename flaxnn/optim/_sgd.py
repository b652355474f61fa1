# SPDX-License-Identifier: Apache-2.0
"""Stochastic gradient descent with PyTorch's momentum, dampening and decay."""

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
)


class SGDState(NamedTuple):
    """State of `sgd`.

    Attributes:
        step: Updates done so far, int32, where dampening needs to know the first;
            else None.
        momentum_buffer: PyTorch's buffers, one for each parameter, or None.
        hyperparams: Traced scalars; replace one to change it without recompiling.
    """

    step: jax.Array | None
    momentum_buffer: Tree
    hyperparams: Scalars


@dataclass(frozen=True)
class _SGDUpdate:
    """One SGD update; the static options are all that compilation depends on."""

    momentum: bool
    dampening: bool
    weight_decay: bool
    nesterov: bool
    maximize: bool

    def __call__(
        self, updates: Tree, state: Any, params: Tree = None, **extra: Any
    ) -> tuple[Tree, Any]:
        del extra
        buffers = state.momentum_buffer
        grads = adjusted(
            updates,
            params,
            state.hyperparams,
            maximize=self.maximize,
            weight_decay=self.weight_decay,
        )
        if self.momentum:
            buffers = jax.tree.map(
                lambda b, g: self._buffer(b, g, state), buffers, grads
            )
            grads = jax.tree.map(
                lambda g, b: self._direction(g, b, state.hyperparams), grads, buffers
            )
        new = jax.tree.map(
            lambda g, old: (-cast(state.hyperparams, g)["lr"] * g).astype(old.dtype),
            grads,
            updates,
        )
        step = state.step + 1 if self.dampening else None
        return new, SGDState(step, buffers, state.hyperparams)

    def _buffer(self, buffer: jax.Array, grad: jax.Array, state: SGDState) -> jax.Array:
        """PyTorch's first buffer is the raw gradient: dampening starts afterwards."""
        s = cast(state.hyperparams, grad)
        new = s["momentum"] * buffer
        if self.dampening:
            later = new + s["one_minus_dampening"] * grad
            new = jnp.where(state.step == 0, grad, later)
        else:
            new = new + grad
        return new.astype(buffer.dtype)

    def _direction(
        self, grad: jax.Array, buffer: jax.Array, scalars: Scalars
    ) -> jax.Array:
        if not self.nesterov:
            return buffer
        return grad + cast(scalars, grad)["momentum"] * buffer


@dataclass(frozen=True)
class _SGDInit:
    """Makes the state of an `_SGDUpdate` with its hyper-parameters inside."""

    momentum: bool
    dampening: bool
    hyperparams: tuple[tuple[str, Scalar], ...]

    def __call__(self, params: Tree) -> Any:
        buffers = jax.tree.map(jnp.zeros_like, params) if self.momentum else None
        step = jnp.zeros((), jnp.int32) if self.dampening else None
        return SGDState(step, buffers, as_traced(**dict(self.hyperparams)))


def sgd(
    lr: Scalar = 1e-3,
    momentum: Scalar = 0.0,
    dampening: Scalar = 0.0,
    weight_decay: Scalar = 0.0,
    nesterov: bool = False,
    *,
    maximize: bool = False,
) -> optax.GradientTransformation:
    """Returns PyTorch's SGD as an optax transformation.

    Weight decay is coupled: it is added to the gradient, before the momentum. The
    numbers live in the state, so another learning rate does not recompile; what
    decides compilation is whether ``momentum``, ``dampening`` and ``weight_decay`` are
    zero, ``nesterov`` and ``maximize``.

    Args:
        lr: Learning rate, ≥ 0.
        momentum: Momentum factor, ≥ 0.
        dampening: Dampening of the momentum, from the second update on.
        weight_decay: L2 coefficient, ≥ 0.
        nesterov: Whether to use Nesterov's momentum.
        maximize: Whether to ascend.

    Returns:
        A transformation whose state is an `SGDState`.

    Raises:
        ValueError: A coefficient is negative, or ``nesterov`` without momentum or
            with dampening.

    Torch:
        ``torch.optim.SGD``, 2.13.0, T1. ``foreach``, ``fused`` and
        ``differentiable`` have no counterpart: they do not change the numbers.

    Example:
        >>> import jax.numpy as jnp, optax
        >>> optimizer = sgd(lr=0.1, momentum=0.9)
        >>> params = jnp.ones(2)
        >>> state = optimizer.init(params)
        >>> updates, state = optimizer.update(jnp.array([1.0, -1.0]), state, params)
        >>> optax.apply_updates(params, updates)
        Array([0.9, 1.1], dtype=float32)

    References:
        Sutskever et al., "On the importance of initialization and momentum in deep
        learning", 2013; PyTorch scales the learning rate outside the buffer.
    """
    at_least_zero("Invalid learning rate", lr)
    at_least_zero("Invalid momentum value", momentum)
    at_least_zero("Invalid weight_decay value", weight_decay)
    has_momentum, has_dampening, has_decay = (
        is_set(x) for x in (momentum, dampening, weight_decay)
    )
    if nesterov and (not has_momentum or has_dampening):
        raise ValueError("Nesterov momentum requires a momentum and zero dampening")
    dampens = has_momentum and has_dampening
    update = _SGDUpdate(
        has_momentum, dampens, has_decay, bool(nesterov), bool(maximize)
    )
    hyperparams = (
        ("lr", lr),
        ("momentum", momentum),
        # Subtracted here, in double precision, as PyTorch does.
        ("one_minus_dampening", 1 - dampening),
        ("weight_decay", weight_decay),
    )
    return optax.GradientTransformation(
        _SGDInit(has_momentum, dampens, hyperparams), update
    )
