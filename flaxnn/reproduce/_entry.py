# SPDX-License-Identifier: Apache-2.0
"""What an entry is: a system of a document and how its figures are made."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from flaxnn.reproduce._figure import Figure
from flaxnn.reproduce._plot import Plot


@dataclass(frozen=True)
class Settings:
    """What a user chooses for a run.

    Attributes:
        data: Folder with the raw data, or with a folder for each data set; None looks
            where `flaxnn.data.load` looks, and downloads as it does.
        progress: Whether training runs show their own bar; None does on a terminal.
    """

    data: Path | None = None
    progress: bool | None = None


@dataclass(frozen=True)
class Entry:
    """A system of a document.

    Attributes:
        name: What the command line calls it.
        document: The document's number.
        title: What it is, in a few words.
        figures: Computes the figures, and between them gives plots that can be drawn;
            raises DataNotFoundError or MissingPackageError where it cannot.
    """

    name: str
    document: str
    title: str
    figures: Callable[[Settings], Iterable[Figure | Plot]]


@cache
def document(number: str) -> dict[str, Any]:
    """What a document prints, from the package's own data."""
    text = resources.files("flaxnn.reproduce").joinpath("figures.json").read_text()
    return json.loads(text)[number]
