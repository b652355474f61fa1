# SPDX-License-Identifier: Apache-2.0
"""Where somebody else is faster, which is said before anything else."""

from __future__ import annotations

from typing import Any

# The least that the case costs in JAX, to be come close to; no peer.
LIMITS = ("scan",)

MEASURES = {
    "run_s": "the steady run",
    "process_s": "a new process",
    "warm_s": "a new process with a warm cache",
}


def wins(cases: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns each measure of a case in which a peer takes less time, least first.

    Args:
        cases: The result's cases.
    """
    found = [
        {
            "case": name,
            "side": side,
            "title": case["sides"][side]["title"],
            "measure": measure,
            "ratio": ratio[measure]["median"],
            "kind": ratio["kind"],
        }
        for name, case in cases.items()
        for side, ratio in case["ratios"].items()
        if side not in LIMITS
        for measure in MEASURES
        if measure in ratio and ratio[measure]["median"] < 1
    ]
    return sorted(found, key=lambda win: win["ratio"])


def lost_first(cases: dict[str, Any]) -> dict[str, Any]:
    """The cases, those first in which a peer takes less time."""
    lost = {win["case"] for win in wins(cases)}
    return dict(sorted(cases.items(), key=lambda item: item[0] not in lost))


def words(cases: dict[str, Any], name: str) -> str:
    """A sentence for each peer that takes less time in a case; "" without any."""
    theirs: dict[str, list[str]] = {}
    for win in wins({name: cases[name]}):
        said = f"{MEASURES[win['measure']]} ({win['ratio']:.2f} × our time)"
        theirs.setdefault(win["title"], []).append(said)
    return " ".join(
        f"{title} is faster here: {', '.join(said)}." for title, said in theirs.items()
    )


def summary_line(cases: dict[str, Any]) -> str:
    """Where peers take less time, in one sentence."""
    compared = sum(bool(case["ratios"]) for case in cases.values())
    if not compared:
        return "nothing was compared"
    lost = {win["case"]: None for win in wins(cases)}
    if not lost:
        return f"no peer is faster in any of {compared} cases"
    titles = "; ".join(cases[name]["title"] for name in lost)
    return f"a peer is faster in {len(lost)} of {compared} cases: {titles}"
