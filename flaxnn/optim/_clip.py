# SPDX-License-Identifier: Apache-2.0
"""Gradient clipping with PyTorch's formulas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.core import Tracer

from flaxnn.functional._norms import vector_norm
from flaxnn.optim._leafwise import leafwise
from flaxnn.optim._scalars import Scalar, Scalars, Tree, as_traced, require_number


class ClipGradNormState(NamedTuple):
    """State of `clip_grad_norm`.

    Attributes:
        total_norm: The norm of the last gradients before they were clipped; 0 before
            the first. Its dtype is the widest among the parameters', and at least
            float32.
        hyperparams: ``max_norm``, traced; replace it to change it without
            recompiling.
    """

    total_norm: jax.Array
    hyperparams: Scalars


class ClipGradValueState(NamedTuple):
    """State of `clip_grad_value`.

    Attributes:
        hyperparams: ``clip_value``, traced; replace it to change it without
            recompiling.
    """

    hyperparams: Scalars


@dataclass(frozen=True)
class _ClipGradNormUpdate:
    """One clipping by the norm; compilation depends on these options."""

    norm_type: float
    error_if_nonfinite: bool

    def __call__(
        self, updates: Tree, state: Any, params: Tree = None, **extra: Any
    ) -> tuple[Tree, ClipGradNormState]:
        del params, extra
        total = _total_norm(updates, self.norm_type)
        if self.error_if_nonfinite:
            total = self._finite(total)
        max_norm = state.hyperparams["max_norm"].astype(total.dtype)
        coefficient = jnp.minimum(max_norm / (total + 1e-6), 1.0)
        (new,) = leafwise(
            lambda s, grad: (grad * s["coefficient"],),
            {"coefficient": coefficient},
            (updates,),
            updates,
        )
        total = total.astype(state.total_norm.dtype)
        return new, ClipGradNormState(total, state.hyperparams)

    def _finite(self, total: jax.Array) -> jax.Array:
        """The norm itself; under a transformation the host looks at run time."""
        if not isinstance(total, Tracer):
            return jnp.asarray(self._checked(total), total.dtype)
        shape = jax.ShapeDtypeStruct(total.shape, total.dtype)
        return jax.pure_callback(
            self._checked, shape, total, vmap_method="broadcast_all"
        )

    def _checked(self, total: jax.Array) -> np.ndarray:
        value = np.asarray(total)
        if not np.isfinite(value).all():
            raise RuntimeError(
                f"The total norm of order {self.norm_type} for gradients from "
                "`parameters` is non-finite, so it cannot be clipped. To disable this "
                "error and scale the gradients by the non-finite norm anyway, set "
                "`error_if_nonfinite=False`"
            )
        return value


def _norm_dtype(tree: Tree) -> Any:
    return jnp.result_type(jnp.float32, *(x.dtype for x in jax.tree.leaves(tree)))


def _total_norm(tree: Tree, norm_type: float) -> jax.Array:
    """The norm of the leaves' norms, 0 of no leaf."""
    norms = []
    for leaf in jax.tree.leaves(tree):
        wide = leaf.astype(jnp.promote_types(leaf.dtype, jnp.float32))
        norms.append(vector_norm(wide.reshape(-1), norm_type, (0,)))
    if not norms:
        return jnp.zeros((), jnp.float32)
    return vector_norm(jnp.concatenate(norms), norm_type, (0,)).reshape(())


@dataclass(frozen=True)
class _ClipGradNormInit:
    max_norm: Scalar

    def __call__(self, params: Tree) -> ClipGradNormState:
        total = jnp.zeros((), _norm_dtype(params))
        return ClipGradNormState(total, as_traced(max_norm=self.max_norm))


@dataclass(frozen=True)
class _ClipGradValueUpdate:
    def __call__(
        self, updates: Tree, state: Any, params: Tree = None, **extra: Any
    ) -> tuple[Tree, ClipGradValueState]:
        del params, extra
        (new,) = leafwise(_clamped, state.hyperparams, (updates,), updates)
        return new, state


def _clamped(s: Scalars, grad: jax.Array) -> tuple[jax.Array]:
    bound = s["clip_value"]
    return (jnp.minimum(jnp.maximum(grad, -bound), bound),)


@dataclass(frozen=True)
class _ClipGradValueInit:
    clip_value: Scalar

    def __call__(self, params: Tree) -> ClipGradValueState:
        del params
        return ClipGradValueState(as_traced(clip_value=self.clip_value))


def clip_grad_norm(
    max_norm: Scalar, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> optax.GradientTransformation:
    """Returns PyTorch's clipping by the norm of all gradients together.

    The gradients are multiplied by ``max_norm / (total_norm + 1e-6)`` where that is
    below 1. It stands before the optimiser: ``chain(clip_grad_norm(1.0), adam())``.

    Args:
        max_norm: The largest norm; another one does not recompile.
        norm_type: Order of the norm, ``inf`` for the largest magnitude.
        error_if_nonfinite: Whether a norm that is nan or infinite raises. Under
            ``jax.jit`` the host looks at every norm, and the error comes when the
            results are used.

    Returns:
        A transformation whose state is a `ClipGradNormState`, with the norm before
        clipping in it.

    Raises:
        TypeError: ``max_norm`` is not a number.
        RuntimeError: The norm is not finite, with ``error_if_nonfinite``.

    Torch:
        ``torch.nn.utils.clip_grad_norm_``, 2.13.0, T1. The norm of half-precision
        gradients is float32 here and rounded to their dtype there. ``foreach`` has no
        counterpart.

    Example:
        >>> import jax.numpy as jnp
        >>> clip = clip_grad_norm(1.0)
        >>> gradients = jnp.array([3.0, 4.0])
        >>> clipped, state = clip.update(gradients, clip.init(gradients))
        >>> clipped
        Array([0.5999999 , 0.79999983], dtype=float32)
        >>> float(state.total_norm)
        5.0
    """
    require_number("clip_grad_norm", "max_norm", max_norm)
    update = _ClipGradNormUpdate(float(norm_type), bool(error_if_nonfinite))
    return optax.GradientTransformation(_ClipGradNormInit(max_norm), update)


def clip_grad_value(clip_value: Scalar) -> optax.GradientTransformation:
    """Returns PyTorch's clipping of each gradient to ``[-clip_value, clip_value]``.

    Args:
        clip_value: The largest magnitude; another one does not recompile.

    Returns:
        A transformation whose state is a `ClipGradValueState`.

    Raises:
        TypeError: ``clip_value`` is not a number.

    Torch:
        ``torch.nn.utils.clip_grad_value_``, 2.13.0, T0. ``foreach`` has no
        counterpart.

    Example:
        >>> import jax.numpy as jnp
        >>> clip = clip_grad_value(0.5)
        >>> gradients = jnp.array([-3.0, 0.25])
        >>> clip.update(gradients, clip.init(gradients))[0]
        Array([-0.5 ,  0.25], dtype=float32)
    """
    require_number("clip_grad_value", "clip_value", clip_value)
    return optax.GradientTransformation(
        _ClipGradValueInit(clip_value), _ClipGradValueUpdate()
    )
