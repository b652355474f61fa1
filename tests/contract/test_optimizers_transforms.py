# SPDX-License-Identifier: Apache-2.0
"""Every optimiser under JAX's transformations and in optax; needs no PyTorch."""

from __future__ import annotations

import pickle
from collections import Counter
from functools import partial
from typing import Any

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tests.contract.optimizer import Optimizer, OptimizerCase, gradients, initial
from tests.contract.registry import (
    CLOSURE_IDS,
    CLOSURE_RUNS,
    OPTIMIZERS,
    PROGRAM_IDS,
    PROGRAMS,
    RUN_IDS,
    RUNS,
)

every_optimizer = pytest.mark.parametrize(
    "optimizer", OPTIMIZERS, ids=lambda entry: entry.name
)
every_run = pytest.mark.parametrize(("optimizer", "case"), RUNS, ids=RUN_IDS)
every_program = pytest.mark.parametrize(
    ("optimizer", "case"), PROGRAMS, ids=PROGRAM_IDS
)
LEARNING_RATES = tuple(0.001 * (k + 1) for k in range(20))


def _problem(dtype: Any = np.float32) -> tuple[Any, Any]:
    """Returns parameters and the gradients of the second step."""
    grads = jax.tree.map(lambda g: jnp.asarray(g[1]), gradients(dtype))
    return jax.tree.map(jnp.asarray, initial(dtype)), grads


# How often an update was traced; a program of `PROGRAMS` is compiled once for all.
TRACES: Counter[Any] = Counter()


@partial(jax.jit, static_argnums=0)
def _updated(update: Any, grads: Any, state: Any, params: Any) -> Any:
    TRACES[update] += 1
    return update(grads, state, params)


def _step(transform: optax.GradientTransformation, params: Any, grads: Any) -> Any:
    return transform.update(grads, transform.init(params), params)


@pytest.mark.parametrize(
    ("optimizer", "case"), [*RUNS, *CLOSURE_RUNS], ids=(*RUN_IDS, *CLOSURE_IDS)
)
def test_equal_options_are_equal_and_hash_equal(
    optimizer: Optimizer, case: OptimizerCase
):
    one, two = optimizer.make(case, lr=0.1), optimizer.make(case, lr=0.1)
    assert one == two
    assert hash(one) == hash(two)
    # The value of lr is state: it tells transformations apart, not their updates.
    other = optimizer.make(case, lr=0.2)
    assert other != one
    assert other.update == one.update
    assert hash(other.update) == hash(one.update)
    assert pickle.loads(pickle.dumps(one)) == one


@every_program
def test_twenty_learning_rates_share_one_trace(
    optimizer: Optimizer, case: OptimizerCase
):
    params, grads = _problem()
    steps = set()
    for lr in LEARNING_RATES:
        transform = optimizer.make(case, lr=lr)
        _, state = _updated(transform.update, grads, transform.init(params), params)
        updates, state = _updated(transform.update, grads, state, params)
        steps.add(float(updates["matrix"][1, 1]))
    assert TRACES[transform.update] == 1
    assert len(steps) == len(LEARNING_RATES)


@every_program
def test_eager_is_compiled(optimizer: Optimizer, case: OptimizerCase):
    params, grads = _problem()
    transform = optimizer.make(case)
    eager = _step(transform, params, grads)
    state = jax.jit(transform.init)(params)
    compiled = _updated(transform.update, grads, state, params)
    close = partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-30)
    jax.tree.map(close, eager, compiled)


@every_optimizer
def test_vmap_over_learning_rates_is_a_loop(optimizer: Optimizer):
    case = optimizer.cases[-1]
    params, grads = _problem()
    rates = jnp.asarray(LEARNING_RATES[:3])

    def step(lr: Any) -> Any:
        return _step(optimizer.make(case, lr=lr), params, grads)

    mapped = jax.vmap(step)(rates)
    looped = jax.tree.map(lambda *leaves: jnp.stack(leaves), *map(step, rates))
    close = partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-30)
    jax.tree.map(close, mapped, looped)


@every_optimizer
def test_a_learning_rate_put_into_the_state_is_used(optimizer: Optimizer):
    case = optimizer.cases[-1]
    params, grads = _problem()
    one, two = (optimizer.make(case, lr=lr) for lr in (0.1, 0.2))
    state = one.init(params)
    hyperparams = {**state.hyperparams, "lr": jnp.asarray(0.2)}
    replaced = one.update(grads, state._replace(hyperparams=hyperparams), params)
    expected = _step(two, params, grads)
    jax.tree.map(np.testing.assert_array_equal, replaced, expected)


@every_program
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_shapes_and_dtypes_are_kept(
    optimizer: Optimizer, case: OptimizerCase, dtype: str
):
    with jax.enable_x64(dtype == "float64"):
        params, grads = _problem(jnp.dtype(dtype))
        transform = optimizer.make(case)
        first = jax.eval_shape(transform.init, params)
        updates, state = jax.eval_shape(partial(_step, transform), params, grads)
    assert jax.tree.all(jax.tree.map(_alike, updates, params))
    assert jax.tree.all(jax.tree.map(_alike, state, first))
    # Arrays of the state are in the parameters' dtype, numbers in one of their own.
    fields = state._replace(hyperparams=())
    assert all(leaf.dtype == dtype for leaf in jax.tree.leaves(fields) if leaf.ndim)


def _alike(one: Any, two: Any) -> bool:
    return one.shape == two.shape and one.dtype == two.dtype


@every_program
def test_any_tree_gives_the_same_numbers(optimizer: Optimizer, case: OptimizerCase):
    def rearranged(tree: Any) -> Any:
        matrix, tiny, large, scalar = tree.values()
        return [(matrix, {"x": tiny, "none": None}), {}, [[large, scalar]]]

    params, grads = _problem()
    transform = optimizer.make(case)
    expected, _ = _step(transform, params, grads)
    updates, state = _step(transform, rearranged(params), rearranged(grads))
    jax.tree.map(np.testing.assert_array_equal, updates, rearranged(expected))
    assert jax.tree.structure(state) == jax.tree.structure(
        transform.init(rearranged(params))
    )


@every_optimizer
def test_no_leaf_and_no_element(optimizer: Optimizer):
    transform = optimizer.make(optimizer.cases[-1])
    assert _step(transform, {}, {})[0] == {}
    empty = jnp.zeros((0, 3))
    assert _step(transform, empty, empty)[0].shape == (0, 3)


@every_program
def test_in_a_chain_and_behind_a_mask(optimizer: Optimizer, case: OptimizerCase):
    params, grads = _problem()
    transform = optimizer.make(case)
    halved, _ = _step(optax.chain(transform, optax.scale(0.5)), params, grads)
    alone, _ = _step(transform, params, grads)
    scaled = jax.tree.map(lambda u: 0.5 * u, alone)
    jax.tree.map(np.testing.assert_array_equal, halved, scaled)
    mask = {"matrix": True, "tiny": False, "large": False, "scalar": True}
    masked, _ = _step(optax.masked(transform, mask), params, grads)
    for name, taken in mask.items():
        np.testing.assert_array_equal(masked[name], (alone if taken else grads)[name])


@every_program
def test_an_update_lowers_for_every_platform(optimizer: Optimizer, case: OptimizerCase):
    params, grads = _problem()
    platforms = ("cpu", "cuda", "tpu")
    step = jax.jit(lambda p, g: _step(optimizer.make(case), p, g)[0])
    exported = jax.export.export(step, platforms=platforms)(params, grads)
    assert exported.platforms == platforms
    assert "f64" not in exported.mlir_module()
