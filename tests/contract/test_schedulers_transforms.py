# SPDX-License-Identifier: Apache-2.0
"""Every scheduler under JAX's transformations and in optax; needs no PyTorch."""

from __future__ import annotations

import pickle
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from flaxnn import optim
from tests.contract.registry import PACE_IDS, PACES, SCHEDULERS
from tests.contract.scheduler import (
    MOMENTUM,
    STEPS,
    SchedulerCase,
    SchedulerEntry,
    evaluate,
    groups_of,
    observed,
)

every_pace = pytest.mark.parametrize(("entry", "case"), PACES, ids=PACE_IDS)
every_scheduler = pytest.mark.parametrize(
    "entry", SCHEDULERS, ids=lambda entry: entry.name
)
LEARNING_RATES = tuple(0.01 * (k + 1) for k in range(20))


def optim_groups(lr: Any) -> Any:
    """Returns the hyper-parameters of SGD with a learning rate."""
    return (optim.sgd(lr, **MOMENTUM).init(jnp.zeros(1)).hyperparams,)


def _is_schedule(entry: SchedulerEntry, case: SchedulerCase) -> bool:
    """Whether it has no state, and no list for groups or momentum to cycle."""
    scheduler = case.part(entry.name).ours()
    try:
        scheduler.init(({"lr": 0.1},))
    except ValueError:
        return False
    return scheduler.update.stateless


SCHEDULES = tuple(pace for pace in PACES if _is_schedule(*pace))
SCHEDULE_IDS = tuple(f"{entry.name}-{case.name}" for entry, case in SCHEDULES)


@every_pace
def test_equal_options_are_equal_and_hash_equal(
    entry: SchedulerEntry, case: SchedulerCase
):
    one, two = (case.part(entry.name).ours() for _ in range(2))
    assert one == two
    assert hash(one) == hash(two)
    assert pickle.loads(pickle.dumps(one)) == one


@every_scheduler
def test_twenty_learning_rates_share_one_trace(entry: SchedulerEntry):
    traces = []
    case = entry.cases[0]
    scheduler = case.part(entry.name).ours()

    @partial(jax.jit, static_argnums=0)
    def step(update: Any, groups: Any, state: Any, value: Any) -> Any:
        traces.append(None)
        return update(state, groups, value)

    rates = set()
    for lr in LEARNING_RATES:
        groups, state = scheduler.init(optim_groups(lr))
        for value in (1.0, 2.0):
            groups, state = step(scheduler.update, groups, state, value)
        rates.add(float(groups[0]["lr"]))
    assert len(traces) == 1
    replaced = entry.name in ("one_cycle_lr", "cyclic_lr")
    assert len(rates) == 1 if replaced else len(rates) == len(LEARNING_RATES)


@pytest.mark.parametrize(
    ("name", "one", "two"),
    [
        ("step_lr", (30, 0.1), (7, 0.9)),
        ("multi_step_lr", ([3, 5], 0.1), ([0, 9], 0.9)),
        ("constant_lr", (0.1, 5), (0.9, 50)),
        ("linear_lr", (0.1, 1.0, 5), (0.9, 0.5, 50)),
        ("exponential_lr", (0.1,), (0.9,)),
        ("polynomial_lr", (5, 1.0), (9, 2.0)),
        ("cosine_annealing_lr", (5, 0.1), (9, 0.01)),
        ("cosine_annealing_warm_restarts", (5, 2, 0.1), (9, 3, 0.01)),
        ("cyclic_lr", (0.1, 0.2, 5), (0.01, 0.02, 9, 7)),
        ("one_cycle_lr", (0.1, 50), (0.01, 40)),
        ("swalr", (0.1, 5), (0.01, 9)),
        ("reduce_lr_on_plateau", ("min", 0.1, 5), ("min", 0.9, 9, 0.1)),
    ],
)
def test_other_numbers_are_the_same_program(name: str, one: tuple, two: tuple):
    a, b = (getattr(optim.lr_scheduler, name)(*args) for args in (one, two))
    assert a != b
    assert a.update == b.update
    assert hash(a.update) == hash(b.update)
    shapes = [
        jax.tree.map(lambda x: (x.shape, x.dtype), s.init(optim_groups(0.1)))
        for s in (a, b)
    ]
    assert shapes[0] == shapes[1]


@every_scheduler
def test_eager_is_compiled(entry: SchedulerEntry):
    case = entry.cases[0]
    scheduler = case.part(entry.name).ours()
    groups, state = scheduler.init(groups_of(case))
    compiled = evaluate(entry, "float32")[case.name]
    for k in range(1, 13):
        value = None if case.values is None else case.values[k - 1]
        groups, state = scheduler.update(state, groups, value=value)
        for name, array in observed(groups).items():
            np.testing.assert_allclose(array, compiled[name][k], rtol=1e-6)


@every_scheduler
def test_vmap_over_learning_rates_is_a_loop(entry: SchedulerEntry):
    scheduler = entry.cases[0].part(entry.name).ours()

    def rates(lr: Any) -> Any:
        groups, state = scheduler.init(optim_groups(lr))
        for value in (1.0, 2.0, 2.0):
            groups, state = scheduler.update(state, groups, value=value)
        return groups[0]["lr"]

    lrs = jnp.asarray(LEARNING_RATES[:3])
    np.testing.assert_allclose(
        jax.vmap(rates)(lrs), [rates(lr) for lr in lrs], rtol=1e-6
    )


@pytest.mark.parametrize(("entry", "case"), SCHEDULES, ids=SCHEDULE_IDS)
def test_a_schedule_has_the_values_of_the_steps(
    entry: SchedulerEntry, case: SchedulerCase
):
    schedule = case.part(entry.name).ours().schedule(case.lrs[0])
    with jax.enable_x64(True):
        values = jax.jit(jax.vmap(schedule))(jnp.arange(STEPS + 1))
    expected = evaluate(entry, "float64")[case.name]["lr"][:, 0]
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-15)


def test_a_schedule_is_optax_s():
    schedule = optim.lr_scheduler.step_lr(2, gamma=0.5).schedule(lr=1.0)
    optimizer = optax.sgd(schedule)
    state, seen = optimizer.init(0.0), []
    for _ in range(5):
        update, state = optimizer.update(jnp.ones(()), state)
        seen.append(-float(update))
    np.testing.assert_allclose(seen, [1, 1, 0.5, 0.5, 0.25], rtol=1e-6)


@every_scheduler
def test_a_scheduler_with_a_state_is_no_schedule(entry: SchedulerEntry):
    scheduler = entry.cases[0].part(entry.name).ours()
    if scheduler.update.stateless:
        scheduler.schedule(0.1)
        return
    with pytest.raises(TypeError, match=r"carries a state.*use flaxnn\.optim\.sched"):
        scheduler.schedule(0.1)
