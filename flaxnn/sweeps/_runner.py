# SPDX-License-Identifier: Apache-2.0
"""Groups of lanes run one after the other, each in segments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from flaxnn.data import DataLoader
from flaxnn.optim import scheduled
from flaxnn.sweeps._directory import GroupFiles, Segment
from flaxnn.sweeps._evaluation import LaneEvaluator
from flaxnn.sweeps._groups import Group, Lane
from flaxnn.sweeps._recipe import Beginning, Recipe
from flaxnn.training import Run, RunState, Validation, fit_many, initial_state
from flaxnn.training._lane_loop import layout_for
from flaxnn.training._lane_memory import lanes_at_once
from flaxnn.training._progress import ProgressBar
from flaxnn.training._pure import split

# What of `fit_many`'s options decides how much memory a lane takes.
_PLANNED = ("metrics", "chunk", "layout", "accumulate", "compute_dtype", "remat")

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class GroupResult:
    """What came of a group, of its own lanes only.

    Attributes:
        runs: A `Run` for each lane.
        history: ``(steps, lanes, …)`` for each name.
        evaluations: ``(times, lanes, …)`` for each metric, ``(times,)`` for "epoch" and
            "step".
    """

    runs: list[Run[Any]]
    history: Arrays
    evaluations: Arrays


@dataclass
class Runner:
    """Runs groups.

    Attributes:
        recipe: Makes the lanes.
        lanes: All lanes of the sweep.
        loss: The loss.
        unit: "epochs" or "steps": what the length is counted in.
        total: The length.
        options: What `fit_many` is given besides.
        schedule_every: When schedules are stepped.
        freeze: Parameters that are not trained.
        validation: What lanes are judged by, or None.
        save_every: After how many epochs or steps a segment is written; 0 for never.
        only_at_end: Whether lanes are judged when they are done and not before.
        bar: Who is shown what is done, or None.
    """

    recipe: Recipe
    lanes: Sequence[Lane]
    loss: Callable[..., Any]
    unit: str
    total: int
    options: Mapping[str, Any]
    schedule_every: Any
    freeze: Sequence[str]
    validation: Validation | None
    save_every: int
    only_at_end: bool = False
    bar: ProgressBar | None = None
    _evaluators: dict[int, LaneEvaluator] = field(default_factory=dict)

    def begin(self, place: int) -> Beginning:
        """A lane before its first step."""
        return self.recipe.begin(
            self.lanes[place].seed, self.lanes[place].configuration
        )

    def fitting(self, place: int, count: int, available: float) -> int:
        """How many of so many lanes like this one fit in a device's memory.

        Args:
            place: The lane.
            count: How many the device is to run.
            available: The bytes that they may have.
        """
        begun, lane = self.begin(place), self.lanes[place]
        optimizer = lane.optimizer
        if lane.schedule is not None:
            optimizer = scheduled(optimizer, lane.schedule, 1)
        fits, _ = lanes_at_once(
            count,
            available,
            begun.model,
            begun.data,
            loss=self.loss,
            optimizer=optimizer,
            rngs=begun.generator,
            steps=self.total if self.unit == "steps" else None,
            freeze=self.freeze,
            **{name: self.options[name] for name in _PLANNED},
        )
        return fits

    def first_state(self, place: int, beginning: Beginning) -> RunState:
        """The state that a lane starts from."""
        return initial_state(
            beginning.model,
            self.lanes[place].optimizer,
            beginning.data,
            schedule=self.lanes[place].schedule,
            schedule_every=self.schedule_every,
            rngs=beginning.generator,
            freeze=self.freeze,
        )

    def run(self, group: Group, files: GroupFiles | None, done: int) -> GroupResult:
        """Runs a group, or what its files do not have of it.

        Args:
            group: The group.
            files: Where its segments are written, or None.
            done: Steps of groups before it, for the progress.
        """
        first = self.begin(group.lanes[0])
        evaluator = self._evaluator(group, first.model)
        past = None
        if files is not None:
            like = self.first_state(group.lanes[0], first)
            past = files.restore(like, group.size)
        ends = list(self._ends(first.data))
        done_before = 0 if past is None else past.number
        history = _Grown({} if past is None else past.history)
        evaluations = _Grown({} if past is None else past.evaluations)
        runs = [] if past is None else _with_models(first, past)
        states = None if past is None else past.states
        begun = [first]
        if done_before < len(ends):
            begun += map(self.begin, group.filled[1:])
        for number, end in enumerate(ends[done_before:], done_before + 1):
            runs = self._segment(group, begun, states, end)
            states = [run.state for run in runs]
            part = _side_by_side(runs)
            history.add(part)
            told = self._judged(evaluator, states, first.data, end)
            evaluations.add(told)
            if files is not None:
                files.save(number, states, part, told)
            if self.bar is not None and len(part["loss"]):
                steps = int(np.asarray(states[0].train.step))
                losses = np.nanmedian(_finite(part["loss"]), axis=1, keepdims=True)
                self.bar.steps(
                    done + steps - len(losses), {"loss": np.nan_to_num(losses)[:, 0]}
                )
        return _of_own_lanes(
            len(group.lanes), runs, history.arrays(), evaluations.arrays()
        )

    def _segment(
        self,
        group: Group,
        begun: Sequence[Beginning],
        states: list[RunState] | None,
        end: int,
    ) -> list[Run[Any]]:
        lanes = [self.lanes[place] for place in group.filled]
        loaders = [each.data for each in begun]
        schedules = [lane.schedule for lane in lanes]
        length: dict[str, Any] = {self.unit: end}
        # That of all groups together, so that a split does not change it.
        params = split(begun[0].model, self.freeze)[1]
        layout = layout_for(self.options["layout"], params, group.total)
        return fit_many(
            [each.model for each in begun],
            loaders if isinstance(loaders[0], DataLoader) else loaders[0],
            loss=self.loss,
            optimizer=[lane.optimizer for lane in lanes],
            schedule=None if schedules[0] is None else schedules,  # pyright: ignore[reportArgumentType]
            schedule_every=self.schedule_every,
            rngs=[each.generator for each in begun],
            state=states,
            freeze=self.freeze,
            **length,
            **{**self.options, "layout": layout},
        )

    def steps_of(self, data: Any) -> int:
        """How many steps a lane has."""
        return self.total * (_per_epoch(data) if self.unit == "epochs" else 1)

    def _validate_every(self, data: Any) -> int:
        """After how many epochs or steps, as the length is counted."""
        if self.validation is None or self.only_at_end:
            return 0
        return self.validation.every * (_per_epoch(data) if self.unit == "steps" else 1)

    def _ends(self, data: Any) -> Iterator[int]:
        """Where segments end, in epochs or steps."""
        periods = [p for p in (self._validate_every(data), self.save_every) if p]
        stops = {k for p in periods for k in range(p, self.total, p)}
        yield from sorted({*stops, self.total})

    def _evaluator(self, group: Group, model: Any) -> LaneEvaluator | None:
        if self.validation is None:
            return None
        if group.program not in self._evaluators:
            made = LaneEvaluator(model, self.validation, self.loss)
            self._evaluators[group.program] = made
        return self._evaluators[group.program]

    def _judged(
        self,
        evaluator: LaneEvaluator | None,
        states: Sequence[RunState],
        data: Any,
        end: int,
    ) -> Arrays:
        """A row of evaluations if it is time for one."""
        every = self._validate_every(data)
        due = end == self.total or (every > 0 and end % every == 0)
        if evaluator is None or not due:
            return {}
        values = evaluator.of_lanes([state.train for state in states])
        step = int(np.asarray(states[0].train.step))
        return {
            "epoch": np.array([step // _per_epoch(data)]),
            "step": np.array([step]),
            **{name: value[None] for name, value in values.items()},
        }


class _Grown:
    """Arrays to which rows are appended."""

    def __init__(self, past: Arrays):
        self._parts = {name: [array] for name, array in past.items()}

    def add(self, rows: Arrays) -> None:
        for name, array in rows.items():
            self._parts.setdefault(name, []).append(array)

    def arrays(self) -> Arrays:
        return {name: np.concatenate(parts) for name, parts in self._parts.items()}


def _per_epoch(data: Any) -> int:
    return len(data) if isinstance(data, DataLoader) else 1


def _side_by_side(runs: Sequence[Run[Any]]) -> Arrays:
    return {
        name: np.stack([run.history[name] for run in runs], axis=1)
        for name in runs[0].history
    }


def _finite(values: np.ndarray) -> np.ndarray:
    """The values with nan in place of infinities, at least one of each row a number."""
    finite = np.where(np.isfinite(values), values, np.nan)
    return np.where(np.isnan(finite).all(axis=1, keepdims=True), 0.0, finite)


def _with_models(first: Beginning, past: Segment) -> list[Run[Any]]:
    """The runs that a group's files have, as they would have ended there."""
    return [Run(state.train.to_model(first.model), {}, state) for state in past.states]


def _of_own_lanes(
    count: int, runs: Sequence[Run[Any]], history: Arrays, evaluations: Arrays
) -> GroupResult:
    """The result without repeated lanes; each run has its column of it."""
    history = {name: array[:, :count] for name, array in history.items()}
    evaluations = {
        name: array if array.ndim == 1 else array[:, :count]
        for name, array in evaluations.items()
    }
    own = [
        Run(
            run.model,
            {name: array[:, k] for name, array in history.items()},
            run.state,
            {
                name: array if array.ndim == 1 else array[:, k]
                for name, array in evaluations.items()
            },
        )
        for k, run in enumerate(runs[:count])
    ]
    return GroupResult(own, history, evaluations)
