# SPDX-License-Identifier: Apache-2.0
"""The batch's objective, for optimisers that evaluate it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from flaxnn.training._accumulate import Batch, Draws, Objective
from flaxnn.training._forward import Forward
from flaxnn.training._pure import Tree


def closure(
    objective: Objective,
    params: Tree,
    buffers: Tree,
    batch: Batch,
    draws: Draws,
    parts: int,
) -> Callable[[Tree], jax.Array]:
    """The loss of a batch as a function of the parameters, all else as in the step.

    Args:
        objective: The step's objective.
        params: The step's parameters.
        buffers: The buffers before the step.
        batch: The batch.
        draws: The step's host draws, the same for each evaluation.
        parts: How many micro-batches it is cut into, 0 for none.
    """
    structure = jax.tree.structure(params)

    def value_fn(again: Tree) -> jax.Array:
        refuse_accumulation(parts)
        if jax.tree.structure(again) != structure:
            raise ValueError(
                "the objective (value_fn) needs all trained parameters and got others: "
                "an optimiser that evaluates it again cannot be masked or partitioned; "
                "leave parameters out with fit(freeze=…)"
            )
        return objective.evaluated(again, buffers, batch, draws)[0]

    return value_fn


def refuse_accumulation(parts: int) -> None:
    """Raises for micro-batches, of whose objective there is no function yet."""
    if parts > 1:
        raise ValueError(
            "an optimiser that evaluates the objective again, such as lbfgs, needs the "
            f"whole batch at once, got accumulate={parts}: leave accumulate out; "
            "remat=True saves memory as well"
        )


def refuse_changes(
    forward: Forward, params: Tree, buffers: Tree, inputs: Sequence[Any]
) -> None:
    """Raises where one evaluation of the objective would change the next.

    PyTorch's closure draws new masks and moves running statistics each time.
    """
    moving, draws = forward.changes(params, buffers, inputs)
    if draws:
        raise ValueError(
            "lbfgs evaluates the model many times in a step, and it draws numbers in "
            f"its forward pass ({draws[0].method}), so that each evaluation would be "
            "of another objective: leave dropout out, or take another optimiser"
        )
    if moving:
        names = ", ".join(sorted(".".join(map(str, path)) for path in moving))
        raise ValueError(
            "lbfgs evaluates the model many times in a step, and its forward pass "
            f"moves {names}, as PyTorch's does at every evaluation of the closure: "
            "take a norm without running statistics, such as "
            "BatchNorm1d(…, track_running_stats=False) or GroupNorm, no dropout, or "
            "another optimiser"
        )
