# SPDX-License-Identifier: Apache-2.0
"""Running entries and summing up."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from flaxnn._errors import (
    CorruptDataError,
    DataNotFoundError,
    MissingPackageError,
)
from flaxnn.reproduce._entry import Entry, Settings
from flaxnn.reproduce._figure import Figure
from flaxnn.reproduce._plot import Plot

# The oracle of every figure that no document prints.
REFERENCE = "PyTorch 2.13.0, CPU"


@dataclass(frozen=True)
class Result:
    """An entry that was run.

    Attributes:
        entry: The entry.
        status: ``"passed"``, ``"failed"``, or ``"skipped"`` where data are missing.
        figures: Its figures; none where skipped.
        seconds: Wall time.
        reason: Why it was skipped, or could not be compared.
        plots: Its pictures, not drawn yet.
    """

    entry: Entry
    status: Literal["passed", "failed", "skipped"]
    figures: tuple[Figure, ...]
    seconds: float
    reason: str = ""
    plots: tuple[Plot, ...] = ()


def run(entries: Iterable[Entry], settings: Settings) -> Iterator[Result]:
    """Yields the result of each entry as soon as it is there.

    Args:
        entries: What to run, from `find`.
        settings: The user's choices.
    """
    for entry in entries:
        started = time.perf_counter()
        try:
            made = tuple(entry.figures(settings))
        except (DataNotFoundError, MissingPackageError) as missing:
            seconds = time.perf_counter() - started
            yield Result(entry, "skipped", (), seconds, str(missing))
            continue
        except CorruptDataError as corrupt:
            seconds = time.perf_counter() - started
            yield Result(entry, "failed", (), seconds, str(corrupt))
            continue
        figures = tuple(part for part in made if isinstance(part, Figure))
        plots = tuple(part for part in made if isinstance(part, Plot))
        status = "passed" if all(figure.passed for figure in figures) else "failed"
        seconds = time.perf_counter() - started
        yield Result(entry, status, figures, seconds, plots=plots)


def summary(results: list[Result]) -> dict[str, Any]:
    """Returns everything about a run as plain values, ready for JSON.

    Args:
        results: The results, from `run`.

    Returns:
        The versions and the platform under ``"environment"``, a list of entries, and
        a list of all figures, each with value, reference, error, tolerance and grade.
    """
    return {
        "environment": environment(),
        "entries": [
            {
                "name": result.entry.name,
                "document": result.entry.document,
                "status": result.status,
                "figures": len(result.figures),
                "seconds": round(result.seconds, 3),
                "reason": result.reason,
            }
            for result in results
        ],
        "figures": [row for result in results for row in rows(result)],
    }


def rows(result: Result) -> list[dict[str, Any]]:
    """Returns an entry's figures as plain values; nan, which JSON has not, is None.

    Args:
        result: The entry's result.
    """
    return [
        {
            key: None if value != value else value
            for key, value in {
                "entry": result.entry.name,
                **asdict(figure),
                "digits": figure.digits,
            }.items()
        }
        for figure in result.figures
    ]


def environment() -> dict[str, str]:
    """The versions and the platform of a run, and what it is compared with."""
    import flax
    import jax
    import numpy
    import optax

    import flaxnn

    device = jax.devices()[0]
    return {
        "flaxnn": flaxnn.__version__,
        "jax": jax.__version__,
        "flax": flax.__version__,
        "optax": optax.__version__,
        "numpy": numpy.__version__,
        "python": platform.python_version(),
        "device": f"{device.platform} ({device.device_kind})",
        "matmul precision": "HIGHEST",
        "reference": REFERENCE,
    }
