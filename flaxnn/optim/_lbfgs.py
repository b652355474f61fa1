# SPDX-License-Identifier: Apache-2.0
"""L-BFGS, whose update is PyTorch's ``step(closure)``: many evaluations in one."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from flaxnn.optim._flat import dot, flat, flat_dtype, largest, like, moved
from flaxnn.optim._scalars import (
    Scalar,
    Scalars,
    Tree,
    as_traced,
    at_least_zero,
    require_params,
)
from flaxnn.optim._strong_wolfe import Point, strong_wolfe

# Below this product of step and change of the gradient a pair is not remembered.
_LEAST_CURVATURE = 1e-10


class LBFGSState(NamedTuple):
    """State of `lbfgs`; its arrays are in the parameters' dtype, at least float32.

    Attributes:
        func_evals: Evaluations of the objective so far, int32.
        n_iter: Iterations so far, int32.
        d: The last direction, shaped as the parameters.
        t: The last step length.
        old_dirs: ``(history_size, P)`` changes of the gradient over the ``P`` numbers
            of all parameters, in JAX's order of a tree. Pair ``k`` lies in row ``k %
            history_size``.
        old_stps: ``(history_size, P)`` the steps that made them.
        ro: ``(history_size,)`` reciprocals of their products.
        stored: Pairs remembered so far, int32.
        H_diag: The scale of the first Hessian.
        prev_flat_grad: The gradient of the iteration before, shaped as the parameters.
        prev_loss: The loss there.
        hyperparams: Traced scalars; replace one to change it without recompiling.
            ``max_iter`` and ``max_eval`` are int32.
    """

    func_evals: jax.Array
    n_iter: jax.Array
    d: Tree
    t: jax.Array
    old_dirs: jax.Array
    old_stps: jax.Array
    ro: jax.Array
    stored: jax.Array
    H_diag: jax.Array
    prev_flat_grad: Tree
    prev_loss: jax.Array
    hyperparams: Scalars


class _Progress(NamedTuple):
    """Where one update is, between two iterations; the state's trees are flat."""

    params: Tree
    loss: jax.Array
    grad: jax.Array
    iteration: jax.Array
    evaluations: jax.Array
    done: jax.Array
    state: LBFGSState


Evaluate = Callable[[Tree], tuple[jax.Array, jax.Array]]


@dataclass(frozen=True)
class LBFGSUpdate:
    """One ``step(closure)``; the static options are what compilation depends on."""

    history_size: int
    line_search_fn: str | None

    def __call__(
        self,
        updates: Tree,
        state: Any,
        params: Tree = None,
        *,
        value: Any = None,
        value_fn: Callable[[Tree], Any] | None = None,
        **extra: Any,
    ) -> tuple[Tree, LBFGSState]:
        del extra
        require_params(params, "lbfgs")
        if value is None or value_fn is None:
            raise TypeError(
                "lbfgs evaluates the objective again, as PyTorch's step(closure) "
                "does: call update(grads, state, params, value=loss, "
                "value_fn=objective), where objective(params) is the loss"
            )
        objective = jax.value_and_grad(value_fn)
        dtype = state.t.dtype

        def evaluate(params: Tree) -> tuple[jax.Array, jax.Array]:
            loss, grads = objective(params)
            return loss.astype(dtype), flat(grads, dtype)

        grad = flat(updates, dtype)
        inner = state._replace(
            func_evals=state.func_evals + 1,
            d=flat(state.d, dtype),
            prev_flat_grad=flat(state.prev_flat_grad, dtype),
        )
        begin = _Progress(
            params,
            jnp.asarray(value, dtype),
            grad,
            jnp.zeros((), jnp.int32),
            jnp.ones((), jnp.int32),
            largest(grad) <= inner.hyperparams["tolerance_grad"].astype(dtype),
            inner,
        )
        most = state.hyperparams["max_iter"]
        end = jax.lax.while_loop(
            lambda progress: ~progress.done & (progress.iteration < most),
            partial(self._iterate, evaluate),
            begin,
        )
        moves = jax.tree.map(jnp.subtract, end.params, params)
        return moves, end.state._replace(
            d=like(end.state.d, state.d),
            prev_flat_grad=like(end.state.prev_flat_grad, state.d),
        )

    def _iterate(self, evaluate: Evaluate, progress: _Progress) -> _Progress:
        """One iteration: remember, find a direction, move, see whether to go on."""
        scalars = progress.state.hyperparams
        params, loss, grad = progress.params, progress.loss, progress.grad
        lr, tolerance_grad, tolerance_change = (
            scalars[name].astype(grad.dtype)
            for name in ("lr", "tolerance_grad", "tolerance_change")
        )
        state = _remembered(progress.state, grad)
        d = _direction(state, grad)
        shortest = 1 / jnp.sum(jnp.abs(grad))
        first = jnp.where(shortest < 1, shortest, 1) * lr
        t = jnp.where(state.n_iter == 0, first, lr)
        slope = dot(grad, d)
        iteration = progress.iteration + 1
        moves = ~(slope > -tolerance_change)
        # The point behind the last step is the next update's to evaluate.
        last = iteration == scalars["max_iter"]
        looks = moves if self.line_search_fn else moves & ~last

        def found() -> tuple[Point, jax.Array]:
            def at(t: jax.Array) -> Point:
                value, grad = evaluate(moved(params, t, d))
                return Point(t, value, dot(grad, d), grad)

            if self.line_search_fn is None:
                return at(t), jnp.ones((), jnp.int32)
            start = Point(jnp.zeros_like(t), loss, slope, grad)
            most = scalars["max_eval"] - progress.evaluations
            return strong_wolfe(at, start, t, largest(d), most)

        here = Point(t, loss, slope, grad), jnp.zeros((), jnp.int32)
        point, count = jax.lax.cond(looks, found, lambda: here)
        ahead = moved(params, point.t, d)
        evaluations = progress.evaluations + count
        stops = (
            ~moves
            | (evaluations >= scalars["max_eval"])
            | (largest(point.grad) <= tolerance_grad)
            | (largest(d * point.t) <= tolerance_change)
            | (jnp.abs(point.value - loss) < tolerance_change)
        )
        return _Progress(
            jax.tree.map(lambda a, b: jnp.where(moves, a, b), ahead, params),
            point.value,
            point.grad,
            iteration,
            evaluations,
            stops,
            state._replace(
                func_evals=state.func_evals + count,
                n_iter=state.n_iter + 1,
                d=d,
                t=point.t,
                prev_flat_grad=grad,
                prev_loss=loss,
            ),
        )


