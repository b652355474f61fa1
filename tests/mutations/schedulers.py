# SPDX-License-Identifier: Apache-2.0
"""Mistakes in learning-rate schedules and in when they are stepped."""

from __future__ import annotations

from tests.mutations import Mutation

VALUES = "tests/contract/test_schedulers_golden.py::test_rates_and_momenta"
SCHEDULED = "tests/unit/optim/test_scheduled.py"
FIT = "tests/unit/training/test_schedule.py"


def _scheduler(name: str, file: str, old: str, new: str, *cases: str) -> Mutation:
    """A mistake in a scheduler, and cases of the table that show it."""
    tests = tuple(f"{VALUES}[{case}-float64]" for case in cases)
    return Mutation(name, f"flaxnn/optim/lr_scheduler/{file}", old, new, tests)


MUTATIONS = (
    Mutation(
        "schedule stepped one update late",
        "flaxnn/optim/_scheduled.py",
        "due = since >= state.every",
        "due = since > state.every",
        (f"{SCHEDULED}::test_the_first_update_has_the_initial_rate",),
    ),
    Mutation(
        "schedule stepped before the first update",
        "flaxnn/optim/_scheduled.py",
        "        groups, state = self.scheduler(groups)\n",
        "        groups, state = self.scheduler(groups)\n"
        "        groups, state = self.scheduler.rule(state, groups, 0.0)\n",
        (f"{SCHEDULED}::test_the_update_uses_the_rate_that_was_written",),
    ),
    Mutation(
        "rate of the next update in the history",
        "flaxnn/training/_step.py",
        'metrics["lr"] = state.opt_state.lr',
        'metrics["lr"] = opt_state.lr',
        (f"{FIT}::test_the_recorded_rates_are_those_of_the_updates",),
    ),
    Mutation(
        "an epoch one batch short for the schedule",
        "flaxnn/training/_schedule.py",
        "return max(1, len(loader))",
        "return max(1, len(loader) - 1)",
        (f"{FIT}::test_after_each_epoch_the_rate_is_the_next_one",),
    ),
    Mutation(
        "last loss for the mean of an epoch",
        "flaxnn/optim/_scheduled.py",
        "mean = total / since",
        "mean = jnp.asarray(value, total.dtype)",
        (f"{FIT}::test_a_plateau_sees_the_mean_loss_of_an_epoch",),
    ),
    _scheduler(
        "step_lr one step early",
        "_step.py",
        'epoch // jnp.abs(numbers["step_size"])',
        '(epoch + 1) // jnp.abs(numbers["step_size"])',
        "step_lr-default",
    ),
    _scheduler(
        "milestone at 0 forgotten",
        "_step.py",
        "return self.ratio(numbers, jnp.zeros((), jnp.int32))",
        "return jnp.ones(())",
        "multi_step_lr-at-zero",
    ),
    _scheduler(
        "warm-up one step ahead",
        "_warmup.py",
        "done = reached(epoch, total)",
        "done = reached(epoch + 1, total)",
        "linear_lr-warm-up",
    ),
    _scheduler(
        "polynomial recursion one step ahead",
        "_decay.py",
        "(left / (left + 1))",
        "((left - 1) / left)",
        "chained_scheduler-chain-4",
    ),
    _scheduler(
        "restart one step late",
        "_cosine.py",
        'numbers["starts"] <= epoch',
        'numbers["starts"] < jnp.maximum(epoch, 1)',
        "cosine_annealing_warm_restarts-doubling",
    ),
    _scheduler(
        "one cycle with a last step more",
        "_one_cycle.py",
        "float(total_steps - 1)",
        "float(total_steps)",
        "one_cycle_lr-default",
    ),
    _scheduler(
        "beta1 in the place of its complement",
        "_momentum.py",
        "    return 1 - value\n",
        "    return value\n",
        "one_cycle_lr-beta",
        "cyclic_lr-beta",
    ),
    _scheduler(
        "first cycle counted as the zeroth",
        "_cyclic.py",
        "cycle.astype(jnp.int32) + 1",
        "cycle.astype(jnp.int32)",
        "cyclic_lr-triangular2",
    ),
    _scheduler(
        "patience one step shorter",
        "_plateau.py",
        'bad > numbers["patience"]',
        'bad >= numbers["patience"]',
        "reduce_lr_on_plateau-default",
    ),
    _scheduler(
        "part that goes on where the last one ended",
        "_sequential.py",
        "state.milestones[k - 1] == state.last_epoch",
        "state.milestones[k - 1] == -1",
        "sequential_lr-three",
    ),
    _scheduler(
        "sequence that starts from its last part's rate",
        "_sequential.py",
        '        groups = written(groups, lr=vector(groups, "initial_lr"))\n',
        "",
        "sequential_lr-three",
    ),
    _scheduler(
        "closed form in a chain",
        "_chained.py",
        "rule = ChainedScheduler(tuple(part.update.chained() for part in parts))",
        "rule = ChainedScheduler(tuple(part.update for part in parts))",
        "chained_scheduler-three",
    ),
)
