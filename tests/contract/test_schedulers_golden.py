# SPDX-License-Identifier: Apache-2.0
"""Every scheduler against what PyTorch 2.13.0 recorded; needs no PyTorch."""

from __future__ import annotations

import inspect

import pytest

from flaxnn.optim import lr_scheduler
from tests.contract import goldens
from tests.contract.registry import (
    BAD_SCHEDULER_IDS,
    BAD_SCHEDULERS,
    PACE_IDS,
    PACES,
    SCHEDULERS,
)
from tests.contract.scheduler import (
    BadScheduler,
    SchedulerCase,
    SchedulerEntry,
    evaluate,
)

GOLDENS = goldens.load()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("entry", "case"), PACES, ids=PACE_IDS)
def test_rates_and_momenta(entry: SchedulerEntry, case: SchedulerCase, dtype: str):
    ours = evaluate(entry, dtype)[case.name]
    assert {array.dtype.name for array in ours.values()} == {dtype}
    key = f"lr_scheduler.{entry.name}/{case.name}"
    entry.assert_close(ours, {name: GOLDENS[f"{key}/{name}"] for name in ours}, dtype)


@pytest.mark.parametrize("bad", BAD_SCHEDULERS, ids=BAD_SCHEDULER_IDS)
def test_bad_options_raise_in_pytorchs_words(bad: BadScheduler):
    with pytest.raises(bad.error) as caught:
        bad.use()
    assert bad.words in str(caught.value)


def test_every_public_scheduler_is_in_the_table():
    public = {
        name
        for name in lr_scheduler.__all__
        if inspect.isfunction(getattr(lr_scheduler, name))
    }
    assert {entry.name for entry in SCHEDULERS} == public
