"""What an entry is: a system of a document and how its figures are made."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load

from flaxnn.reproduce._figure import Figure


@dataclass(frozen=True)
class Settings:
    """What a user chooses for a run.

    Attributes:
        data: Folder with the raw data, or with a folder for each data set; None looks
            where `flaxnn.data.load` looks.
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
        figures: Computes the figures; raises FileNotFoundError where data are missing.
    """

    name: str
    document: str
    title: str
    figures: Callable[[Settings], Iterable[Figure]]


@cache
def document(number: str) -> dict[str, Any]:
    """What a document prints, from the package's own data."""
    text = resources.files("flaxnn.reproduce").joinpath("figures.json").read_text()
    return json.loads(text)[number]


def noise_tolerances(reference: dict[str, np.ndarray]) -> np.ndarray:
    """T2's tolerance at each step of a recorded run: four times its noise floor.

    The floor is at least one unit in the last place of the loss: a float32 loss can
    be no nearer without being equal.
    """
    last_digit = np.maximum.accumulate(np.spacing(np.abs(reference["losses"])))
    return 4 * np.maximum(reference["noise_floor"], last_digit)


@cache
def golden(name: str) -> dict[str, np.ndarray]:
    """A recorded PyTorch run, from the package's own data."""
    path = resources.files("flaxnn.reproduce").joinpath(
        "goldens", f"{name}.safetensors"
    )
    return load(path.read_bytes())
