# SPDX-License-Identifier: Apache-2.0
"""Pictures of a run: its curves, its mistakes, some of its predictions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flaxnn import report
from flaxnn.data import Dataset
from flaxnn.runs._trained import TrainedRun, Which

if TYPE_CHECKING:
    from collections.abc import Callable

# A matrix of more classes cannot be read.
_CLASSES = 50
# Images in the picture of predictions.
_SHOWN = 15


def write_plots(
    run: TrainedRun,
    folder: Path,
    rows: Dataset,
    which: str,
    *,
    checkpoint: Which = "last",
    history: bool = True,
) -> list[Path]:
    """Draws pictures of a run into a folder, as PNG; returns the files.

    Args:
        run: The run.
        folder: It is made.
        rows: What it is judged by, from `TrainedRun.rows`.
        which: What these rows are called.
        checkpoint: As for `TrainedRun.model`.
        history: Whether the curves are among them.

    Raises:
        MissingPackageError: matplotlib is not installed.
        OSError: The folder cannot be made or written.
    """
    report.require_matplotlib()
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, draw in _pictures(run, rows, which, checkpoint, history):
        path = folder / f"{name}.png"
        draw().savefig(path)
        written.append(path)
    return written


def _pictures(
    run: TrainedRun, rows: Dataset, which: str, checkpoint: Which, history: bool
) -> Iterator[tuple[str, Callable[[], Any]]]:
    title = f"{run.config['model.name'].rpartition('/')[2]}, {rows_title(run)}"
    values = run.history()
    if history and len(values.get("loss", ())):
        draw = partial(report.plot_history, values, run.evaluations(), title=title)
        yield "history", draw
    if not run.classifies:
        return
    x, labels = rows.arrays
    labels = np.asarray(labels).reshape(len(labels), -1)
    if labels.shape[1] != 1:
        return
    labels = labels[:, 0].astype(np.int64)
    probabilities, _ = run.probabilities(run.outputs(x, checkpoint=checkpoint))
    if probabilities.ndim != 2 or probabilities.shape[1] > _CLASSES:
        return
    names = run.class_names or None
    yield (
        "confusion-matrix",
        partial(
            report.plot_confusion_matrix,
            labels,
            probabilities.argmax(axis=1),
            class_names=names,
            title=f"{title}: {len(x):,} rows ({which})",
        ),
    )
    shape = run.row_shape
    if run.row_dtype == np.uint8 and (len(shape) == 2 or shape[0] == 1):
        yield (
            "predictions",
            partial(
                report.plot_predictions,
                x[:_SHOWN].reshape(-1, *shape[-2:]),
                probabilities[:_SHOWN],
                labels[:_SHOWN],
                class_names=names,
                title=f"{title}: the first {min(_SHOWN, len(x))} images ({which})",
            ),
        )


def rows_title(run: TrainedRun) -> str:
    """What a run's data are called in a heading."""
    return Path(run.config["data.name"]).name
