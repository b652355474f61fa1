# SPDX-License-Identifier: Apache-2.0
"""Mistakes in an optimiser's update, for the two families that most runs use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from flaxnn.parity._causes._arithmetic import explains
from flaxnn.parity._causes._norms import EPSILON, EPSILON_ROOT
from flaxnn.parity._causes._updates import adam, is_decoupled, sgd
from flaxnn.parity._finding import Cause

DECAY = Cause(
    "weight decay coupled or decoupled",
    "SGD and Adam add weight_decay * param to the gradient, AdamW subtracts lr * "
    "weight_decay * param from the parameter: use optim.adam or optim.adamw as the "
    "original does; optax.adamw is the latter",
)
SIZE_OF_DECAY = Cause(
    "weight decay of another size",
    "pass the original's weight_decay: PyTorch's default is 0 but for AdamW's 0.01, "
    "optax.adamw's is 0.0001",
)
DAMPENING = Cause(
    "dampening of the momentum",
    "PyTorch's buffer is momentum * buffer + (1 - dampening) * grad, its first is the "
    "gradient itself, and dampening is 0 unless given",
)
NESTEROV = Cause("Nesterov momentum", "pass the original's nesterov")
CORRECTION = Cause(
    "bias correction",
    "Adam divides the moments by 1 - beta ** t, with t from 1 on",
)
BETAS = Cause("betas", "pass the original's betas")
RATE = Cause("learning rate", "pass the original's lr")
SHIFTED = Cause(
    "learning rate or schedule off by one step",
    "PyTorch's scheduler.step() follows optimizer.step(): update k, from 0, has the "
    "schedule's k-th rate; check schedule_every, and the count that a schedule gets",
)
MAXIMIZE = Cause("sign of the update", "descend, or pass maximize as the original does")

Mistakes = Iterator[tuple[Cause, dict[str, np.ndarray]]]


@dataclass(frozen=True)
class Situation:
    """A parameter's update, recorded and done again, in float64.

    Attributes:
        kind: PyTorch's class.
        options: The parameter's group.
        param: The parameter before.
        grad: Its gradient.
        state: PyTorch's state of it before.
        what: ``"param"``, or the moment that is compared.
        recorded: That, after the update.
        port: The same by the port.
        noise: What rounding explains.
        rate: The recorded learning rate at the step that is compared.
        rates_around: Those of the steps before and after it.
    """

    kind: str
    options: dict[str, Any]
    param: np.ndarray
    grad: np.ndarray
    state: dict[str, np.ndarray]
    what: str
    recorded: np.ndarray
    port: np.ndarray
    noise: float
    rate: float
    rates_around: tuple[float, ...]

    @property
    def off(self) -> float:
        """The largest difference."""
        return float(np.abs(self.port - self.recorded).max(initial=0))

    def explained(self, candidate: np.ndarray) -> bool:
        """Whether a candidate is what the port has."""
        if self.off > 4 * self.noise:
            return explains(candidate, self.port, self.recorded)
        return bool(np.abs(candidate - self.port).max(initial=0) <= 4 * self.noise)


def cause_of_update(situations: Sequence[Situation]) -> Cause | None:
    """Returns the mistake that gives the port's numbers for all these parameters."""
    if not any(s.off > 4 * s.noise for s in situations):
        return None
    first = situations[0]
    ratio = _ratio(situations) if first.what == "param" else None
    if ratio is not None:
        rate = ratio * float(first.options.get("lr", 0.0))
        near = [r for r in first.rates_around if not np.isclose(r, first.rate)]
        if any(np.isclose(rate, other, rtol=1e-3) for other in near):
            return SHIFTED
    rows = [list(_mistakes(s)) for s in situations]
    for column in zip(*rows, strict=True):
        pairs = list(zip(column, situations, strict=True))
        if all(s.what in new and s.explained(new[s.what]) for (_, new), s in pairs):
            return column[0][0]
    if ratio is not None:
        return MAXIMIZE if ratio < 0 else RATE
    decays = first.what == "param" and all(_decays(s) for s in situations)
    return SIZE_OF_DECAY if decays else None


def _ratio(situations: Sequence[Situation]) -> float | None:
    """The port's updates over the recorded ones, where that is one number."""
    ratios = []
    for s in situations:
        theirs, ours = s.recorded - s.param, s.port - s.param
        norm = float(np.vdot(theirs, theirs))
        if np.abs(theirs).max(initial=0) <= 1e3 * s.noise:
            continue
        ratio = float(np.vdot(theirs, ours)) / norm
        if not s.explained(s.param + ratio * theirs):
            return None
        ratios.append(ratio)
    if not ratios:
        return None
    middle = float(np.median(ratios))
    return middle if np.allclose(ratios, middle, rtol=1e-3) else None


def _decays(s: Situation) -> bool:
    """Whether the port's update is off by a multiple of the parameter."""
    off, norm = s.port - s.recorded, float(np.vdot(s.param, s.param))
    amount = float(np.vdot(off, s.param)) / norm if norm else 0.0
    return s.explained(s.recorded + amount * s.param)


def _mistakes(s: Situation) -> Mistakes:
    given = s.options, s.param, s.grad, s.state
    if s.kind == "SGD":
        yield from _sgd_mistakes(*given)
    elif s.kind in ("Adam", "AdamW"):
        decoupled = is_decoupled(s.kind, s.options)
        yield from _adam_mistakes(decoupled, *given)


def _sgd_mistakes(options: dict[str, Any], *given: Any) -> Mistakes:
    momentum = float(options.get("momentum", 0.0))
    yield DECAY, sgd(options, *given, decoupled=True)
    yield SIZE_OF_DECAY, sgd(options, *given, decay=0.0)
    for dampening in (0.0, momentum, float(options.get("dampening", 0.0))):
        for first in (False, True):
            new = sgd(options, *given, dampening=dampening, dampen_first=first)
            yield DAMPENING, new
    yield NESTEROV, sgd(options, *given, nesterov=not options.get("nesterov", False))


def _adam_mistakes(decoupled: bool, options: dict[str, Any], *given: Any) -> Mistakes:
    def new(**wrong: Any) -> dict[str, np.ndarray]:
        return adam(options, *given, **{"decoupled": decoupled, **wrong})

    for root in ("inside", "inside, uncorrected", "before correction"):
        yield EPSILON_ROOT, new(root=root)
    yield DECAY, new(decoupled=not decoupled)
    yield SIZE_OF_DECAY, new(decay=0.0)
    for corrected in ((False, False), (True, False), (False, True)):
        yield CORRECTION, new(corrected=corrected)
    for shift in (-1, 1):
        yield CORRECTION, new(shift=shift)
    for factor in (10.0, 0.1, 100.0, 0.01, 1e3, 1e-3, 1e4, 1e5, 0.0):
        yield EPSILON, new(eps=factor * float(options.get("eps", 1e-8)))
    for betas in ((0.9, 0.999), (0.9, 0.99), (0.9, 0.95), (0.9, 0.98), (0.5, 0.999)):
        yield BETAS, new(betas=betas)
