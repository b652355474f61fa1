# SPDX-License-Identifier: Apache-2.0
"""Many lanes of one function, computed with the lanes as the last axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal

from flaxnn.training._lane_rules import Operation, Value


def lanes_last(function: Callable[..., Any]) -> Callable[..., Any]:
    """As ``jax.vmap(function, in_axes=-1, out_axes=-1)``, computed on the last axis.

    ``jax.vmap`` moves the lanes to the front in most operations, and the innermost
    loops of a small model then run over its few units or classes. Here the function is
    traced for one lane, and each operation is done on arrays whose last axis is the
    lanes. What does not depend on the lane is computed once.

    Args:
        function: Positional arguments and a result that are pytrees of arrays; at
            least one argument has an array in it.
    """

    def many(*args: Any) -> Any:
        leaves, treedef = jax.tree.flatten(args)
        count = leaves[0].shape[-1]
        one = [jax.ShapeDtypeStruct(leaf.shape[:-1], leaf.dtype) for leaf in leaves]
        closed, result = jax.make_jaxpr(function, return_shape=True)(
            *treedef.unflatten(one)
        )
        values = _evaluate(closed, [Value(leaf, lanes=True) for leaf in leaves], count)
        arrays = [value.with_lanes(count) for value in values]
        return jax.tree.structure(result).unflatten(arrays)

    return many


def _evaluate(closed: ClosedJaxpr, args: Sequence[Value], count: int) -> list[Value]:
    """The results of a function that was traced for one lane."""
    jaxpr = closed.jaxpr
    known = dict(zip(jaxpr.invars, args, strict=True))
    for var, const in zip(jaxpr.constvars, closed.consts, strict=True):
        known[var] = Value(const, lanes=False)

    def read(atom: Any) -> Value:
        return Value(atom.val, False) if isinstance(atom, Literal) else known[atom]

    for eqn in jaxpr.eqns:
        results = _apply(eqn, [read(atom) for atom in eqn.invars], count)
        known.update(zip(eqn.outvars, results, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _apply(eqn: JaxprEqn, values: list[Value], count: int) -> list[Value]:
    """The results of one operation."""
    body = _inlined(eqn)
    if body is not None:
        if eqn.params.get("differentiated") and eqn.params.get("prevent_cse"):
            # As jax.checkpoint does: what is computed a second time to save memory is
            # not to be taken from the first.
            kept = jax.lax.optimization_barrier([value.array for value in values])
            lanes = [value.lanes for value in values]
            values = [Value(*each) for each in zip(kept, lanes, strict=True)]
        return _evaluate(body, values, count)
    shape = getattr(eqn.outvars[0].aval, "shape", ()) if eqn.outvars else ()
    operation = Operation(eqn.primitive, eqn.params, values, shape, count)
    results = operation.result()
    if not eqn.primitive.multiple_results:
        results = [results]
    return [Value(array, operation.has_lanes) for array in results]


# Calls whose body is evaluated in their place, and the parameter that holds it. Their
# derivatives, where they have their own, are in the trace already.
_CALLS = {
    "jit": "jaxpr",
    "closed_call": "call_jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
    "checkpoint": "jaxpr",
}


def _inlined(eqn: JaxprEqn) -> ClosedJaxpr | None:
    """The body of a call; None for any other operation."""
    body = eqn.params.get(_CALLS.get(eqn.primitive.name, ""))
    return ClosedJaxpr(body, ()) if isinstance(body, Jaxpr) else body
