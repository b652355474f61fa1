# SPDX-License-Identifier: Apache-2.0
"""The same schedulers in PyTorch."""

from __future__ import annotations

import operator
import warnings
from typing import Any

import numpy as np
import torch

from tests.contract.registry import SCHEDULERS
from tests.contract.scheduler import (
    MOMENTUM,
    STEPS,
    BadScheduler,
    Part,
    SchedulerCase,
    SchedulerEntry,
    Values,
)

_NAMES = {entry.name: entry.torch for entry in SCHEDULERS}


def optimizer_of(
    lrs: tuple[float, ...], name: str = "SGD", **options: Any
) -> torch.optim.Optimizer:
    """Returns an optimiser with a group for each rate."""
    groups = [{"params": [torch.zeros(1)], "lr": lr} for lr in lrs]
    return getattr(torch.optim, name)(groups, **options)


def scheduler_of(part: Part, optimizer: torch.optim.Optimizer) -> Any:
    """Returns PyTorch's scheduler, its parts constructed in their order."""

    def make(name: str, *args: Any, **kwargs: Any) -> Any:
        counterpart = operator.attrgetter(_NAMES[name].removeprefix("torch."))(torch)
        if name == "chained_scheduler":
            return counterpart(*args, optimizer=optimizer, **kwargs)
        return counterpart(optimizer, *args, **kwargs)

    return part.build(make)


def build(entry: SchedulerEntry, case: SchedulerCase) -> tuple[Any, Any]:
    """Returns the optimiser and the scheduler of a case."""
    sgd = case.optimizer == "sgd"
    options = MOMENTUM if sgd else {}
    optimizer = optimizer_of(case.lrs, "SGD" if sgd else "Adam", **options)
    with warnings.catch_warnings():
        # The first step of parts in parts is taken for one of the caller's.
        warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step")
        return optimizer, scheduler_of(case.part(entry.name), optimizer)


def walk(case: SchedulerCase, optimizer: Any, scheduler: Any, steps: range) -> Values:
    """Returns ``(steps, G)`` rates and momenta, each after a step."""
    seen = []
    for k in steps:
        optimizer.step()
        scheduler.step(*() if case.values is None else (case.values[k],))
        seen.append(_observed(optimizer))
    lrs, momenta = zip(*seen, strict=True)
    return {"lr": np.array(lrs), "momentum": np.array(momenta)}


def step(entry: SchedulerEntry, case: SchedulerCase) -> Values:
    """Returns ``(STEPS + 1, G)`` rates and momenta; the first are the initial ones."""
    optimizer, scheduler = build(entry, case)
    lrs, momenta = _observed(optimizer)
    later = walk(case, optimizer, scheduler, range(STEPS))
    first = {"lr": lrs, "momentum": momenta}
    return {name: np.stack([first[name], *values]) for name, values in later.items()}


def _observed(optimizer: torch.optim.Optimizer) -> tuple[list[float], list[float]]:
    groups = optimizer.param_groups
    momenta = [g["momentum"] if "momentum" in g else 1 - g["betas"][0] for g in groups]
    return [group["lr"] for group in groups], momenta


def use(bad: BadScheduler) -> None:
    """Builds PyTorch's scheduler and steps it as the table says; raises."""
    name = "SGD" if bad.options else "Adagrad"
    optimizer = optimizer_of(bad.lrs, name, **bad.options)
    scheduler = scheduler_of(bad.part, optimizer)
    for _ in range(bad.steps):
        optimizer.step()
        scheduler.step()
