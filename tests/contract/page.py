# SPDX-License-Identifier: Apache-2.0
"""Writes the page that compares torch.nn with flaxnn, name by name, from the tables.

Run from the root of a checkout; the errors are measured against the goldens, so it
needs no PyTorch. With PyTorch 2.13.0, ``--names`` records anew which names there are:

    python -m tests.contract.page [--names]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import numpy as np

from tests.compiling import as_people_compile
from tests.contract import case as ops
from tests.contract import goldens
from tests.contract import layer as layers
from tests.contract.registry import FAMILIES, LAYERS, OPS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "guide" / "torch-nn.md"
NAMES = Path(__file__).parent / "goldens" / "torch_names.json"
HEADING = """# torch.nn, name by name

Every function, module and initialiser here is in one table of the tests, which holds
it to PyTorch 2.13.0: values, gradients, dtypes, shapes, initial state, printing and
errors. This page is written from that table by `python -m tests.contract.page`.

The errors are the largest that the table's calls show, values and gradients, on one CPU
(x86-64, AVX512): the difference from PyTorch divided by PyTorch's number, or by 1 where
that is larger. T1 is a proof in float64; a line of T0 is exact in both. float32 is held
to a relative 1e-6 for each element, or to a tolerance with the reason beside it in the
table, as measured: above 1e-6 are sums of products in another order, and norms of
numbers far from 0. An initial state that is drawn from a `Generator` is T0 for all
modules, and for all initialisers but the orthogonal one, whose values come from LAPACK.
"""


def main() -> None:
    """Writes the page, or the recorded names."""
    if "--names" in sys.argv:
        NAMES.write_text(json.dumps(torch_names(), indent=1) + "\n", encoding="utf-8")
        return
    as_people_compile()
    PAGE.write_text(page(measured()), encoding="utf-8")


def torch_names() -> dict[str, list[str]]:
    """Returns what PyTorch offers; asks PyTorch itself."""
    import torch

    modules = [
        name
        for name, value in vars(torch.nn).items()
        if isinstance(value, type) and issubclass(value, torch.nn.Module)
    ]
    functions = _functions(torch.nn.functional, "torch", "torch._C._nn", None)
    initializers = _functions(torch.nn.init)
    return {
        "torch": [str(torch.__version__)],
        # In-place forms have no counterpart in JAX; what returns indices too is an
        # option of the function without the ending.
        "torch.nn.functional": [
            name
            for name in functions
            if name[-1:] != "_" and not name.endswith("_with_indices")
        ],
        "torch.nn": sorted({*modules} - {"Container", "Module", "RNNBase"}),
        "torch.nn.init": [name for name in initializers if name[-1:] == "_"],
        "torch.optim": sorted(
            name
            for name, value in vars(torch.optim).items()
            if isinstance(value, type)
            and issubclass(value, torch.optim.Optimizer)
            and value is not torch.optim.Optimizer
        ),
    }


def _functions(module: ModuleType, *homes: str | None) -> list[str]:
    """Names of the functions that a module defines, or has from one of `homes`."""
    return sorted(
        name
        for name, value in vars(module).items()
        if callable(value)
        and not isinstance(value, type)
        and name.islower()
        and not name.startswith(("_", "assert_"))
        and getattr(value, "__module__", None) in (module.__name__, *homes)
    )


def measured() -> dict[str, tuple[float, float]]:
    """Returns the largest float32 and float64 error of every entry, by its name."""
    recorded = goldens.load()
    errors: dict[str, list[float]] = {}
    for dtype in ("float32", "float64"):
        with jax.enable_x64(dtype == "float64"):
            for key, results in _results(np.dtype(dtype)):
                name = key.partition("/")[0]
                found = [
                    _error(array, recorded[f"{key}/{dtype}/{part}"])
                    for part, array in results.items()
                ]
                errors.setdefault(f"{name}/{dtype}", []).extend(found)
    return {
        name: (max(errors[f"{name}/float32"]), max(errors[f"{name}/float64"]))
        for name in {key.partition("/")[0] for key in errors}
    }


def _results(dtype: Any) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    for op in OPS:
        for name, results in ops.evaluate(op, dtype).items():
            yield f"{op.name}/{name}", results
    for layer in LAYERS:
        for case in layer.cases:
            yield f"nn.{layer.name}/{case.name}", layers.evaluate(layer, case, dtype)


def _error(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference, relative to PyTorch's number or to 1."""
    a, b = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    differ = ~((a == b) | (np.isnan(a) & np.isnan(b)))
    if not differ.any():
        return 0.0
    a, b = a[differ], b[differ]
    return float(np.max(np.abs(a - b) / np.maximum(np.abs(b), 1)))


def page(errors: dict[str, tuple[float, float]]) -> str:
    """Returns the page's text."""
    names = json.loads(NAMES.read_text(encoding="utf-8"))
    parts = [HEADING]
    for title, prefix, entries in (
        ("Functions", "flaxnn.functional.", OPS),
        ("Modules", "flaxnn.nn.", LAYERS),
    ):
        key = "" if entries is OPS else "nn."
        parts.append(f"\n## {title}\n\n{_table(prefix, entries, errors, key)}")
    parts.append(f"\n## Initialisers\n\n{_initializers()}")
    parts.append("\n## Missing\n")
    for module in ("torch.nn.functional", "torch.nn", "torch.nn.init"):
        here = counterparts()
        missing = [n for n in names[module] if f"{module}.{n}" not in here]
        parts.append(
            f"\nOf `{module}`: {', '.join(f'`{name}`' for name in missing)}.\n"
            if missing
            else f"\nOf `{module}`: nothing.\n"
        )
    return "".join(parts)


def counterparts() -> set[str]:
    """Returns the PyTorch names that have a counterpart."""
    found = {entry.torch for entry in (*OPS, *LAYERS)}
    for family in FAMILIES.values():
        found |= {entry.torch for entry in getattr(family, "INITIALIZERS", ())}
    return found


def _table(
    prefix: str, entries: Any, errors: dict[str, tuple[float, float]], key: str
) -> str:
    lines = [
        "| flaxnn | PyTorch | grade | float32 | float64 | known differences |",
        "|---|---|---|---|---|---|",
    ]
    for entry in sorted(entries, key=lambda entry: entry.name.lower()):
        single, double = errors[key + entry.name]
        grade = "T1" if single or double else "T0"
        lines.append(
            f"| [`{entry.name}`][{prefix}{entry.name}] | `{entry.torch}` | {grade} | "
            f"{_number(single)} | {_number(double)} | {entry.differences or '—'} |"
        )
    return "\n".join(lines) + "\n"


def _initializers() -> str:
    lines = ["| flaxnn | PyTorch | grade | known differences |", "|---|---|---|---|"]
    for family in FAMILIES.values():
        for entry in getattr(family, "INITIALIZERS", ()):
            grade = "T0" if not entry.atol else f"stream T0, values {entry.atol:.0e}"
            lines.append(
                f"| [`{entry.name}`][flaxnn.init.{entry.name}] | `{entry.torch}` | "
                f"{grade} | {entry.differences or '—'} |"
            )
    return "\n".join(lines) + "\n"


def _number(error: float) -> str:
    return "exact" if error == 0 else f"{error:.0e}"


if __name__ == "__main__":
    main()
