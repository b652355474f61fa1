# SPDX-License-Identifier: Apache-2.0
"""The optimiser phase: one update of the recorded parameters, gradients and state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax

from flaxnn.parity._causes._optimizers import Situation, cause_of_update
from flaxnn.parity._distance import distance, wide
from flaxnn.parity._finding import Cause, Finding
from flaxnn.parity._moments import advanced, moments_of, with_moments
from flaxnn.parity._port import Port
from flaxnn.parity._trace_step import Step
from flaxnn.training._pure import enough_precision

# Roundings in one update, in units of the dtype's last place.
_OF_PARAMETER, _OF_UPDATE = 4, 32
# Optimisers whose update is not proportional to their learning rate.
_NOT_PROPORTIONAL = ("ASGD", "Rprop", "LBFGS")


@dataclass
class Updates:
    """A port's optimiser at any step of a trace.

    Attributes:
        port: The port.
        header: The trace's header.
        steps: All steps of the trace.
    """

    port: Port
    header: Mapping[str, Any]
    steps: Sequence[Step]
    notes: dict[str, None] = field(default_factory=dict)
    _position: tuple[int, Any] | None = None

    def compare(self, step: Step, clipped: float) -> Iterator[Finding | None]:
        """Gives for each parameter and moment the finding, or None where it agrees.

        Args:
            step: A whole step.
            clipped: What its gradients were multiplied by when they were clipped.
        """
        after, moments, known = self._updated(step, step.number, clipped)
        if not known and step.number > 0:
            return
        left = step.after
        findings = []
        for name, theirs in left.parameters.items():
            if name not in after or name not in step.gradients:
                continue
            largest, limit = _apart(step.parameters[name], theirs, after[name])
            if largest <= limit:
                yield None
            else:
                findings.append((name, "update", largest, limit))
        for name, entries in left.optimizer.items():
            for key, theirs in entries.items():
                if name not in moments.get(key, {}):
                    continue
                apart = distance(theirs, moments[key][name])
                if apart.differs:
                    findings.append((name, key, apart.largest, apart.limit))
                else:
                    yield None
        if findings:
            yield self._told(step, findings, after, moments)

    def compare_rate(self, light: Step, whole: Step) -> Iterator[Finding | None]:
        """Compares the learning rate of a light step, on a whole one's arrays.

        Args:
            light: The step.
            whole: One before it.
        """
        kind = str((self.header.get("optimizer") or {}).get("class", ""))
        if kind in _NOT_PROPORTIONAL or _other_options(light) != _other_options(whole):
            return
        after, _, known = self._updated(whole, light.number, 1.0)
        rates = self._rates(whole), self._rates(light)
        for name, theirs in whole.after.parameters.items():
            if not known or name not in after or not rates[0].get(name):
                continue
            before = whole.parameters[name].astype(np.float64)
            ratio = rates[1][name] / rates[0][name]
            expected = before + ratio * (theirs.astype(np.float64) - before)
            largest, limit = _apart(
                whole.parameters[name], expected, after[name], 4 + 4 * ratio
            )
            if largest > limit:
                rate = self._effective(whole, name, after)
                cause = self._cause(whole, {name: after[name]}, "param", light.number)
                what = f"learning rate, {rate:.6g} for {rates[1][name]:.6g}:"
                yield Finding(
                    light.number, "optimizer", "", what, largest, limit, cause
                )
                return
        yield None

    def _updated(
        self, step: Step, number: int, clipped: float
    ) -> tuple[dict[str, np.ndarray], dict[str, dict[str, np.ndarray]], bool]:
        """Parameters and moments after an update, and whether the state was known."""
        port = self.port
        assert port.optimizer is not None
        with enough_precision(jnp.dtype("float64")):
            params = port.tree({**step.parameters, **step.buffers}, "float64")
            given = {name: g / clipped for name, g in step.gradients.items()}
            zeros = {name: np.zeros_like(p) for name, p in step.parameters.items()}
            grads = port.tree({**zeros, **given}, "float64")
            state, unknown = with_moments(
                self._state(params, number), port, params, step.optimizer, "float64"
            )
            if unknown:
                names = ", ".join(sorted(unknown))
                self.notes[
                    f"the optimiser's {names} cannot be taken from the trace: of it, "
                    "step 0 was compared only"
                ] = None
            extra = isinstance(port.optimizer, optax.GradientTransformationExtraArgs)
            value = {"value": jnp.asarray(step.loss)} if extra else {}
            updates, state = port.optimizer.update(grads, state, params, **value)
            after = port.tensors(optax.apply_updates(params, updates))
            moments = {
                key: port.tensors(tree)
                for key, tree in moments_of(state, params).items()
            }
        return after, moments, not unknown

    def _state(self, params: Any, number: int) -> Any:
        """The state as schedules have it before a step, without gradients so far."""
        assert self.port.optimizer is not None
        losses = [step.loss for step in self.steps[:number]]
        start = None
        if self._position is not None and self._position[0] <= number:
            start = self._position[1]
            losses = losses[self._position[0] :]
        state = advanced(self.port.optimizer, params, losses, start)
        self._position = number, state
        return state

    def _told(
        self,
        step: Step,
        findings: list[tuple[str, str, float, float]],
        after: dict[str, np.ndarray],
        moments: dict[str, dict[str, np.ndarray]],
    ) -> Finding:
        """One finding for all parameters: a mistake in a formula meets them all."""
        chosen = [f for f in findings if f[1] == "update"] or findings
        name, what, largest, limit = max(chosen, key=lambda f: f[2] / max(f[3], 1e-99))
        chosen = [f for f in chosen if f[1] == what]
        number, key = step.number, "param" if what == "update" else what
        after = after if what == "update" else moments[what]
        trained = [n for n in step.gradients if n in after]
        # Of a mistake in the formula, some parameters may show only a trace.
        layer = ""
        cause = self._cause(step, {n: after[n] for n in trained}, key, number)
        if cause is None and len(chosen) < len(trained):
            layer = name.rpartition(".")[0]
            differing = {f[0]: after[f[0]] for f in chosen}
            cause = self._cause(step, differing, key, number)
        text = f"{what} of {name}"
        return Finding(number, "optimizer", layer, text, largest, limit, cause)

    def _cause(
        self, step: Step, after: Mapping[str, np.ndarray], what: str, number: int
    ) -> Cause | None:
        """The mistake that explains these parameters' updates, or their moments."""
        optimizer = self.header.get("optimizer") or {}
        groups = self._groups(step)
        around = [
            self._rates(self.steps[n])
            for n in (number - 1, number + 1)
            if 0 <= n < len(self.steps)
        ]
        left = step.after
        situations = []
        for name, port in after.items():
            param = step.parameters[name]
            moments = step.optimizer.get(name, {})
            if what == "param":
                recorded = left.parameters[name]
                noise = _apart(param, recorded, recorded)[1]
            else:
                recorded = left.optimizer[name][what]
                noise = distance(recorded, port).limit
            situation = Situation(
                kind=str(optimizer.get("class", "")),
                options=groups.get(name, {}),
                param=wide(param),
                grad=wide(step.gradients[name]),
                state={key: wide(array) for key, array in moments.items()},
                what=what,
                recorded=wide(recorded),
                port=wide(port),
                noise=noise,
                rate=self._rates(self.steps[number]).get(name, 0.0),
                rates_around=tuple(rates.get(name, 0.0) for rates in around),
            )
            situations.append(situation)
        return cause_of_update(situations)

    def _groups(self, step: Step) -> dict[str, dict[str, Any]]:
        """The options of each parameter at a step."""
        listed = (self.header.get("optimizer") or {}).get("groups", [])
        return {
            name: {**group, **now}
            for group, now in zip(listed, step.groups, strict=False)
            for name in group.get("params", ())
        }

    def _rates(self, step: Step) -> dict[str, float]:
        return {
            name: float(options.get("lr", 0.0))
            for name, options in self._groups(step).items()
        }

    def _effective(self, step: Step, name: str, after: Mapping[str, Any]) -> float:
        """The learning rate that the port's update has."""
        before = step.parameters[name].astype(np.float64)
        theirs = step.after.parameters[name] - before
        ratio = np.vdot(theirs, after[name] - before) / np.vdot(theirs, theirs)
        return float(ratio) * self._rates(step)[name]


