# SPDX-License-Identifier: Apache-2.0
"""200 steps of every optimiser of the table, on two nets, in float64: T1.

`fit` is held to PyTorch's loop in test_training.py.
"""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from tests.contract import oracle  # noqa: E402
from tests.contract.optimizer import Optimizer, OptimizerCase  # noqa: E402
from tests.contract.registry import RUN_IDS, RUNS  # noqa: E402
from tests.contract.training import (  # noqa: E402
    PROBLEMS,
    T1,
    relative_errors,
    train,
)

pytestmark = pytest.mark.torch
every_net = pytest.mark.parametrize("net", PROBLEMS)


@every_net
@pytest.mark.parametrize(("optimizer", "case"), RUNS, ids=RUN_IDS)
def test_float64(net: str, optimizer: Optimizer, case: OptimizerCase):
    ours, theirs = (
        run(net, optimizer, case, "float64") for run in (train, oracle.train)
    )
    errors = relative_errors(ours, theirs)
    assert max(errors.values()) <= T1, errors
