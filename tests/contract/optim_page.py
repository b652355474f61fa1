# SPDX-License-Identifier: Apache-2.0
"""Writes the table of the guide's page of optimisers, name by name, from the table.

Run from the root of a checkout; the errors are measured against the goldens, so it
needs no PyTorch:

    python -m tests.contract.optim_page
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np

from tests.compiling import as_people_compile
from tests.contract import closures, goldens
from tests.contract.optimizer import Optimizer, evaluate, recorded
from tests.contract.page import NAMES, ROOT
from tests.contract.registry import CLOSURE_OPTIMIZERS, OPTIMIZERS

PAGE = ROOT / "docs" / "guide" / "optimizers.md"
MARK = "<!-- python -m tests.contract.optim_page writes what follows -->"

Errors = dict[str, tuple[float, float]]


def main() -> None:
    """Writes what stands behind the mark."""
    as_people_compile()
    text, mark, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    PAGE.write_text(f"{text}{mark}\n\n{table(measured())}", encoding="utf-8")


def measured() -> Errors:
    """Returns the largest float32 and float64 error of every optimiser, by its name."""
    theirs = goldens.load()
    errors: Errors = {
        entry.name: (_worst(entry, "float32", theirs), _worst(entry, "float64", theirs))
        for entry in OPTIMIZERS
    }
    for entry in CLOSURE_OPTIMIZERS:
        errors[entry.name] = 0.0, _worst_again(entry, theirs)
    return errors


def _worst_again(entry: Optimizer, theirs: Mapping[str, np.ndarray]) -> float:
    """The same of losses and parameters, where the objective is evaluated again."""
    found = [0.0]
    for case in entry.cases:
        assert isinstance(case, closures.ClosureCase)
        ours = closures.evaluate(entry, case, "float64")
        key = f"optim.{entry.name}/{case.name}"
        expected = {name: theirs[f"{key}/{name}"] for name in ours}
        found += closures.errors(ours, expected).values()
    return max(found)


def _worst(entry: Optimizer, dtype: str, theirs: Mapping[str, np.ndarray]) -> float:
    """The largest difference of a row of numbers over the row's largest number."""
    found = [0.0]
    for case in entry.cases:
        for name, ours in recorded(evaluate(entry, case, dtype)).items():
            expected = theirs[f"optim.{entry.name}/{case.name}/{dtype}/{name}"]
            differences = np.abs(ours - expected).max(axis=-1, initial=0.0)
            scale = np.abs(expected).max(axis=-1, initial=0.0)
            found += [
                float(d / s) for d, s in zip(differences, scale, strict=True) if d
            ]
    return max(found)


def table(errors: Errors) -> str:
    """Returns the table, and what is missing."""
    lines = [
        "| flaxnn | PyTorch | options tried | grade | float64 | float32 |",
        "|---|---|---|---|---|---|",
    ]
    every = (*OPTIMIZERS, *CLOSURE_OPTIMIZERS)
    for entry in sorted(every, key=lambda entry: entry.name):
        single, double = errors[entry.name]
        grade = "T1" if single or double else "T0"
        # Whole updates are held to PyTorch's noise floor in float32.
        float32 = "T2" if entry in CLOSURE_OPTIMIZERS else _number(single)
        lines.append(
            f"| [`{entry.name}`][flaxnn.optim.{entry.name}] | `{entry.torch}` | "
            f"{len(entry.cases)} | {grade} | {_number(double)} | {float32} |"
        )
    names = json.loads(NAMES.read_text(encoding="utf-8"))["torch.optim"]
    here = {entry.torch for entry in every}
    missing = [f"`{name}`" for name in names if f"torch.optim.{name}" not in here]
    return "\n".join(lines) + f"\n\nMissing of `torch.optim`: {', '.join(missing)}.\n"


def _number(error: float) -> str:
    return "exact" if error == 0 else f"{error:.0e}"


if __name__ == "__main__":
    main()
