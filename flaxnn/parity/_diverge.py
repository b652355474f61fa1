# SPDX-License-Identifier: Apache-2.0
"""The first place where a port and a recorded run part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from flaxnn.data import DataLoader
from flaxnn.nn import Rule
from flaxnn.nn._names import Names
from flaxnn.optim import scheduled
from flaxnn.optim.lr_scheduler import Scheduler
from flaxnn.parity._backward import clipping, compare_backward
from flaxnn.parity._batches import Batches
from flaxnn.parity._buffers import compare_buffers
from flaxnn.parity._finding import PHASES, Divergence, Finding
from flaxnn.parity._forward import compare_forward
from flaxnn.parity._loss import compare_loss
from flaxnn.parity._optimizer import Updates, changes_of_rate
from flaxnn.parity._port import Port, in_dtype
from flaxnn.parity._recorded import Recorded
from flaxnn.parity._replay import Replay, Replayed, draw_for
from flaxnn.parity._spot import Spot
from flaxnn.parity._trace import Trace, TraceLike, opened
from flaxnn.parity._trace_lines import TraceError
from flaxnn.parity._trace_step import Step
from flaxnn.parity._weights import compare_weights
from flaxnn.training._pure import enough_precision
from flaxnn.training._schedule import (
    ScheduleEvery,
    check_schedule_arguments,
    updates_between,
)


def diverge(
    trace: TraceLike,
    model: nnx.Module,
    loss: Callable[..., Any] | None = None,
    optimizer: optax.GradientTransformation | None = None,
    data: Any = None,
    *,
    schedule: Scheduler | None = None,
    schedule_every: ScheduleEvery = "epoch",
    own_weights: bool = False,
    names: Names = (),
    rules: Sequence[Rule] = (),
    flatten: Mapping[str, Sequence[int]] = MappingProxyType({}),
    ignore: Sequence[str] = (),
    everywhere: bool = False,
) -> Divergence:
    """Finds the first step, phase and layer at which a port leaves a recorded run.

    Every phase of a step is done by the port on what was recorded before it: the
    model on the recorded batch and parameters, each module on its recorded inputs,
    the loss on the recorded output, the way back on the recorded gradients, the
    optimiser on the recorded gradients and state. So a mistake shows where it is, and
    a second one behind it shows too. The port computes in float64; what it rounds in
    the run's dtype, and what PyTorch's sums in another order may, is no difference.

    Args:
        trace: A trace, or its directory, as `recorder.py` wrote it.
        model: The port: a flaxnn model, or any of Flax NNX. It is not changed; the
            recorded parameters take the place of its own.
        loss: ``loss(output, target)`` giving a scalar; None leaves it out.
        optimizer: Any optax transformation; None leaves it out. The moments of
            `flaxnn.optim` and of optax's SGD and Adam families are taken from the
            trace; of others the first step is compared.
        data: What the port is trained on: a DataLoader, a tuple of arrays, or an
            iterable of batches, inputs and target; None leaves it out. Compared at
            every step.
        schedule: The port's schedule, as for `flaxnn.fit`.
        schedule_every: As for `flaxnn.fit`.
        own_weights: Whether the model's own parameters are to be those that the run
            began with; they are compared first.
        names: Flax's paths and PyTorch's, as for `flaxnn.nn.load_state_dict`.
        rules: Further rules for parameters, as there.
        flatten: Sizes before flattening, as there.
        ignore: Modules whose numbers are not compared, such as a dropout whose masks
            come from JAX's keys.
        everywhere: Whether to look at all steps instead of stopping at the first that
            differs.

    Returns:
        The findings, the first one first.

    Raises:
        TraceError: The trace is damaged, or has no whole step.
        TypeError: An argument is of the wrong kind.
        ValueError: `ignore` names a module that the trace has not.
        RuntimeError: The model's parameters are not the trace's.

    Torch:
        No counterpart. Compared are the steps that were recorded whole; of the others
        the batches, and the learning rate beside its changes.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from flaxnn import nn, optim, parity
        >>> from flaxnn.random import Generator
        >>> data = (Generator(1).randn(8, 5), np.arange(8) % 3)
        >>> model = nn.Sequential(nn.Linear(5, 3, rngs=Generator(0)))
        >>> loss = nn.CrossEntropyLoss()
        >>> with tempfile.TemporaryDirectory() as place:
        ...     _ = parity.record(
        ...         model,
        ...         data,
        ...         loss=loss,
        ...         optimizer=optim.adam(lr=0.1),
        ...         steps=2,
        ...         path=f"{place}/run.trace",
        ...     )
        ...     wrong = optim.adam(lr=0.2)
        ...     found = diverge(f"{place}/run.trace", model, loss, wrong, data)
        >>> found.first.step, found.first.phase, found.first.cause.name
        (0, 'optimizer', 'learning rate')
    """
    trace = opened(trace)
    _check(trace, model, loss, optimizer, ignore)
    check_schedule_arguments(schedule, schedule_every)
    if schedule is not None and optimizer is not None:
        loader = data if isinstance(data, DataLoader) else None
        every = updates_between(schedule_every, loader)
        optimizer = scheduled(optimizer, schedule, every)
    dtype = _dtype(trace)
    with enough_precision(jnp.dtype(dtype)):
        model = in_dtype(model, dtype)
    port = Port(model, loss, optimizer, names, rules, flatten)
    batches = None if data is None else Batches(data, trace, partial(draw_for, port))
    look = _Look(trace, port, batches, dtype, own_weights)
    findings: list[Finding] = []
    compared: Counter[str] = Counter()
    steps: list[int] = []
    try:
        for step in trace.steps:
            here = []
            for phase, found in look.at(step):
                compared[phase] += 1
                if found is not None and (not found.layer or found.layer not in ignore):
                    here.append(found)
            steps.append(step.number)
            findings += sorted(here, key=lambda finding: PHASES.index(finding.phase))
            if findings and not everywhere:
                break
    finally:
        if batches is not None:
            batches.close()
    return Divergence(tuple(findings), tuple(steps), dict(compared), look.notes)


class _Look:
    """What is compared at a step."""

    def __init__(
        self,
        trace: Trace,
        port: Port,
        batches: Batches | None,
        dtype: str,
        own_weights: bool,
    ) -> None:
        self.trace, self.port, self.batches, self.dtype = trace, port, batches, dtype
        self.own_weights = own_weights
        self.exact, self.rounded = (Replay(port, d) for d in ("float64", dtype))
        self.updates = Updates(port, trace.header, trace.steps)
        self.rates = set(changes_of_rate(trace.steps)) if port.optimizer else set()
        self._whole: Step | None = None
        self._parted = False
        self._notes: dict[str, None] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be compared."""
        return (*self._notes, *self.updates.notes)

    def at(self, step: Step) -> Iterator[tuple[str, Finding | None]]:
        """Gives the phase and the finding, or None, of every number of a step."""
        if self.batches is not None and not self._parted:
            for found in self.batches.compare(step):
                self._parted |= found is not None
                yield "data", found
        if not step.whole:
            if step.number in self.rates and self._whole is not None:
                for found in self.updates.compare_rate(step, self._whole):
                    yield "optimizer", found
            return
        if self.own_weights and step.number == 0:
            for found in compare_weights(step, self.port):
                yield "state", found
        self._whole = step
        yield from self._passes(step)

    def _passes(self, step: Step) -> Iterator[tuple[str, Finding | None]]:
        port, recorded = self.port, Recorded.of(step)
        if not any(place.module == "" for place in recorded.calls):
            self._notes["the model's own call was not recorded"] = None
            return
        exact = self.exact(step, recorded)
        rounded = exact
        if self.dtype != "float64":
            rounded = self.rounded(step, recorded)
        seen = Replayed(step, recorded, self.trace.header["modules"], exact, rounded)
        for found in compare_forward(seen):
            yield "forward", found
        if port.loss is not None and self._has_loss(step, recorded):
            found = compare_loss(step, self.trace.header, recorded, port, self.dtype)
            for one in found:
                yield "loss", one
        for found in compare_backward(seen):
            yield "backward", found
        if port.optimizer is not None:
            for found in self.updates.compare(step, clipping(step, exact)):
                yield "optimizer", found
        for found in compare_buffers(seen):
            yield "state", found

    def _has_loss(self, step: Step, recorded: Recorded) -> bool:
        seen = Spot(recorded.root, "output") in recorded.arrays
        if seen and step.targets and step.losses:
            return True
        self._notes["the loss's target or value was not recorded: see batch()"] = None
        return False


