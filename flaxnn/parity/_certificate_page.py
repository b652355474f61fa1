# SPDX-License-Identifier: Apache-2.0
"""Certificates as one HTML page: verdict, figures, and the losses of both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from flaxnn.parity._certificate import Certificate, figure
from flaxnn.report import Cell, Page

_STATUS: dict[str, Literal["passed", "failed", "skipped"]] = {
    "PASS": "passed",
    "FAIL": "failed",
    "NOT PROVEN": "skipped",
}
# Of a certificate with more checks the table is folded.
_MANY = 40


def certificates_page(certificates: Sequence[Certificate], title: str) -> Page:
    """Returns a page with a section for each certificate.

    Args:
        certificates: The certificates.
        title: The page's heading.
    """
    common = _facts(certificates)
    built = Page(
        title,
        "Certificate of a training run, held to PyTorch's: T0 bit for bit, T1 in "
        "float64 to 1e-12, T2 in float32 to four times the noise floor.",
        common,
    )
    verdicts = [certificate.verdict for certificate in certificates]
    passing = verdicts.count("PASS")
    if len(certificates) == 1:
        text = certificates[0].reason
    else:
        text = f"{passing} of {len(certificates)} certificates pass"
    open_ones = "NOT PROVEN" in verdicts and "FAIL" not in verdicts
    if open_ones:
        text = f"Not proven: {text}"
    passed = None if open_ones else passing == len(certificates)
    built.verdict(passed, text, _numbers(certificates))
    for certificate in certificates:
        _section(built, certificate, common)
    return built


def _facts(certificates: Sequence[Certificate]) -> dict[str, str]:
    """What all certificates that say it agree in."""
    told: dict[str, set[str]] = {}
    for certificate in certificates:
        for key, value in certificate.facts().items():
            told.setdefault(key, set()).add(value)
    return {key: values.pop() for key, values in told.items() if len(values) == 1}


def _numbers(certificates: Sequence[Certificate]) -> dict[str, str]:
    """The worst figure of each grade that measures a distance."""
    found = {}
    for grade in ("T1", "T2"):
        worst = [w for c in certificates if (w := c.worst(grade)) and w.measured]
        if worst:
            check = max(worst, key=lambda check: check.share)
            measured, limit = (figure(check, v) for v in (check.measured, check.limit))
            found[f"worst of {grade}, and its limit"] = f"{measured} of {limit}"
    return found


def _section(built: Page, certificate: Certificate, common: Mapping[str, str]) -> None:
    status = _STATUS[certificate.verdict]
    built.section(certificate.name, note=certificate.reason, status=status)
    for key, value in certificate.facts().items():
        if key not in common:
            built.text(f"{key[0].upper()}{key[1:]}: {value}.")
    rows: list[list[Any]] = [
        [
            check.grade,
            check.what,
            Cell(figure(check, check.measured), check.measured),
            Cell(figure(check, check.limit), check.limit),
            check.share if np.isfinite(check.share) and check.measured else None,
            _judged(check.passed),
            check.note,
        ]
        for check in certificate.checks
    ]
    built.table(
        ["grade", "what", "measured", "limit", "share of limit", "verdict", "note"],
        rows,
        caption=f"{certificate.name}: what was checked",
        formats={"share of limit": ".2g"},
        folded=f"All {len(rows)} checks" if len(rows) > _MANY else None,
    )
    for dtype, both in certificate.losses.items():
        if not np.isfinite(both.theirs).all():
            built.text(f"PyTorch's losses in {dtype} are not all finite: no curves.")
            continue
        title = f"{certificate.name}, {dtype}"
        built.curves(both.ours, both.theirs, floor=both.floor, title=title)
    if (floor := certificate.floor) and floor.members:
        built.table(
            ["variant", "distance to the first"],
            [list(row) for row in zip(floor.members, floor.distances, strict=True)],
            caption=f"The noise floor: variants of the run by {floor.source}",
            formats={"distance to the first": ".1e"},
            folded=f"The {len(floor.members)} variants behind the noise floor",
        )


def _judged(passed: bool | None) -> Cell | bool:
    return Cell("not proven", tone="muted") if passed is None else passed
