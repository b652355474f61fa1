# SPDX-License-Identifier: Apache-2.0
"""Every optimiser against what PyTorch 2.13.0 recorded; needs no PyTorch."""

from __future__ import annotations

import pytest

from flaxnn import optim
from tests.contract import goldens
from tests.contract.closures import ClosureCase, errors
from tests.contract.closures import evaluate as minimize
from tests.contract.optimizer import (
    TOLERANCES,
    BadOptimizer,
    Optimizer,
    OptimizerCase,
    evaluate,
    public_optimizers,
    recorded,
)
from tests.contract.registry import (
    BAD_OPTIMIZER_IDS,
    BAD_OPTIMIZERS,
    CLOSURE_IDS,
    CLOSURE_OPTIMIZERS,
    CLOSURE_RUNS,
    OPTIMIZERS,
    RUN_IDS,
    RUNS,
)

GOLDENS = goldens.load()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("optimizer", "case"), RUNS, ids=RUN_IDS)
def test_parameters_and_state(optimizer: Optimizer, case: OptimizerCase, dtype: str):
    ours = recorded(evaluate(optimizer, case, dtype))
    key = f"optim.{optimizer.name}/{case.name}/{dtype}"
    theirs = {name: GOLDENS[f"{key}/{name}"] for name in ours}
    assert ours["params"].dtype == theirs["params"].dtype == dtype
    optimizer.assert_close(ours, theirs, dtype)


@pytest.mark.parametrize(("optimizer", "case"), CLOSURE_RUNS, ids=CLOSURE_IDS)
def test_updates_that_evaluate_again(optimizer: Optimizer, case: ClosureCase):
    ours = minimize(optimizer, case, "float64")
    key = f"optim.{optimizer.name}/{case.name}"
    theirs = {name: GOLDENS[f"{key}/{name}"] for name in ours}
    assert ours["counts"].tolist() == theirs["counts"].tolist()
    found = errors(ours, theirs)
    assert max(found.values()) <= TOLERANCES["float64"], found


@pytest.mark.parametrize("bad", BAD_OPTIMIZERS, ids=BAD_OPTIMIZER_IDS)
def test_bad_options_raise_in_pytorchs_words(bad: BadOptimizer):
    with pytest.raises(bad.error) as caught:
        getattr(optim, bad.optimizer)(**bad.options)
    assert bad.words in str(caught.value)


def test_every_public_optimizer_is_in_the_table():
    every = (*OPTIMIZERS, *CLOSURE_OPTIMIZERS)
    assert {entry.name for entry in every} == public_optimizers()
