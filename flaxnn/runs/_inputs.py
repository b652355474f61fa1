# SPDX-License-Identifier: Apache-2.0
"""Files to predict from: images, tables and arrays, as rows of a run's data."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flaxnn import data
from flaxnn._errors import CorruptDataError
from flaxnn.data._npz import read_npz
from flaxnn.data._optional import require
from flaxnn.runs._nearest import did_you_mean
from flaxnn.runs._read_data import TABLES, header
from flaxnn.runs._trained import TrainedRun

_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
# What people call the inputs, in files that hold several arrays.
_NAMES = ("x", "X", "images", "features", "inputs", "data", "x_test", "X_test")


@dataclass(frozen=True)
class PictureRules:
    """What is done to a picture before it is a row.

    Attributes:
        resize: Whether one of another size is brought to the run's.
        invert: Whether dark becomes light: Fashion-MNIST and MNIST are light on dark.
    """

    resize: bool = False
    invert: bool = False


def read_rows_of(
    path: str | os.PathLike[str], run: TrainedRun, rules: PictureRules
) -> np.ndarray:
    """Returns the rows ``(N, …)`` of a file, as the run's data have them.

    Args:
        path: A picture, a table (.csv, .tsv), an archive (.npz), an array (.npy) or an
            IDX file.
        run: The run, whose data say what a row is.
        rules: For pictures.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is damaged, of another kind, or its rows have another shape.
        MissingPackageError: Pillow is needed and not installed.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in _PICTURES:
        return _picture(path, run, rules)
    if suffix in TABLES:
        x = _table(path, run)
    elif suffix == ".npz":
        x = _archive(path, run)
    elif suffix == ".npy":
        rows = data.from_npy(path)
        x = rows.gather(np.arange(len(rows)))[0]
    elif "idx" in path.name:
        x = data.read_idx(path)
    else:
        raise ValueError(
            f"{path}: cannot tell its format by its name; expected a picture such as "
            ".png, or .csv, .tsv, .npz, .npy, or an IDX file"
        )
    if x.shape == run.row_shape:
        x = x[None]
    if x.shape[1:] != run.row_shape:
        raise ValueError(
            f"{path}: expected rows of shape {run.row_shape}, as the run was trained "
            f"on, got {x.shape[1:]}"
        )
    if not len(x):
        raise ValueError(f"{path}: expected at least one row, got none")
    if np.issubdtype(x.dtype, np.floating) and not np.isfinite(x).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(x))[0])
        raise ValueError(f"{path}: the value at {place} is {x[place]}")
    if run.row_dtype == np.uint8 and x.dtype != np.uint8:
        raise ValueError(
            f"{path}: expected pixels, uint8 from 0 to 255, as the run was trained on, "
            f"got {x.dtype}"
        )
    return x


def _picture(path: Path, run: TrainedRun, rules: PictureRules) -> np.ndarray:
    image = require("PIL.Image", "pillow")
    shape = run.row_shape
    if run.row_dtype != np.uint8 or len(shape) not in (2, 3):
        raise ValueError(
            f"{path}: the run was trained on rows of shape {shape}, {run.row_dtype}, "
            "which are no pixels of pictures; give a .csv, .npz or .npy file"
        )
    try:
        with image.open(path) as opened:
            found = opened.convert("RGBA" if _transparent(opened) else opened.mode)
    except (image.UnidentifiedImageError, SyntaxError, ValueError) as error:
        raise CorruptDataError(f"{path}: expected a picture, got {error}") from error
    except OSError as error:
        if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
            raise
        raise CorruptDataError(f"{path}: the picture is damaged: {error}") from error
    if found.mode == "RGBA":
        # What is transparent is white, as most viewers show it.
        white = image.new("RGBA", found.size, "white")
        found = image.alpha_composite(white, found)
    grey = len(shape) == 2 or shape[0] == 1
    found = found.convert("L" if grey else "RGB")
    height, width = shape[-2:]
    if found.size != (width, height):
        if not rules.resize:
            raise ValueError(
                f"{path}: expected a picture of {width} × {height} pixels, got "
                f"{found.size[0]} × {found.size[1]}; --resize brings it to that size"
            )
        found = found.resize((width, height), image.Resampling.BILINEAR)
    pixels = np.asarray(found, np.uint8)
    if rules.invert:
        pixels = 255 - pixels
    if len(shape) == 3:
        pixels = pixels[None] if grey else np.moveaxis(pixels, -1, 0)
    return pixels.reshape(1, *shape)


def _transparent(image: object) -> bool:
    mode, info = getattr(image, "mode", ""), getattr(image, "info", {})
    return mode in ("LA", "RGBA", "PA") or "transparency" in info


def _table(path: Path, run: TrainedRun) -> np.ndarray:
    config = run.config
    delimiter = config["data.delimiter"] or TABLES[path.suffix.lower()]
    columns: Sequence[str | int] | None = run.manifest.get("columns")
    named = config["data.header"] and columns is not None
    if named:
        there = header(path, delimiter)
        missing = [name for name in columns or () if str(name) not in there]
        if missing and not any(isinstance(name, int) for name in columns or ()):
            raise ValueError(
                f"{path}: the run was trained on a column {missing[0]!r}, which is not "
                f"there; {did_you_mean(str(missing[0]), there)}"
            )
    rows = data.from_csv(
        path,
        None,
        features=columns if named else None,
        header=config["data.header"],
        delimiter=delimiter,
    )
    return rows.arrays[0]


def _archive(path: Path, run: TrainedRun) -> np.ndarray:
    arrays = read_npz(path)
    keys = [*(run.config["data.keys"] or ())[:1], *_NAMES]
    for key in keys:
        if key in arrays:
            return arrays[key]
    fitting = [name for name, x in arrays.items() if x.shape[1:] == run.row_shape]
    if len(arrays) == 1 or len(fitting) == 1:
        return arrays[fitting[0] if fitting else next(iter(arrays))]
    raise ValueError(
        f"{path}: cannot tell which array has the inputs: it has {', '.join(arrays)}; "
        "call it x"
    )
