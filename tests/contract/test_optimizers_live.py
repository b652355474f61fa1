# SPDX-License-Identifier: Apache-2.0
"""Every optimiser against the PyTorch that is installed."""

from __future__ import annotations

import inspect

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from flaxnn import optim  # noqa: E402
from tests.contract import goldens, oracle  # noqa: E402
from tests.contract.closures import ClosureCase, errors  # noqa: E402
from tests.contract.closures import evaluate as minimize  # noqa: E402
from tests.contract.optimizer import (  # noqa: E402
    TOLERANCES,
    BadOptimizer,
    Optimizer,
    OptimizerCase,
    assert_tensors_close,
    evaluate,
    fields,
    initial,
    recorded,
)
from tests.contract.registry import (  # noqa: E402
    BAD_OPTIMIZER_IDS,
    BAD_OPTIMIZERS,
    CLOSURE_IDS,
    CLOSURE_OPTIMIZERS,
    CLOSURE_RUNS,
    OPTIMIZERS,
    RUN_IDS,
    RUNS,
)

pytestmark = pytest.mark.torch
every_run = pytest.mark.parametrize(("optimizer", "case"), RUNS, ids=RUN_IDS)
# How PyTorch does it, not what it computes.
IMPLEMENTATION = {"params", "foreach", "fused", "capturable", "differentiable"}


@every_run
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parameters_and_state(optimizer: Optimizer, case: OptimizerCase, dtype: str):
    theirs = oracle.run(optimizer, case, dtype)
    state = fields(optimizer, optimizer.make(case).init(initial("float32")))
    assert {"params", *state} == theirs.keys()
    key = f"optim.{optimizer.name}/{case.name}/{dtype}"
    if goldens.are_recorded(recorded(theirs), key):
        return
    optimizer.assert_close(evaluate(optimizer, case, dtype), theirs, dtype)


@pytest.mark.parametrize(("optimizer", "case"), CLOSURE_RUNS, ids=CLOSURE_IDS)
def test_updates_that_evaluate_again(optimizer: Optimizer, case: ClosureCase):
    theirs = oracle.minimize(optimizer, case, "float64")
    if goldens.are_recorded(theirs, f"optim.{optimizer.name}/{case.name}"):
        return
    ours = minimize(optimizer, case, "float64")
    assert ours["counts"].tolist() == theirs["counts"].tolist()
    assert max(errors(ours, theirs).values()) <= TOLERANCES["float64"]


@every_run
def test_bfloat16(optimizer: Optimizer, case: OptimizerCase):
    if optimizer.bfloat16_steps is None:
        with pytest.raises((NotImplementedError, RuntimeError), match="BFloat16"):
            oracle.run(optimizer, case, "bfloat16")
        return
    ours, theirs = (run(optimizer, case, "bfloat16") for run in (evaluate, oracle.run))
    tolerance = optimizer.bfloat16_steps * 2.0**-8
    assert_tensors_close(ours["params"], theirs["params"], tolerance, "params")


@pytest.mark.parametrize(
    "optimizer", [*OPTIMIZERS, *CLOSURE_OPTIMIZERS], ids=lambda entry: entry.name
)
def test_names_order_and_defaults_of_the_options(optimizer: Optimizer):
    theirs = inspect.signature(oracle.counterpart(optimizer)).parameters
    options = {k: v for k, v in theirs.items() if k not in IMPLEMENTATION}
    ours = inspect.signature(getattr(optim, optimizer.name)).parameters
    assert sorted(ours) == sorted(options)
    assert {k: p.default for k, p in ours.items()} == {
        k: p.default for k, p in options.items()
    }
    # What may be given by position stands where it stands in PyTorch, after params.
    positional = [k for k, p in ours.items() if p.kind is not p.KEYWORD_ONLY]
    assert positional == list(theirs)[1 : 1 + len(positional)]


@pytest.mark.parametrize("bad", BAD_OPTIMIZERS, ids=BAD_OPTIMIZER_IDS)
def test_the_recorded_errors_are_pytorchs(bad: BadOptimizer):
    with pytest.raises(bad.error) as caught:
        oracle.construct(bad)
    assert bad.error is type(caught.value)
    assert bad.words in str(caught.value)


def test_the_goldens_are_what_pytorch_computes_today():
    arrays = goldens.load()
    for optimizer, case in RUNS:
        theirs = recorded(oracle.run(optimizer, case, "float64"))
        key = f"optim.{optimizer.name}/{case.name}/float64"
        golden = {name: arrays[f"{key}/{name}"] for name in theirs}
        optimizer.assert_close(theirs, golden, "float64")