def _remembered(state: LBFGSState, grad: jax.Array) -> LBFGSState:
    """The state with the last step and the change that it made to the gradient.

    Before the first iteration the direction is zero, and nothing is remembered.
    """
    y, s = grad - state.prev_flat_grad, state.d * state.t
    product = dot(y, s)
    taken = product > _LEAST_CURVATURE
    row = state.stored % len(state.ro)

    def put(rows: jax.Array, new: jax.Array) -> jax.Array:
        return rows.at[row].set(jnp.where(taken, new, rows[row]))

    return state._replace(
        old_dirs=put(state.old_dirs, y),
        old_stps=put(state.old_stps, s),
        ro=put(state.ro, 1 / product),
        stored=state.stored + taken.astype(jnp.int32),
        H_diag=jnp.where(taken, product / dot(y, y), state.H_diag),
    )


def _direction(state: LBFGSState, grad: jax.Array) -> jax.Array:
    """The two loops over what is remembered, the newest first and then the oldest."""
    size = len(state.ro)
    count = jnp.minimum(state.stored, size)

    def back(k: jax.Array, carry: tuple[jax.Array, jax.Array]) -> Any:
        q, factors = carry
        row = (state.stored - 1 - k) % size
        factor = dot(state.old_stps[row], q) * state.ro[row]
        return q - factor * state.old_dirs[row], factors.at[row].set(factor)

    def forth(k: jax.Array, r: jax.Array) -> jax.Array:
        row = (state.stored - count + k) % size
        factor = dot(state.old_dirs[row], r) * state.ro[row]
        return r + (factors[row] - factor) * state.old_stps[row]

    begin = -grad, jnp.zeros_like(state.ro)
    q, factors = jax.lax.fori_loop(0, count, back, begin)
    return jax.lax.fori_loop(0, count, forth, q * state.H_diag)


@dataclass(frozen=True)
class _LBFGSInit:
    """Makes the state of an `LBFGSUpdate` with its hyper-parameters inside."""

    history_size: int
    max_iter: int
    max_eval: int
    scalars: tuple[tuple[str, Scalar], ...]

    def __call__(self, params: Tree) -> Any:
        dtype = flat_dtype(params)
        size = sum(leaf.size for leaf in jax.tree.leaves(params))
        zero = jnp.zeros((), jnp.int32)

        def empty() -> Tree:
            return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, dtype), params)

        hyperparams = as_traced(**dict(self.scalars))
        for name in ("max_iter", "max_eval"):
            hyperparams[name] = jnp.asarray(getattr(self, name), jnp.int32)
        return LBFGSState(
            func_evals=zero,
            n_iter=zero,
            d=empty(),
            t=jnp.zeros((), dtype),
            old_dirs=jnp.zeros((self.history_size, size), dtype),
            old_stps=jnp.zeros((self.history_size, size), dtype),
            ro=jnp.zeros(self.history_size, dtype),
            stored=zero,
            H_diag=jnp.ones((), dtype),
            prev_flat_grad=empty(),
            prev_loss=jnp.zeros((), dtype),
            hyperparams=hyperparams,
        )


