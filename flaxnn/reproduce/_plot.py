# SPDX-License-Identifier: Apache-2.0
"""Pictures of an entry, drawn only when somebody wants them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from flaxnn import report

if TYPE_CHECKING:
    from matplotlib import figure


@dataclass(frozen=True)
class Losses:
    """Both sides' losses of a run.

    Attributes:
        ours: ``(N,)`` our loss at every step.
        theirs: PyTorch's: ``(N,)``, or a mapping from the steps that a document prints.
        title: What was run.
        floor: ``(N,)`` the noise floor, or None where it is not known.
        names: What the two sides are called.
    """

    ours: ArrayLike
    theirs: ArrayLike | Mapping[int, float]
    title: str
    floor: ArrayLike | None = None
    names: tuple[str, str] = ("flaxnn", "PyTorch")


@dataclass(frozen=True)
class Plot:
    """A picture that can be drawn.

    Attributes:
        name: Its name, which stays the same from run to run.
        draw: Draws it; raises MissingPackageError where matplotlib is missing.
        losses: What it shows, where that is the losses of both sides: a page draws
            them itself.
    """

    name: str
    draw: Callable[[], figure.Figure]
    losses: Losses | None = None

    @classmethod
    def of_losses(cls, name: str, losses: Losses) -> Plot:
        """The picture of both sides' losses.

        Args:
            name: Its name.
            losses: What it shows.
        """
        draw = partial(
            report.plot_losses,
            losses.ours,
            losses.theirs,
            floor=losses.floor,
            names=losses.names,
            title=losses.title,
        )
        return cls(name, draw, losses)


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
