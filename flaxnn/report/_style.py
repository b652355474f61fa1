# SPDX-License-Identifier: Apache-2.0
"""One look for every picture, without a change to matplotlib's own settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flaxnn._errors import MissingPackageError
from flaxnn.report._text_fit import fit_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which people with any colour vision can tell apart.
OURS = "#0072B2"
THEIRS = "#E69F00"
WRONG = "#D55E00"
CLASSES = ("#E69F00", "#0072B2")
INK = "#262626"
MUTED = "#6b6b6b"
FAINT = "#e4e4e4"

WIDTH = 7.2  # inches: a notebook's column at 100 pixels per inch
LETTERS, SMALL = 9.5, 8.5  # points

TITLE_EDGE = 0.1  # inches to its left and above it
_TITLE_SIZE = 11.0

_SCREEN_DPI = 100
_FILE_DPI = 160

_STYLE = {
    "figure.dpi": _SCREEN_DPI,
    "savefig.dpi": _FILE_DPI,
    "figure.constrained_layout.w_pad": 0.1,
    "figure.constrained_layout.h_pad": 0.06,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib
    "font.size": LETTERS,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#9a9a9a",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.7,
    "xtick.color": "#9a9a9a",
    "ytick.color": "#9a9a9a",
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.frameon": False,
    "legend.fontsize": SMALL,
    "legend.handlelength": 1.6,
    "legend.borderaxespad": 0.3,
    "legend.columnspacing": 1.4,
    "svg.hashsalt": "flaxnn",
    "svg.fonttype": "path",
}

# What a file would otherwise say about the time it was written.
_UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


def require_matplotlib() -> None:
    """Raises an error that says what to install, where pictures cannot be drawn.

    Raises:
        MissingPackageError: matplotlib cannot be imported.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise MissingPackageError(
            f"pictures need matplotlib, which could not be imported ({error}); "
            'install it with pip install "flaxnn[plots]"'
        ) from error


@contextmanager
def styled() -> Iterator[None]:
    """Draws in our style, from matplotlib's defaults; the user's settings come back.

    Raises:
        MissingPackageError: matplotlib is not installed.
    """
    require_matplotlib()
    from matplotlib import style

    with style.context(["default", _STYLE]):
        yield


@cache
def _figure_class() -> type[Figure]:
    from matplotlib.figure import Figure

    class Picture(Figure):
        """A figure of its own, known to no pyplot, that notebooks show.

        Equal pictures give equal files, byte for byte.
        """

        def savefig(self, fname: Any, *, transparent: Any = None, **kwargs: Any) -> Any:
            """Writes the figure; as matplotlib's, without the time of writing."""
            suffix = Path(fname).suffix[1:] if isinstance(fname, (str, Path)) else ""
            kind = (kwargs.get("format") or suffix or "png").lower()
            metadata = _UNDATED.get(kind, {}) | (kwargs.pop("metadata", None) or {})
            kwargs["metadata"] = metadata or None
            with styled():
                return super().savefig(fname, transparent=transparent, **kwargs)

        def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
            """What IPython shows: twice as many pixels as the space it takes."""
            file = BytesIO()
            self.savefig(file, dpi=2 * _SCREEN_DPI)
            width, height = (round(_SCREEN_DPI * inch) for inch in self.bbox_inches.max)
            return file.getvalue(), {"width": width, "height": height}

    return Picture


def new_figure(height: float, *, width: float = WIDTH, **options: Any) -> Figure:
    """Returns an empty figure of so many inches; call it inside `styled`."""
    return _figure_class()(figsize=(width, height), **options)


def put_title(figure: Figure, title: str | None) -> None:
    """Puts a title at the top left; a constrained layout makes room for it."""
    width, height = figure.get_size_inches()
    # A layout engine places what has no place of its own.
    free = {} if figure.get_layout_engine() else {"y": 1 - TITLE_EDGE / height}
    figure.suptitle(
        _title(title, width),
        x=TITLE_EDGE / width,
        ha="left",
        va="top",
        size=_TITLE_SIZE,
        weight="bold",
        parse_math=False,
        **free,
    )


def title_height(title: str | None, width: float) -> float:
    """The inches that a title takes in a figure of some width."""
    lines = len(_title(title, width).splitlines())
    return TITLE_EDGE + 1.2 * _TITLE_SIZE / 72 * lines if lines else 0.0


def _title(title: str | None, width: float) -> str:
    room = 72 * (width - 2 * TITLE_EDGE)
    return fit_text(title or "", room, size=_TITLE_SIZE, bold=True, lines=3)


def legend_above(axes: Axes) -> None:
    """Puts the axes' legend in one row above them, where it covers nothing."""
    count = len(axes.get_legend_handles_labels()[1])
    if count:
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=count)


def step_axis(axes: Axes) -> None:
    """Makes the horizontal axis one of steps, whole numbers."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_xlabel("step")
    axes.xaxis.set_major_locator(
        MaxNLocator(steps=[1, 2, 5, 10], integer=True, min_n_ticks=1)
    )
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
