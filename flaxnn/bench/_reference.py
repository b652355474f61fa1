# SPDX-License-Identifier: Apache-2.0
"""A recorded run of PyTorch, for machines that have none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flaxnn.bench._agreement import Standard
from flaxnn.bench._figures import MEASURED
from flaxnn.bench._side import is_torch


def reference_of(result: dict[str, Any]) -> dict[str, Any]:
    """Returns the PyTorch part of what `measure` returned, to be kept in a file.

    Args:
        result: The result.

    Raises:
        ValueError: PyTorch did not run in it, or the run was a quick one.
    """
    if result["options"]["quick"]:
        raise ValueError("a quick run measures too little to be a reference")
    cases = {}
    for name, case in result["cases"].items():
        sides = {
            side: figures
            for side, figures in case["sides"].items()
            if is_torch(side) and figures["kind"] == MEASURED
        }
        if sides:
            cases[name] = {
                "title": case["title"],
                "problem": case["problem"],
                "losses": case["agreement"]["losses"],
                "sides": sides,
            }
    if not cases:
        raise ValueError("no PyTorch side ran, so there is nothing to record")
    shared = ("schema", "date", "machine", "options")
    return {**{key: result[key] for key in shared}, "cases": cases}


#: The record that the package brings along.
REFERENCE = Path(__file__).with_name("torch-2.13.json")


def read_reference(path: Path = REFERENCE) -> dict[str, Any] | None:
    """Returns what `reference_of` gave, from its file; None where there is no file.

    Args:
        path: The file; the package's own when left out.

    Raises:
        ValueError: The file holds something else.
    """
    if not path.is_file():
        return None
    try:
        reference = json.loads(path.read_text(encoding="utf-8"))
        for case in reference["cases"].values():
            _ = case["problem"], case["losses"]["steps"], case["sides"]
        _ = reference["date"], reference["machine"]["versions"], reference["options"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"{path} is no recorded reference ({error!r}); make one with "
            "--record-reference on a machine with PyTorch"
        ) from error
    return reference


class Record:
    """What a reference says of a case, or nothing where there is none."""

    def __init__(self, reference: dict[str, Any] | None):
        self._reference = reference

    def origin(self) -> dict[str, Any] | None:
        """When and where it was recorded."""
        if self._reference is None:
            return None
        return {key: self._reference[key] for key in ("date", "machine", "options")}

    def standard(self, case: str, what: dict[str, Any], steps: int) -> Standard | None:
        """The recorded losses of a case."""
        found = self._find(case, what)
        if not found or self._reference is None:
            return None
        version = self._reference["machine"]["versions"]["torch"]
        title = f"PyTorch {version}, recorded"
        return Standard.recorded(title, found["losses"], steps)

    def sides(self, case: str, what: dict[str, Any]) -> dict[str, Any]:
        """The recorded sides of a case."""
        return self._find(case, what).get("sides", {})

    def _find(self, case: str, what: dict[str, Any]) -> dict[str, Any]:
        """A case of other data or another length is another case."""
        found = (self._reference or {"cases": {}})["cases"].get(case, {})
        return found if found.get("problem") == what else {}
