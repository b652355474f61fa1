# SPDX-License-Identifier: Apache-2.0
"""What a run predicts of files, as rows for people and as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from flaxnn.runs._inputs import PictureRules, read_rows_of
from flaxnn.runs._trained import TrainedRun, Which


@dataclass(frozen=True)
class Predictions:
    """What a run predicts.

    Attributes:
        rows: For each row of an input its file, its number, and what is predicted.
        faults: For each bad input its file and what is wrong with it.
        how: How probabilities were come by; empty where there are none.
        arrays: The outputs, and probabilities and labels where there are some.
    """

    rows: list[dict[str, Any]]
    faults: list[dict[str, str]]
    how: str = ""
    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The predictions for JSON."""
        return {
            "probabilities": self.how or None,
            "predictions": self.rows,
            "errors": self.faults,
        }


def predictions(
    run: TrainedRun,
    paths: Sequence[Path],
    *,
    rules: PictureRules,
    top: int,
    checkpoint: Which = "last",
) -> Predictions:
    """Returns what a run predicts of files; a bad one does not keep others from it.

    Args:
        run: The run.
        paths: Files as `read_rows_of` reads them.
        rules: For pictures.
        top: How many classes a row has.
        checkpoint: As for `TrainedRun.model`.

    Raises:
        CheckpointError: There is no such checkpoint.
    """
    read, faults = [], []
    for path in paths:
        try:
            read.append((path, read_rows_of(path, run, rules)))
        except (OSError, ValueError, ImportError) as error:
            said = getattr(error, "strerror", None) or str(error)
            said = said if str(path) in said else f"{path}: {said}"
            faults.append({"input": str(path), "error": said})
    if not read:
        return Predictions([], faults)
    outputs = run.predict(np.concatenate([x for _, x in read]), checkpoint=checkpoint)
    places = [(str(path), number) for path, x in read for number in range(len(x))]
    if not run.classifies:
        rows = [
            {"input": path, "row": number, **_values(output)}
            for (path, number), output in zip(places, outputs, strict=True)
        ]
        return Predictions(rows, faults, "", {"outputs": outputs})
    probabilities, how = run.probabilities(outputs)
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    rows = [
        {"input": path, "row": number, **_classes(run, order[i], probabilities[i])}
        for i, (path, number) in enumerate(places)
    ]
    arrays = {"outputs": outputs, "probabilities": probabilities, "labels": order[:, 0]}
    return Predictions(rows, faults, how, arrays)


def _values(output: np.ndarray) -> dict[str, float]:
    flat = np.asarray(output, np.float64).ravel().tolist()
    if len(flat) == 1:
        return {"value": flat[0]}
    return {f"value_{number}": value for number, value in enumerate(flat)}


def _classes(
    run: TrainedRun, labels: np.ndarray, probabilities: np.ndarray
) -> dict[str, Any]:
    """The best classes: the first without a number behind its names."""
    found: dict[str, Any] = {}
    for place, label in enumerate(labels.tolist(), start=1):
        end = "" if place == 1 else f"_{place}"
        if run.class_names and label < len(run.class_names):
            found[f"class{end}"] = run.class_names[label]
        found[f"label{end}"] = label
        found[f"probability{end}"] = float(probabilities[label])
    return found
