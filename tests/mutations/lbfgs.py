# SPDX-License-Identifier: Apache-2.0
"""Mistakes in L-BFGS, its line search and its state."""

from __future__ import annotations

from tests.mutations import Mutation

RUNS = "tests/contract/test_optimizers_golden.py::test_updates_that_evaluate_again"
STATE = "tests/unit/optim/test_lbfgs.py::test_vectors_are_in_the_order_of_the_names"


def _mistake(name: str, file: str, old: str, new: str, *tests: str) -> Mutation:
    """A mistake in `flaxnn/optim`."""
    return Mutation(name, f"flaxnn/optim/{file}", old, new, tests)


MUTATIONS = (
    _mistake(
        "lbfgs' first Hessian upside down",
        "_lbfgs.py",
        "product / dot(y, y)",
        "dot(y, y) / product",
        f"{RUNS}[lbfgs-lr]",
    ),
    _mistake(
        "lbfgs remembers pairs without curvature",
        "_lbfgs.py",
        "taken = product > _LEAST_CURVATURE",
        "taken = state.n_iter > 0",
        "tests/parity/test_lbfgs.py::test_losses_that_are_not_finite",
    ),
    _mistake(
        "lbfgs' first step as long as the others",
        "_lbfgs.py",
        "t = jnp.where(state.n_iter == 0, first, lr)",
        "t = lr",
        f"{RUNS}[lbfgs-single]",
    ),
    _mistake(
        "lbfgs' first step by the largest component",
        "_lbfgs.py",
        "shortest = 1 / jnp.sum(jnp.abs(grad))",
        "shortest = 1 / largest(grad)",
        f"{RUNS}[lbfgs-lr]",
    ),
    _mistake(
        "lbfgs' last point evaluated",
        "_lbfgs.py",
        "last = iteration == scalars",
        "last = iteration > scalars",
        f"{RUNS}[lbfgs-single]",
    ),
    _mistake(
        "lbfgs' second loop from the newest pair",
        "_lbfgs.py",
        "row = (state.stored - count + k) % size",
        "row = (state.stored - 1 - k) % size",
        f"{RUNS}[lbfgs-lr]",
    ),
    _mistake(
        "the line search asks for a flatter slope",
        "_strong_wolfe.py",
        "_DECREASE, _CURVATURE = 1e-4, 0.9",
        "_DECREASE, _CURVATURE = 1e-4, 0.1",
        f"{RUNS}[lbfgs-wolfe-long]",
    ),
    _mistake(
        "the line search never moves a trial inwards",
        "_strong_wolfe.py",
        "jnp.where(moves, moved, t)",
        "t",
        f"{RUNS}[lbfgs-wolfe-long]",
    ),
    _mistake(
        "the line search has 25 evaluations whatever max_eval leaves",
        "_lbfgs.py",
        'most = scalars["max_eval"] - progress.evaluations',
        "most = 25",
        f"{RUNS}[lbfgs-wolfe-single]",
    ),
    _mistake(
        "lbfgs' vectors written in the tree's order",
        "_torch_whole.py",
        "for leaf in leaves])[order]",
        "for leaf in leaves])",
        STATE,
    ),
)
