# SPDX-License-Identifier: Apache-2.0
"""What a sweep returns."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import optax

from flaxnn import interop, report
from flaxnn.sweeps._groups import Lane
from flaxnn.sweeps._table import frame_of, written
from flaxnn.training import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Mode = Literal["min", "max"]
Records = list[dict[str, Any]]


@dataclass(frozen=True, repr=False)
class Sweep(Sequence[Run[Any]]):
    """The runs of a sweep, their table and their histories.

    It is the sequence of its runs: ``sweep[k]`` is the `flaxnn.training.Run` of lane
    ``k``, from which `flaxnn.fit` goes on with ``sweep.optimizer(k)``.

    Attributes:
        runs: A run for each lane.
        history: ``(steps, lanes, …)`` for each name of the runs' history.
        evaluations: ``(times, lanes, …)`` for each metric of the validation and its
            loss; ``"epoch"`` and ``"step"``, ``(times,)``, say when.
        groups: The lanes of each group that ran side by side, one group after the
            other.
        programs: How many different programs there were.
        lanes: Seed, hyper-parameters, optimiser and schedule of each lane.
    """

    runs: tuple[Run[Any], ...]
    history: dict[str, np.ndarray]
    evaluations: dict[str, np.ndarray]
    groups: tuple[tuple[int, ...], ...]
    programs: int
    lanes: tuple[Lane, ...]

    def __len__(self) -> int:
        return len(self.runs)

    def __getitem__(self, k: Any) -> Any:
        return self.runs[k]

    def run(self, k: int) -> Run[Any]:
        """Returns the run of a lane.

        Args:
            k: The lane.
        """
        return self.runs[k]

    def model(self, k: int) -> Any:
        """Returns the trained model of a lane.

        Args:
            k: The lane.
        """
        return self.runs[k].model

    def optimizer(self, k: int) -> optax.GradientTransformation:
        """Returns the optimiser of a lane, to go on with.

        Args:
            k: The lane.
        """
        return self.lanes[k].optimizer

    @cached_property
    def nonfinite(self) -> dict[int, int]:
        """The lanes whose loss was nan or infinite, each with the first such step."""
        bad = ~np.isfinite(self.history["loss"])
        return {
            int(k): int(bad[:, k].argmax()) for k in np.flatnonzero(bad.any(axis=0))
        }

    @cached_property
    def records(self) -> Records:
        """A dictionary for each lane: the rows of `table`.

        ``"seed"``, the hyper-parameters, ``"status"`` ("ok" or "non-finite at step
        k"), the last ``"loss"`` and training metrics, and the last of each metric of
        the validation as ``"val_loss"`` and so on.
        """
        rows = []
        for k, lane in enumerate(self.lanes):
            step = self.nonfinite.get(k)
            status = "ok" if step is None else f"non-finite at step {step}"
            row = {"seed": lane.seed, **lane.configuration, "status": status}
            for name, values in self._series().items():
                row.setdefault(name, float(values[-1, k]) if len(values) else np.nan)
            rows.append(row)
        return rows

    def _series(self) -> dict[str, np.ndarray]:
        """What has one number for each lane at each time, the loss first."""
        found = {
            name: values
            for name, values in self.history.items()
            if values.ndim == 2 and name != "lr"
        }
        found |= {
            f"val_{name}": values
            for name, values in self.evaluations.items()
            if values.ndim == 2
        }
        return found

    @property
    def table(self) -> Any:
        """The records as a pandas DataFrame, or a `Table` without pandas."""
        return frame_of(self.records)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Writes the table as comma-separated values, with a first line of names.

        Args:
            path: The file.
        """
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            rows = csv.DictWriter(file, list(self.records[0]))
            rows.writeheader()
            rows.writerows(self.records)

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Returns the records as JSON, and writes it where a file is named.

        A number that is not finite is ``null``; what JSON has not is a string.

        Args:
            path: The file.
        """
        rows = [{n: _for_json(v) for n, v in row.items()} for row in self.records]
        text = json.dumps(rows, indent=1, default=str)
        if path is not None:
            Path(path).write_text(text + "\n", encoding="utf-8")
        return text

    def best(self, column: str = "loss", mode: Mode = "min") -> int:
        """Returns the lane whose value is best, the first of equal ones.

        Lanes that are not finite are left out.

        Args:
            column: A column of the table.
            mode: Whether the smallest or the largest is best.

        Raises:
            KeyError: There is no such column.
            ValueError: No lane is finite, or ``mode`` is another.
        """
        if mode not in ("min", "max"):
            raise ValueError(f"mode must be 'min' or 'max', got {mode!r}")
        values = np.array(self._column(column), np.float64)
        good = np.isfinite(values)
        good[list(self.nonfinite)] = False
        if not good.any():
            raise ValueError(f"no lane is finite in {column!r}")
        worst = np.inf if mode == "min" else -np.inf
        ranked = np.where(good, values, worst)
        return int(ranked.argmin() if mode == "min" else ranked.argmax())

    def _column(self, name: str) -> list[Any]:
        if name not in self.records[0]:
            raise KeyError(
                f"there is no column {name!r}; there are {', '.join(self.records[0])}"
            )
        return [record[name] for record in self.records]

    def select(self, **values: Any) -> Sweep:
        """Returns the lanes that have these values, as a sweep of their own.

        Args:
            **values: For columns of the table the value, or a list of values, that
                lanes have to have, such as ``lr=0.1, seed=range(8)``.

        Raises:
            KeyError: There is no such column.
            ValueError: No lane has them.
        """
        chosen = list(range(len(self)))
        for name, wanted in values.items():
            column = self._column(name)
            among = list(wanted) if isinstance(wanted, list | range) else [wanted]
            chosen = [k for k in chosen if column[k] in among]
        if not chosen:
            told = ", ".join(f"{name}={value!r}" for name, value in values.items())
            raise ValueError(f"no lane has {told}")
        return self._of(chosen)

    def _of(self, lanes: Sequence[int]) -> Sweep:
        at = {lane: k for k, lane in enumerate(lanes)}
        groups = (tuple(at[k] for k in group if k in at) for group in self.groups)
        return replace(
            self,
            runs=tuple(self.runs[k] for k in lanes),
            history={name: array[:, lanes] for name, array in self.history.items()},
            evaluations={
                name: array if array.ndim == 1 else array[:, lanes]
                for name, array in self.evaluations.items()
            },
            groups=tuple(group for group in groups if group),
            lanes=tuple(self.lanes[k] for k in lanes),
        )

    def save_checkpoint(
        self,
        k: int,
        path: str | os.PathLike[str],
        rest: Mapping[str, Any] | None = None,
    ) -> None:
        """Writes a lane's whole state to a file from which PyTorch goes on.

        Args:
            k: The lane.
            path: The file, ``.pt`` or ``.pth``; see `flaxnn.interop.save_checkpoint`.
            rest: Further entries.

        Raises:
            ValueError: The suffix is another, or the optimiser is not one of
                `flaxnn.optim`.

        Torch:
            ``torch.load(path)`` has ``model``, ``optimizer``, ``generators`` and the
            others, 2.13.0, T0.
        """
        run, lane = self.runs[k], self.lanes[k]
        interop.save_checkpoint(
            path,
            run.model,
            run.state,
            lane.optimizer,
            schedule=lane.schedule,
            rest=rest,
        )

    def plot_curves(
        self, by: str | None = None, *, value: str = "loss", title: str | None = None
    ) -> Figure:
        """Returns a picture of a history: a median and two bands for each group.

        Args:
            by: The column whose values are the groups, such as ``"lr"``; all lanes
                together when None.
            value: What is drawn: ``"loss"``, a training metric, or a metric of the
                validation as ``"val_loss"``.
            title: A heading.

        Raises:
            KeyError: There is no such column or history.
            MissingPackageError: matplotlib is not installed.
        """
        series = self._series()
        if value not in series:
            raise KeyError(
                f"there is no history {value!r}; there are {', '.join(series)}"
            )
        groups: dict[str, list[int]] = {}
        for k in range(len(self)):
            key = "all" if by is None else f"{by} = {written(self._column(by)[k])}"
            groups.setdefault(key, []).append(k)
        steps = self.evaluations["step"] if value.startswith("val_") else None
        curves = {key: series[value][:, lanes] for key, lanes in groups.items()}
        return report.plot_bands(curves, steps=steps, label=value, title=title)

    def plot_heat_map(
        self,
        rows: str,
        columns: str,
        *,
        value: str = "loss",
        reduce: Literal["median", "mean", "min", "max"] = "median",
        title: str | None = None,
    ) -> Figure:
        """Returns a picture of a value over two hyper-parameters.

        Args:
            rows: The column of the table whose values are the rows.
            columns: The column whose values are the columns.
            value: The column that is drawn.
            reduce: What the lanes of a cell are told by; those that are not finite
                are left out.
            title: A heading.

        Raises:
            KeyError: There is no such column.
            MissingPackageError: matplotlib is not installed.
        """
        down, across = (list(dict.fromkeys(self._column(n))) for n in (rows, columns))
        values = np.array(self._column(value), np.float64)
        values[list(self.nonfinite)] = np.nan
        matrix = np.full((len(down), len(across)), np.nan)
        places = list(zip(self._column(rows), self._column(columns), strict=True))
        for i, row in enumerate(down):
            for j, column in enumerate(across):
                here = values[[place == (row, column) for place in places]]
                here = here[np.isfinite(here)]
                if len(here):
                    matrix[i, j] = getattr(np, reduce)(here)
        return report.plot_parameter_map(
            matrix,
            names=([*map(written, down)], [*map(written, across)]),
            labels=(rows, columns),
            unit=value if len(places) == matrix.size else f"{value}, {reduce}",
            title=title,
        )

    def __repr__(self) -> str:
        seeds = len({lane.seed for lane in self.lanes})
        steps = len(self.history["loss"])
        counted = [
            f"{_count(len(self), 'run')} of {_count(steps, 'step')}",
            _count(seeds, "seed"),
            _count(self.programs, "program"),
            _groups_told(self.groups),
        ]
        lines = [f"Sweep: {', '.join(counted)}"]
        for name in self.lanes[0].configuration:
            values = list(dict.fromkeys(map(written, self._column(name))))
            told = ", ".join(
                values if len(values) <= 8 else [*values[:6], "…", values[-1]]
            )
            lines.append(f"    {name}: {told}")
        for name in self._series():
            numbers = np.array(self._column(name), np.float64)
            finite = numbers[np.isfinite(numbers)]
            if len(finite):
                lines.append(
                    f"    {name}: {finite.min():.6g} to {finite.max():.6g}, median "
                    f"{np.median(finite):.6g}"
                )
        if self.nonfinite:
            first = list(self.nonfinite.items())[:3]
            told = "; ".join(f"lane {k} from step {step}" for k, step in first)
            more = len(self.nonfinite) - len(first)
            lines.append(
                f"    not finite: {len(self.nonfinite)} of {len(self)} ({told}"
                + (f"; and {more} more)" if more else ")")
            )
        return "\n".join(lines)


def _for_json(value: Any) -> Any:
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _groups_told(groups: Sequence[Sequence[int]]) -> str:
    if len(groups) == 1:
        return "all side by side"
    return f"in {len(groups)} groups of up to {max(map(len, groups)):,}"
