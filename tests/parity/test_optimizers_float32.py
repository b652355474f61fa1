# SPDX-License-Identifier: Apache-2.0
"""200 steps of every optimiser of the table, on two nets, in float32: T2.

A file of its own, as the float64 runs are, so that two workers share them.
"""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from tests.contract import oracle  # noqa: E402
from tests.contract.optimizer import Optimizer, OptimizerCase  # noqa: E402
from tests.contract.registry import PROGRAM_IDS, PROGRAMS  # noqa: E402
from tests.contract.training import PROBLEMS, train  # noqa: E402

pytestmark = pytest.mark.torch
# Every program on one net, and on the other one of each optimiser: in float64 both nets
# are held to T1 with all options.
NETS = tuple(PROBLEMS)
LAST = {optimizer.name: (optimizer, case) for optimizer, case in PROGRAMS}
TRAININGS = {
    **{
        f"{name}-{NETS[0]}": (NETS[0], *PROGRAMS[k])
        for k, name in enumerate(PROGRAM_IDS)
    },
    **{f"{name}-{NETS[1]}": (NETS[1], *pair) for name, pair in LAST.items()},
}


@pytest.mark.parametrize(
    ("net", "optimizer", "case"), TRAININGS.values(), ids=TRAININGS
)
def test_float32_is_within_pytorchs_own_noise(
    net: str, optimizer: Optimizer, case: OptimizerCase
):
    ours = train(net, optimizer, case, "float32")
    assert oracle.noise(net, optimizer, case, ours["losses"]).share <= 1
