# SPDX-License-Identifier: Apache-2.0
"""Every scheduler against the PyTorch that is installed."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from tests.contract import goldens, scheduler_oracle  # noqa: E402
from tests.contract.registry import (  # noqa: E402
    BAD_SCHEDULER_IDS,
    BAD_SCHEDULERS,
    PACE_IDS,
    PACES,
    SCHEDULERS,
)
from tests.contract.scheduler import (  # noqa: E402
    BadScheduler,
    SchedulerCase,
    SchedulerEntry,
    evaluate,
)

pytestmark = pytest.mark.torch
GOLDENS = goldens.load()
# Base classes, and the old name of one.
BASES = {"LRScheduler", "_LRScheduler"}


@pytest.mark.parametrize(("entry", "case"), PACES, ids=PACE_IDS)
def test_rates_and_momenta(entry: SchedulerEntry, case: SchedulerCase):
    theirs = scheduler_oracle.step(entry, case)
    key = f"lr_scheduler.{entry.name}/{case.name}"
    if goldens.are_recorded(theirs, key):
        return
    entry.assert_close(evaluate(entry, "float64")[case.name], theirs, "float64")
    golden = {name: GOLDENS[f"{key}/{name}"] for name in theirs}
    entry.assert_close(theirs, golden, "float64")


@pytest.mark.parametrize("bad", BAD_SCHEDULERS, ids=BAD_SCHEDULER_IDS)
def test_the_recorded_errors_are_pytorchs(bad: BadScheduler):
    with pytest.raises(bad.error) as caught:
        scheduler_oracle.use(bad)
    assert bad.error is type(caught.value)
    assert bad.words in str(caught.value)


def test_every_scheduler_of_torch_is_there():
    theirs = {
        f"{module.__name__}.{name}"
        for module in (torch.optim.lr_scheduler, torch.optim.swa_utils)
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, torch.optim.lr_scheduler.LRScheduler)
        and value.__module__ == module.__name__
        and name not in BASES
    }
    assert theirs == {entry.torch for entry in SCHEDULERS}