def _check(
    trace: Trace, model: Any, loss: Any, optimizer: Any, ignore: Sequence[str]
) -> None:
    if not isinstance(model, nnx.Module):
        raise TypeError(
            "model must be a flaxnn.nn.Module or another flax.nnx.Module, got "
            f"{type(model).__name__}"
        )
    if loss is not None and (isinstance(loss, type) or not callable(loss)):
        raise TypeError(f"loss must be a function of (output, target), got {loss!r}")
    if optimizer is not None and not hasattr(optimizer, "update"):
        raise TypeError(
            "optimizer must be an optax transformation such as flaxnn.optim.sgd(lr), "
            f"got {type(optimizer).__name__}"
        )
    unknown = [name for name in ignore if name not in trace.header["modules"]]
    if isinstance(ignore, str) or unknown:
        names = ", ".join(filter(None, trace.header["modules"]))
        raise ValueError(
            f"ignore names modules of the trace, got {ignore!r}; they are: {names}"
        )
    if not trace.whole:
        raise TraceError(
            f"{trace.path} has no step with arrays: record with whole= for some"
        )


def _dtype(trace: Trace) -> str:
    """The run's dtype: the widest among its parameters."""
    dtypes = {
        np.dtype(array.dtype)
        for array in trace.whole[0].parameters.values()
        if array.dtype.kind == "f"
    }
    return max(dtypes, key=lambda d: d.itemsize, default=np.dtype("float32")).name
