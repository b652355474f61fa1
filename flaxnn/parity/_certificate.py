# SPDX-License-Identifier: Apache-2.0
"""The verdict on a port, with the figures that it rests on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from flaxnn.parity._checks import Check
from flaxnn.parity._noise import NoiseFloor

Verdict = Literal["PASS", "FAIL", "NOT PROVEN"]

_SIGNS = {True: "✓", False: "✗", None: "?"}
# Text shows so many checks; of more, those that fail and the worst of each grade.
_MANY = 24


@dataclass(frozen=True)
class Losses:
    """Both sides' losses, and the noise floor between them.

    Attributes:
        ours: ``(n,)`` ours.
        theirs: ``(n,)`` PyTorch's.
        floor: ``(n,)`` the floor, up to each step; None in float64.
    """

    ours: np.ndarray
    theirs: np.ndarray
    floor: np.ndarray | None = None


@dataclass(frozen=True)
class Certificate:
    """Whether a port computes what PyTorch computes, with the figures.

    Attributes:
        name: What was certified.
        checks: All that was checked, T0 first.
        environment: What the numbers depend on: versions, platform, matmul precision,
            and under ``"recording"`` those of PyTorch.
        losses: Both sides' losses by dtype.
        floor: The noise floor of T2; None where nothing was held to it.
    """

    name: str
    checks: tuple[Check, ...]
    environment: Mapping[str, Any]
    losses: Mapping[str, Losses] = field(default_factory=dict, repr=False)
    floor: NoiseFloor | None = field(default=None, repr=False)

    @property
    def verdict(self) -> Verdict:
        """``"FAIL"`` if a check fails; ``"NOT PROVEN"`` if one had nothing to judge."""
        verdicts = {check.passed for check in self.checks}
        if False in verdicts:
            return "FAIL"
        return "PASS" if verdicts == {True} else "NOT PROVEN"

    @property
    def passed(self) -> bool:
        """Whether every check was made and passed."""
        return self.verdict == "PASS"

    @property
    def reason(self) -> str:
        """The verdict in a sentence."""
        if self.verdict == "PASS":
            many = len(self.checks)
            return f"all {many} checks pass" if many > 1 else "its one check passes"
        if self.verdict == "FAIL":
            failed = [check for check in self.checks if check.passed is False]
            first = f"{failed[0].grade} of {failed[0].what}"
            return f"{len(failed)} of {len(self.checks)} checks fail, first {first}"
        missing = [check for check in self.checks if check.passed is None]
        return "; ".join(f"{check.grade}: {check.note}" for check in missing)

    def worst(self, grade: str) -> Check | None:
        """Returns the check of a grade that is nearest to its limit, or beyond it.

        Args:
            grade: ``"T0"``, ``"T1"`` or ``"T2"``.
        """
        held = [check for check in self.checks if check.grade == grade]
        return max(held, key=lambda check: check.share, default=None)

    def to_json(self) -> dict[str, Any]:
        """Returns the verdict and all figures as plain values, without the losses."""
        floor = self.floor
        return {
            "name": self.name,
            "verdict": self.verdict,
            "reason": self.reason,
            "checks": [check.to_json() for check in self.checks],
            "noise floor": floor
            and {
                "source": floor.source,
                "largest": float(floor.losses[-1]),
                "distances": dict(zip(floor.members, floor.distances, strict=False)),
            },
            "environment": dict(self.environment),
        }

    def write(self, path: str | Path) -> None:
        """Writes the certificate to a file.

        Args:
            path: Ending in ``.json``, or in ``.html`` for a page with the losses of
                both sides over each other.

        Raises:
            ValueError: It ends in something else.
        """
        path = Path(path)
        if path.suffix == ".json":
            text = json.dumps(self.to_json(), indent=1, ensure_ascii=False)
            path.write_text(text + "\n", encoding="utf-8")
        elif path.suffix == ".html":
            from flaxnn.parity._certificate_page import certificates_page

            certificates_page([self], self.name).write(path)
        else:
            raise ValueError(
                f"a certificate is written as .json or .html, got {path.name!r}"
            )

    def __str__(self) -> str:
        shown = _shown(self.checks)
        rows = [("", "", "", "measured", "limit", ""), *map(_row, shown)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [f"{self.verdict}  {self.name}: {self.reason}"]
        for sign, grade, what, measured, limit, note in rows:
            left = f"  {sign:<1} {grade:<{widths[1]}}  {what:<{widths[2]}}"
            right = f"{measured:>{widths[3]}}  {limit:>{widths[4]}}  {note}"
            lines.append(f"{left}  {right}".rstrip())
        if hidden := len(self.checks) - len(shown):
            lines.append(f"  and {hidden} more, none of them worse")
        return "\n".join([*lines, *(f"{k}: {v}" for k, v in self.facts().items())])

    def facts(self) -> dict[str, str]:
        """Returns in a few words what the figures were measured on."""
        here = self.environment
        there = here.get("recording", {})
        found = {}
        if version := there.get("torch"):
            threads = there.get("threads")
            found["reference"] = ", ".join(
                filter(
                    None,
                    [
                        f"PyTorch {version}",
                        there.get("capability", ""),
                        f"{threads} thread{'s' * (threads != 1)}" if threads else "",
                    ],
                )
            )
        if "jax" in here:
            found["port"] = (
                f"flaxnn {here['flaxnn']}, jax {here['jax']} on {here['platform']} "
                f"({here['cpu_flavour']}), JAX's matmul precision "
                f"{here['matmul_precision']}, that of flaxnn's layers HIGHEST"
            )
        if floor := self.floor:
            many = len(floor.members)
            of = f"{many} runs of {floor.source}" if many else floor.source
            found["noise floor"] = f"{of}, at most {floor.losses[-1]:.1e} apart"
            if left_out := there.get("variants left out"):
                found["noise floor"] += f"; left out: {', '.join(left_out)}"
        return found


def _shown(checks: tuple[Check, ...]) -> list[Check]:
    if len(checks) <= _MANY:
        return list(checks)
    passing = [check for check in checks if check.passed]
    worst = {
        id(max((c for c in passing if c.grade == grade), key=lambda c: c.share))
        for grade in {check.grade for check in passing}
    }
    failing = [check for check in checks if not check.passed][:_MANY]
    kept = worst | set(map(id, failing))
    return [check for check in checks if id(check) in kept]


def _row(check: Check) -> tuple[str, str, str, str, str, str]:
    return (
        _SIGNS[check.passed],
        check.grade,
        check.what,
        figure(check, check.measured),
        figure(check, check.limit),
        check.note,
    )


def figure(check: Check, value: float | None) -> str:
    """A measured number or a limit, as a person reads it.

    Args:
        check: The check it belongs to.
        value: The number.
    """
    if value is None:
        return ""
    if check.grade == "T0":
        return f"{value:.0f}"
    return f"{value:.1e}" if value else "0"
