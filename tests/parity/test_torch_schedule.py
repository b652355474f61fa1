# SPDX-License-Identifier: Apache-2.0
"""Schedulers handed over from PyTorch in the middle of a run, and given back."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from flaxnn.optim.lr_scheduler._torch_state import from_torch, to_torch  # noqa: E402
from tests.contract.registry import SCHEDULERS  # noqa: E402
from tests.contract.scheduler import groups_of, observed  # noqa: E402
from tests.contract.scheduler_oracle import build, walk  # noqa: E402

pytestmark = pytest.mark.torch

# Where PyTorch stops, where it is given back, and where it ends.
FIRST, SECOND, LAST = 41, 83, 120


def groups_from(optimizer: Any, templates: Any) -> Any:
    """Our hyper-parameters with what PyTorch's groups hold."""
    new = []
    for group, template in zip(optimizer.param_groups, templates, strict=True):
        saved = {**group, "beta1": group.get("betas", (0.0,))[0]}
        values = {}
        for name, value in template.items():
            key = name.removeprefix("one_minus_")
            number = saved.get(key)
            if number is None:
                values[name] = value
            else:
                values[name] = jnp.asarray(number if key == name else 1 - number)
        new.append(values)
    return tuple(new)


def give_back(groups: Any, optimizer: Any) -> None:
    """Our hyper-parameters in PyTorch's groups."""
    for ours, theirs in zip(groups, optimizer.param_groups, strict=True):
        for name, value in ours.items():
            key = name.removeprefix("one_minus_")
            number = float(value) if key == name else 1 - float(value)
            if key == "beta1":
                theirs["betas"] = (number, theirs["betas"][1])
            elif key in (*theirs, "initial_lr", "swa_lr") and key != "betas":
                theirs[key] = number


@pytest.mark.parametrize("entry", SCHEDULERS, ids=lambda entry: entry.name)
def test_a_schedule_there_and_back(entry: Any) -> None:
    with jax.enable_x64(True):
        cases = {case.name: case for case in entry.cases}
        ours = {name: case.part(entry.name).ours() for name, case in cases.items()}
        expected, starts = {}, {}
        for name, case in cases.items():
            whole = build(entry, case)
            expected[name] = walk(case, *whole, range(LAST))
            optimizer, scheduler = build(entry, case)
            walk(case, optimizer, scheduler, range(FIRST))
            templates, template = ours[name].init(groups_of(case))
            groups = groups_from(optimizer, templates)
            saved = scheduler.state_dict()
            state = from_torch(saved, ours[name].update, template, groups)
            starts[name] = groups, state
            # What was read is written again: the same keys, in the same order.
            again = to_torch(ours[name].update, state, groups)
            assert list(again) == list(saved)

        def continued(name: str, start: Any) -> Any:
            def step(carry: Any, value: Any) -> Any:
                groups, state = carry
                groups, state = ours[name].update(state, groups, value=value)
                return (groups, state), observed(groups)

            values = cases[name].values
            values = None if values is None else jnp.asarray(values[FIRST:SECOND])
            return jax.lax.scan(step, start, values, SECOND - FIRST)

        later = jax.jit(lambda all: {k: continued(k, v) for k, v in all.items()})(
            starts
        )
        for name, case in cases.items():
            (groups, state), seen = later[name]
            compare(entry, seen, expected[name], FIRST, SECOND)
            optimizer, scheduler = build(entry, case)
            give_back(groups, optimizer)
            scheduler.load_state_dict(to_torch(ours[name].update, state, groups))
            optimizer.step()
            rest = walk(case, optimizer, scheduler, range(SECOND, LAST))
            compare(entry, rest, expected[name], SECOND, LAST)


def compare(entry: Any, seen: Any, expected: Any, first: int, last: int) -> None:
    entry.assert_close(
        {name: np.asarray(value) for name, value in seen.items()},
        {name: value[first:last] for name, value in expected.items()},
        "float64",
    )