def _apart(
    before: np.ndarray, recorded: np.ndarray, port: np.ndarray, slack: float = 1.0
) -> tuple[float, float]:
    """The largest difference over what rounding explains, and that."""
    unit = float(np.finfo(before.dtype).eps)
    theirs, ours = recorded.astype(np.float64), np.asarray(port, np.float64)
    if theirs.shape != ours.shape:
        return np.inf, 0.0
    if not theirs.size:
        return 0.0, 0.0
    size = np.maximum(np.abs(before), np.abs(theirs))
    update = np.abs(theirs - before).max()
    limits = slack * unit * (_OF_PARAMETER * size + _OF_UPDATE * update)
    apart = np.abs(theirs - ours)
    worst = np.argmax(np.nan_to_num(apart - limits, nan=np.inf))
    largest = float(np.nan_to_num(apart.ravel()[worst], nan=np.inf))
    return largest, float(limits.ravel()[worst])


def _other_options(step: Step) -> list[dict[str, Any]]:
    """A step's options without the learning rate."""
    return [{k: v for k, v in group.items() if k != "lr"} for group in step.groups]


def changes_of_rate(steps: Sequence[Step]) -> list[int]:
    """The light steps beside a change of the learning rate, few of them."""
    rates = [tuple(group.get("lr") for group in step.groups) for step in steps]
    changes = [n for n in range(1, len(rates)) if rates[n] != rates[n - 1]]
    beside = {n for change in changes[:8] for n in (change - 1, change, change + 1)}
    return sorted(n for n in beside if n < len(steps) and not steps[n].whole)
