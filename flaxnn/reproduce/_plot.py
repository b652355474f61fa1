"""Pictures of an entry, drawn only when somebody wants them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flaxnn import report

if TYPE_CHECKING:
    from matplotlib import figure


@dataclass(frozen=True)
class Plot:
    """A picture that can be drawn.

    Attributes:
        name: Its name, which stays the same from run to run.
        draw: Draws it; raises MissingPackageError where matplotlib is missing.
    """

    name: str
    draw: Callable[[], figure.Figure]


def prepare_plots(folder: Path) -> None:
    """Makes a folder for pictures, so that what is missing shows before a long run.

    Args:
        folder: The folder; its parents are made too.

    Raises:
        MissingPackageError: matplotlib is not installed.
        OSError: The folder cannot be made, or not written to.
    """
    report.require_matplotlib()
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file, expected a folder")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def write_plots(plots: Iterable[Plot], folder: Path) -> list[Path]:
    """Draws pictures into a folder, each as a PNG file of its name.

    Args:
        plots: What to draw, such as ``result.plots``.
        folder: A folder that is there.

    Returns:
        The files.
    """
    written = []
    for plot in plots:
        path = folder / f"{plot.name}.png"
        plot.draw().savefig(path)
        written.append(path)
    return written