def lbfgs(
    lr: Scalar = 1,
    max_iter: int = 20,
    max_eval: int | None = None,
    tolerance_grad: Scalar = 1e-7,
    tolerance_change: Scalar = 1e-9,
    history_size: int = 100,
    line_search_fn: str | None = None,
) -> optax.GradientTransformationExtraArgs:
    """Returns PyTorch's L-BFGS as an optax transformation.

    One ``update`` is one ``optimizer.step(closure)``: up to ``max_iter`` iterations,
    each with evaluations of the objective, in one compiled loop. It needs the loss as
    ``value`` and the objective as ``value_fn``, names that optax has for them, and
    `flaxnn.fit` gives both. The numbers live in the state, so that others do not
    recompile; ``history_size`` and ``line_search_fn`` do.

    It stands alone: neither behind a clipping in `chain` nor in `param_groups`.
    `scheduled` and `averaged` go around it.

    Args:
        lr: Learning rate, ≥ 0: the length of a step along the direction, or with a line
            search the first one that is tried.
        max_iter: Most iterations of an update.
        max_eval: Most evaluations of an update, looked at between iterations;
            ``max_iter * 5 // 4`` by default.
        tolerance_grad: An update ends where no component of the gradient is larger.
        tolerance_change: An update ends where no parameter moves by more, where the
            loss changes by less, or where the direction sinks by less.
        history_size: How many pairs of step and change are remembered, ≥ 1. Their
            memory is taken from the beginning: ``2 * history_size`` times that of the
            parameters.
        line_search_fn: ``"strong_wolfe"``, or None for steps of a fixed length.

    Returns:
        A transformation whose state is an `LBFGSState`.

    Raises:
        TypeError: ``max_iter``, ``max_eval`` or ``history_size`` is no integer; from
            ``update``, ``value`` or ``value_fn`` is not given.
        ValueError: ``lr`` is negative, or ``history_size`` below 1.
        RuntimeError: ``line_search_fn`` is something else; PyTorch says so in ``step``.

    Torch:
        ``torch.optim.LBFGS``, 2.13.0, T1. As there the last point of an update without
        a line search is not evaluated. The bound on the line search's evaluations is
        what ``max_eval`` leaves, and its smallest bracket is 1e-9. Where PyTorch's
        line search fails with an error of Python's (``lr=0``, ``max_eval=0``), this one
        goes on. Losses that are not finite take the branches that they take there.

    Example:
        >>> import jax, jax.numpy as jnp, optax
        >>> def rosenbrock(p):
        ...     return 100 * (p[1] - p[0] ** 2) ** 2 + (1 - p[0]) ** 2
        >>> optimizer = lbfgs(max_iter=50, line_search_fn="strong_wolfe")
        >>> params = jnp.array([-1.2, 1.0])
        >>> state = optimizer.init(params)
        >>> value, grads = jax.value_and_grad(rosenbrock)(params)
        >>> updates, state = optimizer.update(
        ...     grads, state, params, value=value, value_fn=rosenbrock
        ... )
        >>> jnp.round(optax.apply_updates(params, updates), 3)
        Array([1., 1.], dtype=float32)

    References:
        Nocedal and Wright, "Numerical Optimization", 2nd ed., 2006: algorithms 7.4 and
        7.5 for the direction, 3.5 and 3.6 for the line search, whose interpolation is
        equation 3.59.
    """
    at_least_zero("Invalid learning rate", lr)
    _require_integers(max_iter=max_iter, history_size=history_size)
    if max_eval is None:
        max_eval = max_iter * 5 // 4
    _require_integers(max_eval=max_eval)
    if history_size < 1:
        raise ValueError(f"lbfgs: history_size must be at least 1, got {history_size}")
    if line_search_fn not in (None, "strong_wolfe"):
        raise RuntimeError(
            f"only 'strong_wolfe' is supported as line_search_fn, got "
            f"{line_search_fn!r}; None takes steps of a fixed length"
        )
    scalars = (
        ("lr", lr),
        ("tolerance_grad", tolerance_grad),
        ("tolerance_change", tolerance_change),
    )
    return optax.GradientTransformationExtraArgs(
        _LBFGSInit(int(history_size), int(max_iter), int(max_eval), scalars),
        LBFGSUpdate(int(history_size), line_search_fn),
    )


def _require_integers(**values: Any) -> None:
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, numbers.Integral):
            raise TypeError(f"lbfgs: {name} must be an integer, got {value!r}")
