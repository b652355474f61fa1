# SPDX-License-Identifier: Apache-2.0
"""Less memory for more time: intermediate results that are computed a second time.

One `jax.checkpoint` around a whole forward pass saves nothing: before the first
gradient is there, every intermediate result has been computed again and is kept. So
the pass is cut into about √n pieces, as Chen et al. do: only what goes
from one piece to the next is kept, and the gradient computes the inside of one piece at
a time again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, JaxprEqn, Literal, Var, jaxpr_as_fun


def rematerialized(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of arrays, whose gradient keeps only some intermediate results.

    References:
        Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016.
    """

    def run(*args: Any) -> Any:
        closed, shape = jax.make_jaxpr(function, return_shape=True)(*args)
        jaxpr = closed.jaxpr
        values: dict[Any, Any] = dict(
            zip(
                [*jaxpr.constvars, *jaxpr.invars],
                [*closed.consts, *jax.tree.leaves(args)],
                strict=True,
            )
        )
        pieces = _pieces(jaxpr.eqns)
        for index, piece in enumerate(pieces):
            made = dict.fromkeys(v for eqn in piece for v in eqn.outvars)
            reads = [v for v in _reads(piece) if v not in made]
            rest = (eqn for later in pieces[index + 1 :] for eqn in later)
            wanted = {*_reads(rest), *_variables(jaxpr.outvars)}
            writes = [v for v in made if v in wanted]
            part = jaxpr.replace(constvars=[], invars=reads, outvars=writes, eqns=piece)
            compute = jax.checkpoint(jaxpr_as_fun(ClosedJaxpr(part, [])))
            results = compute(*(values[v] for v in reads))
            values.update(zip(writes, results, strict=True))
        leaves = [v.val if isinstance(v, Literal) else values[v] for v in jaxpr.outvars]
        return jax.tree.unflatten(jax.tree.structure(shape), leaves)

    return run


def _pieces(eqns: list[JaxprEqn]) -> list[list[JaxprEqn]]:
    """About √n runs of operations, cut where the least goes on to later ones."""
    live = _live_sizes(eqns)
    windows = np.array_split(np.arange(1, len(eqns)), max(1, math.isqrt(len(eqns))))
    cuts = [
        int(min(window, key=lambda at: live[at])) for window in windows if len(window)
    ]
    return [eqns[a:b] for a, b in pairwise([0, *cuts, len(eqns)])]


def _live_sizes(eqns: list[JaxprEqn]) -> np.ndarray:
    """Elements made before each operation and read by it or by a later one."""
    change = np.zeros(len(eqns) + 1, np.int64)
    last = {v: index for index, eqn in enumerate(eqns) for v in _reads([eqn])}
    for index, eqn in enumerate(eqns):
        for v in eqn.outvars:
            if v in last:
                change[index + 1] += _size(v.aval)
                change[last[v] + 1] -= _size(v.aval)
    return np.cumsum(change)


def _size(aval: Any) -> int:
    """The number of elements of an array; 0 of what is none."""
    return math.prod(getattr(aval, "shape", (0,)))


def _reads(eqns: Iterable[JaxprEqn]) -> list[Var]:
    """The variables that operations read, each once, in order."""
    return _variables(v for eqn in eqns for v in eqn.invars)


def _variables(atoms: Iterable[Any]) -> list[Var]:
    return list(dict.fromkeys(v for v in atoms if not isinstance(v, Literal)))
