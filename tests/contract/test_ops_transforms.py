# SPDX-License-Identifier: Apache-2.0
"""Every op under JAX's transformations; needs no PyTorch."""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tests.compiling import QUICK
from tests.contract.case import Op, cotangent_of, split
from tests.contract.registry import OPS

every_op = pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
every_differentiable_op = pytest.mark.parametrize(
    "op", [op for op in OPS if op.cases[0].by], ids=lambda op: op.name
)


def _arrays(op: Op, dtype: Any) -> tuple[dict[str, np.ndarray], Any]:
    """Returns the first case's arrays by name, and the op as a function of them."""
    call = op.cases[0].call(np.dtype(dtype))
    arrays = {k: v for k, v in call.items() if isinstance(v, np.ndarray)}

    def function(arrays: dict[str, Any]) -> jax.Array:
        args, kwargs = split(call | arrays)
        return op.function(*args, **kwargs)

    return arrays, function


@functools.cache
def _compiled(op: Op) -> tuple[Callable[[dict[str, Any]], Any], list[None]]:
    """Returns the first case in float32, compiled once for all tests, and its traces.

    What they call it with differs in values alone.
    """
    _, function = _arrays(op, np.float32)
    traces: list[None] = []

    @jax.jit
    def counted(arrays: dict[str, jax.Array]) -> Any:
        traces.append(None)
        return function(arrays)

    return counted, traces


@every_op
def test_eager_is_compiled(op: Op):
    arrays, function = _arrays(op, np.float32)
    compiled = _compiled(op)[0](arrays)
    close = partial(np.testing.assert_allclose, rtol=1e-6, atol=op.atol)
    jax.tree.map(close, function(arrays), compiled)


@every_op
def test_vmap_is_a_loop(op: Op):
    arrays, function = _arrays(op, np.float32)
    # Halving keeps probabilities probabilities; labels stay as they are.
    lanes = [
        {k: v / 2**lane if v.dtype == np.float32 else v for k, v in arrays.items()}
        for lane in range(3)
    ]
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *lanes)
    one, all_lanes = _compiled(op)[0], jax.jit(jax.vmap(function))
    looped = jax.tree.map(lambda *leaves: np.stack(leaves), *map(one, lanes))
    mapped = all_lanes(stacked)
    close = partial(np.testing.assert_allclose, rtol=1e-6, atol=op.atol)
    jax.tree.map(close, mapped, looped)


@every_op
def test_a_second_call_does_not_trace_again(op: Op):
    arrays, _ = _arrays(op, np.float32)
    compiled, traces = _compiled(op)
    compiled(arrays)
    compiled({k: v.copy() for k, v in arrays.items()})
    assert len(traces) == 1


@every_differentiable_op
def test_forward_and_reverse_mode_agree(op: Op):
    @partial(jax.jit, compiler_options=QUICK)
    def both(by: dict[str, jax.Array]) -> tuple[jax.Array, jax.Array]:
        value, push = jax.linearize(lambda by: function(arrays | by), by)
        _, pull = jax.vjp(lambda by: function(arrays | by), by)
        tangent, cotangent = (jax.tree.map(jnp.cos, tree) for tree in (by, value))
        (gradient,) = pull(cotangent)
        return optax.tree.vdot(cotangent, push(tangent)), optax.tree.vdot(
            gradient, tangent
        )

    with jax.enable_x64(True):
        arrays, function = _arrays(op, np.float64)
        by = {str(position): arrays[str(position)] for position in op.cases[0].by}
        forward, reverse = both(by)
    np.testing.assert_allclose(forward, reverse, rtol=1e-12, atol=1e-14)


@every_op
@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16, jnp.float32])
def test_the_dtype_is_kept(op: Op, dtype: Any):
    arrays, function = _arrays(op, dtype)
    results = jax.eval_shape(function, jax.tree.map(jnp.asarray, arrays))
    for result in jax.tree.leaves(results):
        # Indices are integers whatever the dtype.
        assert result.dtype == dtype or jnp.issubdtype(result.dtype, jnp.integer)


@every_op
def test_equal_flavours_of_array_give_equal_numbers(op: Op):
    """A NumPy array, a JAX array and what has __jax_array__, such as a Variable."""

    class Wrapped:
        def __init__(self, value: np.ndarray):
            self.value = value

        def __jax_array__(self) -> jax.Array:
            return jnp.asarray(self.value)

    arrays, function = _arrays(op, np.float32)
    expected = function(arrays)
    for flavour in (jnp.asarray, Wrapped):
        flavoured = {k: flavour(v) for k, v in arrays.items()}
        jax.tree.map(np.testing.assert_array_equal, function(flavoured), expected)


@every_op
def test_value_and_gradient_lower_for_every_platform(op: Op):
    arrays, function = _arrays(op, np.float32)

    def run(arrays: dict[str, jax.Array]) -> tuple[Any, Any]:
        by = {str(position): arrays[str(position)] for position in op.cases[0].by[:1]}
        value, pull = jax.vjp(lambda by: function(arrays | by), by)
        return value, pull(jax.tree.map(cotangent_of, value))

    platforms = ("cpu", "cuda", "tpu")
    exported = jax.export.export(jax.jit(run), platforms=platforms)(arrays)
    assert exported.platforms == platforms
