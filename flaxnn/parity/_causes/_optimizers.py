"""Mistakes in an optimiser's update, for the two families that most runs use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from flaxnn.parity._causes._arithmetic import explains
from flaxnn.parity._causes._norms import EPSILON, EPSILON_ROOT
from flaxnn.parity._finding import Cause

DECAY = Cause(
    "weight decay coupled or decoupled",
    "SGD and Adam add weight_decay * param to the gradient, AdamW subtracts lr * "
    "weight_decay * param from the parameter: use optim.adam or optim.adamw as the "
    "original does; optax.adamw is the latter",
)
NO_DECAY = Cause("weight decay left out", "pass the original's weight_decay")
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


@dataclass(frozen=True)
class Situation:
    """A parameter's update, recorded and done again, in float64.

    Attributes:
        kind: PyTorch's class.
        options: The parameter's group.
        param: The parameter before.
        grad: Its gradient.
        state: PyTorch's state of it before.
        number: The step's number, from 0.
        recorded: The parameter after it.
        port: The same by the port.
        rate: The recorded learning rate at the step that is compared.
        rates_around: Those of the steps before and after it.
    """

    kind: str
    options: dict[str, Any]
    param: np.ndarray
    grad: np.ndarray
    state: dict[str, np.ndarray]
    number: int
    recorded: np.ndarray
    port: np.ndarray
    rate: float
    rates_around: tuple[float, ...]


def cause_of_update(situations: Sequence[Situation]) -> Cause | None:
    """Returns the mistake that gives the port's updates of all these parameters."""
    moved = [s for s in situations if np.abs(s.port - s.recorded).max(initial=0) > 0]
    if not moved:
        return None
    ratio = _ratio(moved)
    first = moved[0]
    now = float(first.options.get("lr", 0.0))
    if ratio is not None and now:
        rate = ratio * now
        near = [r for r in first.rates_around if not np.isclose(r, first.rate)]
        if any(np.isclose(rate, other, rtol=1e-4) for other in near):
            return SHIFTED
    for cause, candidates in zip(*_candidates(moved), strict=True):
        pairs = zip(candidates, moved, strict=True)
        if all(explains(c, s.port, s.recorded) for c, s in pairs):
            return cause
    if ratio is None:
        return None
    return MAXIMIZE if ratio < 0 else RATE


def _ratio(situations: Sequence[Situation]) -> float | None:
    """The port's updates over the recorded ones, where that is one number."""
    ratios = []
    for s in situations:
        theirs, ours = s.recorded - s.param, s.port - s.param
        norm = float(np.vdot(theirs, theirs))
        if norm == 0:
            return None
        ratio = float(np.vdot(theirs, ours)) / norm
        if not explains(s.param + ratio * theirs, s.port, s.recorded):
            return None
        ratios.append(ratio)
    middle = float(np.median(ratios))
    return middle if np.allclose(ratios, middle, rtol=1e-3) else None


def _candidates(
    situations: Sequence[Situation],
) -> tuple[list[Cause], list[tuple[np.ndarray, ...]]]:
    """Every usual mistake, and the parameters that it would give."""
    rows = [list(_mistakes(s)) for s in situations]
    causes = [cause for cause, _ in rows[0]]
    return causes, list(zip(*([after for _, after in row] for row in rows)))  # noqa: B905


def _mistakes(s: Situation) -> Iterator[tuple[Cause, np.ndarray]]:
    if s.kind == "SGD":
        yield from _sgd_mistakes(s)
    elif s.kind in ("Adam", "AdamW"):
        yield from _adam_mistakes(s)


def _sgd_mistakes(s: Situation) -> Iterator[tuple[Cause, np.ndarray]]:
    momentum = float(s.options.get("momentum", 0.0))
    dampening = float(s.options.get("dampening", 0.0))
    yield DECAY, _sgd(s, decoupled=True)
    yield NO_DECAY, _sgd(s, decay=0.0)
    for other in {0.0, momentum} | {dampening}:
        for first in (False, True):
            yield DAMPENING, _sgd(s, dampening=other, dampen_first=first)
    yield NESTEROV, _sgd(s, nesterov=not s.options.get("nesterov", False))


