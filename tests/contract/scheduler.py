# SPDX-License-Identifier: Apache-2.0
"""How a scheduler of the table is stepped: 300 times, on the groups of an optimiser."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn import optim
from flaxnn.optim import lr_scheduler
from tests.compiling import compiler_options
from tests.contract.case import spread

STEPS = 300
SWA = "torch.optim.swa_utils"
LR_SCHEDULER = "torch.optim.lr_scheduler"
# Largest difference over largest number, of each group's rates and momenta.
TOLERANCES = {"float64": 1e-12, "float32": 1e-6}
MOMENTUM = {"momentum": 0.9}

Values = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Part:
    """A scheduler by our name; what it is given may hold other parts in a list."""

    name: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def build(self, make: Callable[..., Any]) -> Any:
        """Returns what ``make`` makes of the name and the arguments, parts first."""
        args = [self._built(value, make) for value in self.args]
        return make(self.name, *args, **self.kwargs)

    def _built(self, value: Any, make: Callable[..., Any]) -> Any:
        if isinstance(value, Part):
            return value.build(make)
        if isinstance(value, list):
            return [self._built(item, make) for item in value]
        return value

    def ours(self) -> lr_scheduler.Scheduler:
        """Returns ours."""
        return self.build(lambda name, *a, **k: getattr(lr_scheduler, name)(*a, **k))


@dataclass(frozen=True, eq=False)
class SchedulerCase:
    """Arguments behind the optimiser, and the optimiser: a rate for each group.

    ``values`` are what a scheduler sees that watches a metric.
    """

    name: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    lrs: tuple[float, ...] = (0.1,)
    optimizer: str = "sgd"
    values: Sequence[float] | None = None

    def part(self, name: str) -> Part:
        """Returns the scheduler of an entry with this case's arguments."""
        return Part(name, self.args, self.kwargs)


@dataclass(frozen=True, eq=False)
class SchedulerEntry:
    """A scheduler, PyTorch's counterpart and what it is tried with.

    Every value is within `rtol` of the group's largest in float32, which is 1e-6 unless
    a comment in the table gives the measured error, and within 1e-12 in float64.
    """

    name: str
    torch: str
    cases: tuple[SchedulerCase, ...]
    rtol: float = TOLERANCES["float32"]

    def assert_close(self, ours: Values, theirs: Values, dtype: str) -> None:
        """Raises unless all values of every group are PyTorch's."""
        assert ours.keys() == theirs.keys()
        tolerance = {**TOLERANCES, "float32": self.rtol}[dtype]
        for name, expected in theirs.items():
            assert ours[name].shape == expected.shape
            scale = np.abs(expected).max(axis=0)
            error = np.abs(ours[name] - expected).max(axis=0)
            assert np.all(error <= tolerance * scale), f"{name}: {error / scale}"


@dataclass(frozen=True, eq=False)
class BadScheduler:
    """A refused scheduler; `words` stand in both messages, ours and PyTorch's.

    PyTorch may refuse it as late as in its `steps`-th step.
    """

    part: Part
    error: type[Exception]
    words: str
    lrs: tuple[float, ...] = (0.1,)
    options: Mapping[str, Any] = field(default_factory=lambda: MOMENTUM)
    steps: int = 0

    def use(self) -> None:
        """Builds ours and hands it the groups; raises."""
        groups = tuple(
            optim.sgd(lr, **self.options).init(jnp.zeros(1)).hyperparams
            for lr in self.lrs
        )
        if not self.options:
            groups = tuple({"lr": group["lr"]} for group in groups)
        self.part.ours().init(groups)


def groups_of(case: SchedulerCase) -> tuple[dict[str, Any], ...]:
    """Returns the hyper-parameters of ours, one dictionary for each group."""
    options = MOMENTUM if case.optimizer == "sgd" else {}
    make = getattr(optim, case.optimizer)
    return tuple(make(lr, **options).init(jnp.zeros(1)).hyperparams for lr in case.lrs)


@functools.cache
def evaluate(entry: SchedulerEntry, dtype: str) -> dict[str, Values]:
    """Returns ``(STEPS + 1, G)`` rates, and momenta, of all cases; the first initial.

    A decay rate is given as 1 - β. One compilation for all cases of a scheduler.
    """

    @partial(jax.jit, compiler_options=compiler_options(dtype))
    def run() -> dict[str, dict[str, jax.Array]]:
        return {case.name: _run(entry, case) for case in entry.cases}

    with jax.enable_x64(dtype == "float64"):
        return jax.tree.map(np.asarray, run())


def _run(entry: SchedulerEntry, case: SchedulerCase) -> dict[str, jax.Array]:
    scheduler = case.part(entry.name).ours()
    groups, state = scheduler.init(groups_of(case))

    def step(carry: Any, value: Any) -> Any:
        groups, state = carry
        groups, state = scheduler.update(state, groups, value=value)
        return (groups, state), observed(groups)

    first = observed(groups)
    values = None if case.values is None else jnp.asarray(case.values)
    _, later = jax.lax.scan(step, (groups, state), values, STEPS)
    return {name: jnp.concatenate([first[name][None], later[name]]) for name in first}


def observed(groups: Sequence[Mapping[str, Any]]) -> dict[str, jax.Array]:
    """Returns the rates, and the momenta or the complements of beta1."""
    momentum = "momentum" if "momentum" in groups[0] else "one_minus_beta1"
    return {
        "lr": jnp.stack([group["lr"] for group in groups]),
        "momentum": jnp.stack([group[momentum] for group in groups]),
    }


def metric() -> tuple[float, ...]:
    """Returns a loss that falls, stays, jitters and once is not a number."""
    falling = 2.0 * 0.9 ** np.minimum(np.arange(STEPS), 60)
    jitter = 0.002 * spread(STEPS, low=-1.0, high=1.0)
    values = falling + jitter + 0.5 * (np.arange(STEPS) % 90 == 89)
    values[140] = np.nan
    return tuple(values.tolist())
