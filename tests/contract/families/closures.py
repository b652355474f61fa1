# SPDX-License-Identifier: Apache-2.0
"""The optimiser of torch.optim whose step takes a closure."""

from __future__ import annotations

import math
from typing import Any

from tests.contract.closures import ClosureCase
from tests.contract.families.optimizers import OPTIM, refused
from tests.contract.optimizer import Optimizer

WOLFE: dict[str, Any] = {"line_search_fn": "strong_wolfe"}


def _case(name: str, updates: int = 3, **options: Any) -> ClosureCase:
    net = "softmax" if "history_size" in options else "perceptron"
    return ClosureCase(name, options, updates, net)


CLOSURE_OPTIMIZERS = (
    Optimizer(
        "lbfgs",
        f"{OPTIM}.LBFGS",
        (
            _case("default", 1),
            _case("lr", lr=0.3, max_iter=6),
            _case("short-memory", 2, history_size=3, max_iter=8),
            _case("few-evaluations", max_iter=10, max_eval=4),
            _case("coarse-change", 1, tolerance_change=1e-3),
            _case("coarse-gradient", tolerance_grad=1e-3),
            _case("single", 4, max_iter=1),
            _case("wolfe", 1, **WOLFE),
            _case("wolfe-short-memory", 2, history_size=3, max_iter=6, **WOLFE),
            # First trials that are far too long, and far too short.
            _case("wolfe-long", lr=200.0, max_iter=6, **WOLFE),
            _case("wolfe-tiny", 2, lr=1e-3, max_iter=4, **WOLFE),
            _case("wolfe-few-evaluations", lr=10.0, max_eval=5, **WOLFE),
            _case("wolfe-coarse-change", 1, tolerance_change=1e-3, **WOLFE),
            _case("wolfe-single", lr=5.0, max_iter=1, **WOLFE),
        ),
    ),
)

BAD_OPTIMIZERS = (
    *refused("Invalid learning rate: -1.0", "lbfgs", lr=-1.0),
    *refused("Invalid learning rate: nan", "lbfgs", lr=math.nan),
)