def _sgd(
    s: Situation,
    *,
    decoupled: bool = False,
    decay: float | None = None,
    dampening: float | None = None,
    dampen_first: bool = False,
    nesterov: bool | None = None,
) -> np.ndarray:
    """PyTorch's SGD, or with an option that is not the run's."""
    o = s.options
    lr, momentum = float(o["lr"]), float(o.get("momentum", 0.0))
    decay = float(o.get("weight_decay", 0.0)) if decay is None else decay
    dampening = float(o.get("dampening", 0.0)) if dampening is None else dampening
    nesterov = bool(o.get("nesterov", False)) if nesterov is None else nesterov
    grad = -s.grad if o.get("maximize") else s.grad
    if not decoupled:
        grad = grad + decay * s.param
    if momentum:
        old = s.state.get("momentum_buffer")
        fresh = old is None and not dampen_first
        buffer = grad if fresh else (1 - dampening) * grad
        buffer = buffer if old is None else momentum * old + buffer
        grad = grad + momentum * buffer if nesterov else buffer
    after = s.param - lr * grad
    return after - lr * decay * s.param if decoupled else after


def _adam_mistakes(s: Situation) -> Iterator[tuple[Cause, np.ndarray]]:
    eps = float(s.options.get("eps", 1e-8))
    first, second = (float(b) for b in s.options.get("betas", (0.9, 0.999)))
    yield EPSILON_ROOT, _adam(s, root="inside")
    yield EPSILON_ROOT, _adam(s, root="inside, uncorrected")
    yield EPSILON_ROOT, _adam(s, root="before correction")
    decoupled = _is_decoupled(s)
    yield DECAY, _adam(s, decoupled=not decoupled)
    yield NO_DECAY, _adam(s, decay=0.0)
    for corrected in ((False, False), (True, False), (False, True)):
        yield CORRECTION, _adam(s, corrected=corrected)
    for shift in (-1, 1):
        yield CORRECTION, _adam(s, shift=shift)
    for power in (10.0, 0.1, 100.0, 0.01, 1e3, 1e-3, 1e4, 1e5, 0.0):
        yield EPSILON, _adam(s, eps=power * eps)
    for betas in ((0.9, 0.99), (0.9, 0.95), (0.9, 0.98), (0.95, 0.999), (0.5, 0.999)):
        if betas != (first, second):
            yield BETAS, _adam(s, betas=betas)


def _is_decoupled(s: Situation) -> bool:
    return bool(s.options.get("decoupled_weight_decay", s.kind == "AdamW"))


def _adam(
    s: Situation,
    *,
    root: str = "outside",
    decoupled: bool | None = None,
    decay: float | None = None,
    corrected: tuple[bool, bool] = (True, True),
    shift: int = 0,
    eps: float | None = None,
    betas: tuple[float, float] | None = None,
) -> np.ndarray:
    """PyTorch's Adam or AdamW, or with an option that is not the run's."""
    o = s.options
    lr = float(o["lr"])
    eps = float(o.get("eps", 1e-8)) if eps is None else eps
    decay = float(o.get("weight_decay", 0.0)) if decay is None else decay
    decoupled = _is_decoupled(s) if decoupled is None else decoupled
    one, two = betas or tuple(float(b) for b in o.get("betas", (0.9, 0.999)))
    time = max(float(s.state.get("step", np.zeros(()))) + 1 + shift, 0.0)
    grad = -s.grad if o.get("maximize") else s.grad
    param = s.param * (1 - lr * decay) if decoupled else s.param
    if not decoupled:
        grad = grad + decay * s.param
    zeros = np.zeros_like(s.param)
    mean = one * s.state.get("exp_avg", zeros) + (1 - one) * grad
    square = two * s.state.get("exp_avg_sq", zeros) + (1 - two) * grad**2
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 1 / (1 - one**time) if corrected[0] else 1.0
        spread = 1 - two**time if corrected[1] else 1.0
        denominator = {
            "outside": np.sqrt(square / spread) + eps,
            "inside": np.sqrt(square / spread + eps),
            "inside, uncorrected": np.sqrt((square + eps) / spread),
            "before correction": (np.sqrt(square) + eps) / np.sqrt(spread),
        }[root]
        return param - lr * scale * mean / denominator
