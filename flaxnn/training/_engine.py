# SPDX-License-Identifier: Apache-2.0
"""The loop around the compiled chunks of a run: what the host does between them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import jax
import numpy as np

from flaxnn.data import pixel_table
from flaxnn.training._checkpoints import Store
from flaxnn.training._evaluate import Evaluator
from flaxnn.training._faults import NonFiniteLossError, Signals
from flaxnn.training._feed import Feed
from flaxnn.training._history import Before, InFlight, Pending, Series
from flaxnn.training._loop import run_chunk
from flaxnn.training._placement import Placement
from flaxnn.training._plan import Chunk, EpochEnd, Plan
from flaxnn.training._problem import Problem
from flaxnn.training._reporter import Reporter
from flaxnn.training._state import RunState, TrainState, generator_states
from flaxnn.training.callbacks import RunInfo

# Chunks that may be under way while the host prepares the next ones.
_IN_FLIGHT = 1
# Where somebody watches, a chunk grows or shrinks to last about this many seconds.
_SHORT, _LONG = 0.2, 0.8
_FIRST_CHUNK = 64


@dataclass
class Engine:
    """A run's parts, put together by `fit`.

    Attributes:
        problem: What is trained on what.
        plan: The order of the data, and when its numbers are drawn.
        feed: How the data reach the device.
        placement: The devices that share each batch.
        guard: Whether a loss that is not finite ends the run.
        history: Metrics of the steps so far, which it adds to.
        evaluations: Metrics of the validations so far.
        reporter: Tells the callbacks.
        evaluator: Evaluates on the validation's data, or None.
        validate_every: After how many epochs.
        store: Writes checkpoints, or None.
    """

    problem: Problem
    plan: Plan
    feed: Feed
    placement: Placement
    guard: bool
    history: Series
    evaluations: Series
    reporter: Reporter
    evaluator: Evaluator | None = None
    validate_every: int = 1
    store: Store | None = None
    _pixels: jax.Array = field(default_factory=lambda: jax.device_put(pixel_table()))
    _flight: InFlight = field(default_factory=lambda: InFlight(_in_flight()))
    # The newest chunk, while its end is to be saved and nothing is kept of it.
    _last: Pending | None = None
    _due: bool = False
    _fetched_at: float = 0.0

    def run(self, train: TrainState) -> RunState:
        """Runs to the end, or until a callback or a signal stops it.

        Raises:
            NonFiniteLossError: A loss is nan or infinite, and that is guarded against.
        """
        stop = self._replay()
        watched = self.store is not None or self.reporter.watched
        if watched:
            self.plan.limit = min(self.plan.limit, _FIRST_CHUNK)
        self._fetched_at = time.monotonic()
        with Signals(listen=self.store is not None) as signals:
            for part in () if stop else self.plan:
                if isinstance(part, EpochEnd):
                    stop = self._end_epoch(part, train)
                else:
                    train = self._start(part, train)
                    self._fetch(wait=False, watched=watched)
                    stop = False
                # An epoch that is complete is also brought to its end.
                told = not self.plan.ends_epoch and signals.told(self.plan.done)
                if stop or told:
                    break
            state = self._finish(train)
            signals.leave()
        self.reporter.end()
        return state

    def _replay(self) -> bool:
        """Tells the callbacks of the past; whether one of them had stopped the run."""
        past = self.history.arrays()
        done = len(past["loss"])
        self.reporter.begin(RunInfo(self.plan.done - done, self.plan.total))
        return done == self.plan.done and self.reporter.replay(
            past, self.evaluations.arrays(), self.plan.epoch_ends()
        )

    def _start(self, part: Chunk, train: TrainState) -> TrainState:
        """Starts a chunk; the device works on it while the host goes on."""
        arrays, rows = self.feed.chunk(part)
        inputs = (arrays, self._pixels, rows, self.problem.draws.of(part))
        first = self.plan.done - part.length
        # On a CPU a copy waits for the chunk before; from here on the device is busy,
        # while the host saves that chunk's end.
        last, self._last = self._last, None
        before = None
        if self.guard or last is not None:
            copy = train.copy()
            if last is not None:
                last.keep(copy)
            if self.guard:
                before = Before(copy, inputs, replace(self.plan.position))
        train, values = run_chunk(
            self.problem.step,
            train,
            *inputs,
            part.length,
            capacity=part.capacity,
            transform=self.problem.draws.transform,
            placement=self.placement,
        )
        pending = Pending(values, part, first, before, self._snapshot(train))
        self._last = None if pending.snapshot is None else pending
        self._flight.add(pending)
        return train

    def _snapshot(self, train: TrainState) -> RunState | None:
        """The state as it lies, if a checkpoint is due behind these steps."""
        if self.store is None or self.store.settings.every == "epoch":
            return None
        if self.plan.done % self.store.settings.every:
            return None
        if self.plan.ends_epoch:
            # Saved with what the validation says, after the epoch's last draw.
            self._due = True
            return None
        return self.plan.state(train)

    def _fetch(self, *, wait: bool, watched: bool = False) -> None:
        """Looks at chunks that are done: history, faults, checkpoints, callbacks."""
        while found := self._flight.next(wait=wait):
            pending, values = found
            self._guard(pending, values)
            self.history.add(values)
            self.reporter.steps(pending.first, values)
            if pending.snapshot is not None:
                if pending.shared:
                    pending.keep(pending.snapshot.train.copy())
                    self._last = None
                self._save(pending.snapshot)
            # Processes that share a run must cut it alike, and their clocks differ.
            if watched and jax.process_count() == 1:
                self._pace()

    def _pace(self) -> None:
        """Adapts the chunks' length to the time they take."""
        now = time.monotonic()
        elapsed, self._fetched_at = now - self._fetched_at, now
        if elapsed < _SHORT:
            self.plan.limit = min(self.plan.most, 2 * self.plan.limit)
        elif elapsed > _LONG:
            self.plan.limit = max(1, self.plan.limit // 2)

    def _end_epoch(self, end: EpochEnd, train: TrainState) -> bool:
        """Validation, callbacks and checkpoint of an epoch; whether to stop."""
        validates = self.evaluator is not None and end.epoch % self.validate_every == 0
        saves = self._due or (
            self.store is not None and self.store.settings.every == "epoch"
        )
        if not (validates or saves or self.reporter.callbacks):
            return False
        self._fetch(wait=True)
        values = {}
        if validates:
            assert self.evaluator is not None
            found = self.evaluator(train.params, train.buffers)
            values = {name: np.asarray(value) for name, value in found.items()}
            place = {"epoch": end.epoch, "step": self.plan.done}
            row = {name: np.asarray(value) for name, value in place.items()} | values
            self.evaluations.add({name: value[None] for name, value in row.items()})
        stop = self.reporter.epoch(end.epoch, self.plan.done, values)
        self.reporter.state(end.epoch, lambda: self.plan.state(train.copy()))
        best = None if self.store is None else self.store.settings.best
        metric = float(values[best]) if validates and best is not None else None
        if saves or metric is not None:
            self._save(self.plan.state(train.copy()), metric)
        self._due = False
        return stop

    def _save(self, state: RunState, metric: float | None = None) -> None:
        assert self.store is not None
        self.store.save(state, self.history.arrays(), self.evaluations.arrays(), metric)

    def _finish(self, train: TrainState) -> RunState:
        """Waits for all that is under way; a run with checkpoints ends with one."""
        self._fetch(wait=True)
        state = self.plan.state(train)
        if self.store is not None:
            self._save(state)
            self.store.wait()
        return state

    def _guard(self, pending: Pending, values: dict[str, np.ndarray]) -> None:
        if pending.before is None or np.isfinite(values["loss"]).all():
            return
        if self.store is not None:
            # What is being written are the arrays that are computed with next.
            self.store.wait()
        bad = int(np.argmin(np.isfinite(values["loss"])))
        state = self._before_step(pending, bad)
        good = {name: array[:bad] for name, array in values.items()}
        self.history.add(good)
        if bad:
            self.reporter.steps(pending.first, good)
        if self.store is not None:
            self._save(state)
            self.store.wait()
        rows = None if pending.part.rows is None else pending.part.rows[bad]
        loss = float(values["loss"][bad])
        raise NonFiniteLossError(loss, rows, state, self.history.arrays())

    def _before_step(self, pending: Pending, index: int) -> RunState:
        """The state before a step of a chunk: the chunk run again up to it."""
        before, part = pending.before, pending.part
        assert before is not None
        train, _ = run_chunk(
            self.problem.step,
            before.train,
            *before.inputs,
            index,
            capacity=part.capacity,
            transform=self.problem.draws.transform,
            placement=self.placement,
        )
        state = self.plan.state_before(part, before.position, index, train)
        if state.batch or part.rows is None:
            self.problem.draws.of(replace(part, length=index))
            state = replace(state, generators=generator_states(self.problem.generators))
        return state


def _in_flight() -> int:
    """How many chunks may be under way while the host saves one before them.

    Saving talks to the other processes, and a chunk's own talk must not be under way
    then: on CPUs one would take the other's messages for its own.
    """
    return _IN_FLIGHT if jax.process_count() == 1 else 0
