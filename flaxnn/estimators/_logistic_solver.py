# SPDX-License-Identifier: Apache-2.0
"""The minimum of logistic regression's objective, by L-BFGS in one program."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from flaxnn.estimators._logistic_arrays import features_for, held
from flaxnn.estimators._logistic_metric import Metric, metric_of
from flaxnn.estimators._logistic_objective import mean_loss

# After so many steps that brought neither a lower objective nor a smaller gradient,
# what is left of the gradient is rounding.
_PATIENCE = 10


class Solution(NamedTuple):
    """Where L-BFGS stopped.

    Attributes:
        coef: ``(K, D)`` weights, ``(1, D)`` for two classes.
        intercept: ``(K,)`` biases, ``(1,)`` for two classes.
        steps: How many steps it took.
        gradient: The largest entry of the gradient of the objective, which is divided
            by ``C`` and the sum of the samples' weights.
        objective: The objective, divided likewise.
        converged: Whether the gradient is within the tolerance, or as small as the
            dtype lets it be.
    """

    coef: np.ndarray
    intercept: np.ndarray
    steps: int
    gradient: float
    objective: float
    converged: bool


class _State(NamedTuple):
    step: jax.Array
    params: jax.Array
    optimizer: Any
    value: jax.Array
    gradient: jax.Array
    lowest: tuple[jax.Array, jax.Array]
    idle: jax.Array


def solve(
    inputs: Any,
    codes: np.ndarray,
    weights: np.ndarray,
    classes: int,
    *,
    C: float,
    fit_intercept: bool,
    tol: float,
    max_iter: int,
    start: tuple[np.ndarray, np.ndarray] | None = None,
) -> Solution:
    """Minimises ``C · Σ weight · log loss + ½ ‖coef‖²``, in the dtype of the inputs.

    Args:
        inputs: ``(N, D)`` float32 or float64, dense or sparse.
        codes: ``(N,)`` class of each sample.
        weights: ``(N,)`` weight of each sample.
        classes: Number of classes.
        C: Inverse strength of the penalty; infinite for none.
        fit_intercept: Whether there are biases.
        tol: Largest entry of the gradient at which to stop.
        max_iter: Most steps.
        start: Weights and biases to begin with; zeros when None.

    Raises:
        ValueError: The inputs are too large, or the objective is not finite.
    """
    dtype = inputs.dtype
    total = float(weights.sum(dtype=np.float64))
    penalty = 0.0 if np.isinf(C) else 1 / (C * total)
    rows = 1 if classes == 2 else classes
    shares = weights / total
    curvature = 1 / 4 if classes == 2 else 1 / classes
    metric = metric_of(inputs, shares, curvature, penalty, centered=fit_intercept)
    features = inputs.shape[1]
    columns = features_for(features)
    coef, bias = np.zeros((rows, columns), dtype), np.zeros(rows, dtype)
    if start is not None:
        coef[:, :features], bias[:] = start
    with jax.enable_x64(dtype == np.float64):
        end, coef, bias = _minimum(
            *held(inputs, codes, shares),
            np.int32(inputs.shape[0]),
            metric.widened(columns),
            (coef, bias),
            np.asarray(penalty, dtype),
            np.asarray(tol, dtype),
            np.int32(max_iter),
            np.asarray(fit_intercept, dtype),
        )
        solution = Solution(
            np.array(coef[:, :features]),
            np.array(bias),
            int(end.step),
            float(end.gradient),
            float(end.value),
            bool(end.gradient <= tol) or int(end.idle) >= _PATIENCE,
        )
    if not np.isfinite([solution.objective, solution.gradient]).all():
        raise ValueError(
            f"the objective became {solution.objective} after {solution.steps} steps: "
            f"the inputs' numbers are too large for {dtype}; scale them, for example "
            "by sklearn.preprocessing.StandardScaler"
        )
    return solution


@jax.jit
def _minimum(
    inputs: Any,
    codes: jax.Array,
    shares: jax.Array,
    samples: jax.Array,
    metric: Metric,
    start: tuple[jax.Array, jax.Array],
    penalty: jax.Array,
    tol: jax.Array,
    max_iter: jax.Array,
    intercept: jax.Array,
) -> tuple[_State, jax.Array, jax.Array]:
    """The last state of L-BFGS, with its weights and biases.

    Of ``intercept``, 1 or 0, and of the other numbers the program does not depend.
    """

    # Weights and bias of a class are one row of one array: with several arrays optax's
    # program takes a quarter longer to compile.
    def weights_of(params: jax.Array) -> tuple[jax.Array, jax.Array]:
        weights = _changed(params[:, :-1], metric.forth)
        # Scores of centred inputs, without a centred copy of them.
        bias = params[:, -1] * metric.unit - weights @ metric.center
        return weights, intercept * bias

    def params_of(weights: jax.Array, bias: jax.Array) -> jax.Array:
        bias = (bias + weights @ metric.center) / metric.unit
        return jnp.hstack([_changed(weights, metric.back), bias[:, None]])

    def objective(params: jax.Array) -> jax.Array:
        weights, bias = weights_of(params)
        loss = mean_loss(weights, bias, inputs, codes, shares, samples)
        return loss + penalty / 2 * jnp.vdot(weights, weights)

    def largest(gradient: jax.Array) -> jax.Array:
        """The largest entry of the gradient by the weights and biases themselves."""
        by_bias = gradient[:, -1] / metric.unit
        by_weights = _changed(gradient[:, :-1], metric.back.T)
        by_weights += by_bias[:, None] * metric.center[None]
        return jnp.maximum(jnp.abs(by_weights).max(), jnp.abs(by_bias).max())

    optimizer = optax.lbfgs()

    def step(state: _State) -> _State:
        line = state.optimizer[-1]
        updates: Any
        after: Any
        updates, after = optimizer.update(
            line.grad,
            state.optimizer,
            state.params,
            value=state.value,
            grad=line.grad,
            value_fn=objective,
        )
        params = state.params + updates
        value, gradient = after[-1].value, largest(after[-1].grad)
        value_before, gradient_before = state.lowest
        least = jnp.finfo(value.dtype).eps * jnp.abs(value_before)
        better = (value < value_before - least) | (gradient < gradient_before)
        lowest = (
            jnp.minimum(value, value_before),
            jnp.minimum(gradient, gradient_before),
        )
        idle = jnp.where(better, 0, state.idle + 1)
        return _State(state.step + 1, params, after, value, gradient, lowest, idle)

    def going(state: _State) -> jax.Array:
        unfinished = (state.gradient > tol) & (state.idle < _PATIENCE)
        return unfinished & (state.step < max_iter)

    params = params_of(*start)
    value, gradient = jax.value_and_grad(objective)(params)
    state: Any = optimizer.init(params)
    state = (*state[:-1], state[-1]._replace(value=value, grad=gradient))
    norm = largest(gradient)
    none = jnp.zeros((), jnp.int32)
    first = _State(none, params, state, value, norm, (value, norm), none)
    end = jax.lax.while_loop(going, step, first)
    return end, *weights_of(end.params)


def _changed(rows: jax.Array, matrix: Any) -> jax.Array:
    """Rows times a matrix, or a diagonal one given as a vector."""
    if matrix.ndim == 1:
        return rows * matrix[None]
    return jnp.matmul(rows, matrix, precision=jax.lax.Precision.HIGHEST)
