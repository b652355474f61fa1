# SPDX-License-Identifier: Apache-2.0
"""What may go wrong in a run, with all that is needed to go on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

import jax
import numpy as np
from jax.experimental import multihost_utils

if TYPE_CHECKING:
    from flaxnn.training._problem import Problem
    from flaxnn.training._state import RunState

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class NonFiniteLossError(FloatingPointError):
    """A training loss is nan or infinite.

    Attributes:
        step: The step whose loss it is, the first such; earlier updates are done.
        epoch: The epoch of that step.
        batch: Its place in the epoch.
        rows: ``(B,)`` rows of the batch; None for the whole data set.
        loss: The loss.
        state: The run's state before that step; `fit` goes on from it.
        history: The metrics of the steps before it.
    """

    def __init__(
        self,
        loss: float,
        rows: np.ndarray | None,
        state: RunState,
        history: dict[str, np.ndarray],
    ):
        self.loss = loss
        self.rows = rows
        self.state = state
        self.history = history
        self.step: int = int(state.train.step)
        self.epoch: int = state.epoch
        self.batch: int = state.batch
        super().__init__(
            f"the loss of step {self.step} is {loss} ({self._where()}); "
            f"{self._why()}. The state before it is this error's .state, and "
            "nonfinite='continue' trains on as PyTorch does"
        )

    def _where(self) -> str:
        if self.rows is None:
            return "the whole data set"
        shown = ", ".join(str(row) for row in self.rows[:8])
        more = ", …" if len(self.rows) > 8 else ""
        return f"epoch {self.epoch}, batch {self.batch}, rows {shown}{more}"

    def _why(self) -> str:
        largest, where = 0.0, ""
        for path, leaf in jax.tree_util.tree_leaves_with_path(self.state.train.params):
            name = jax.tree_util.keystr(path, simple=True, separator=".")
            size = float(np.abs(np.asarray(leaf)).max(initial=0))
            if not np.isfinite(size):
                return (
                    f"the parameter {name} was nan or infinite before it: the update "
                    "before was too large; lower the learning rate or clip the gradient"
                )
            if size >= largest:
                largest, where = size, name
        return (
            f"the parameters before it are finite, the largest {largest:.2g} in "
            f"{where}: look at these rows, at a logarithm or division in the model or "
            "loss, and at the learning rate"
        )


class OutOfMemoryError(MemoryError):
    """The device has too little memory for a run."""


@contextmanager
def explaining_memory(problem: Problem) -> Iterator[None]:
    """Turns the compiler's or the device's complaint into one that helps."""
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        streamed = problem.samples.read is not None
        beside = 0 if streamed else sum(x.nbytes for x in problem.samples.arrays)
        raise OutOfMemoryError(
            "the device has too little memory for a batch_size of "
            f"{problem.batch_sizes[0]} "
            f"beside {beside / 2**20:.0f} MiB of data. Try, in this order: "
            "accumulate=4 (the same numbers from smaller parts of a batch), "
            "remat=True (the same numbers, activations computed twice), "
            + ("" if streamed else "stream=True (the data stay on the host), ")
            + "compute_dtype='bfloat16' (other numbers), a smaller batch_size (another "
            "run). The device said: " + str(error).splitlines()[0]
        ) from error


class Signals:
    """Notes SIGTERM and SIGINT, so that a run can save its state before it ends.

    Handlers can be set in the main thread only; elsewhere nothing is noted, and the
    signals do what they did. Of several processes the one that gets SIGTERM tells the
    others through JAX, and all save at the same step.

    Args:
        listen: Whether to do anything at all.
    """

    def __init__(self, *, listen: bool):
        main = threading.current_thread() is threading.main_thread()
        self._together = listen and jax.process_count() > 1
        self._listen = listen and main and not self._together
        self._before: dict[int, Any] = {}
        self._received: int | None = None

    def __enter__(self) -> Self:
        if self._listen:
            for number in _SIGNALS:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number in self._before:
            self._restore(number)

    def told(self, step: int) -> bool:
        """Whether to end behind this step."""
        if self._together and multihost_utils.reached_preemption_sync_point(step):
            self._received = signal.SIGTERM
        return self._received is not None

    def leave(self) -> None:
        """Ends the program as the noted signal would have, if one was."""
        if self._received == signal.SIGINT:
            raise KeyboardInterrupt
        if self._received is not None:
            raise SystemExit(128 + self._received)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._received is not None:
            # Asked a second time: do what the signal does without us.
            self._restore(number)
            signal.raise_signal(number)
        self._received = number

    def _restore(self, number: int) -> None:
        # None stands for a handler that was not set from Python.
        signal.signal(number, self._before[number] or signal.SIG_DFL)
