# SPDX-License-Identifier: Apache-2.0
"""Data by name or by path: everything that `flaxnn.data` reads."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from flaxnn import data
from flaxnn._errors import DataNotFoundError
from flaxnn.data import Dataset, LazyDataset
from flaxnn.data._image_sets import IMAGE_SETS
from flaxnn.data._npz import read_npz
from flaxnn.runs._config import Config
from flaxnn.runs._data_names import DOCUMENTS, SET_NAMES, find_set
from flaxnn.runs._errors import ConfigError
from flaxnn.runs._nearest import did_you_mean

TABLES = {".csv": ",", ".tsv": "\t"}
# What people call the two arrays of a data set, in files that hold several.
_PAIRS = (
    ("x", "y"),
    ("X", "y"),
    ("images", "labels"),
    ("features", "labels"),
    ("inputs", "targets"),
    ("data", "target"),
)


def has_test_split(config: Config) -> bool:
    """Whether the data have a part of their own to test on."""
    name = config["data.name"]
    if known := find_set(name):
        return known in IMAGE_SETS
    path = Path(name)
    try:
        if path.suffix == ".npz":
            return _test_keys(list(read_npz_names(path))) is not None
        if path.is_dir():
            names = [file.stem for file in path.glob("*.npy")]
            return _test_keys(names) is not None or bool(_idx_pair(path, "test"))
    except (OSError, ValueError):
        pass
    return False


def read_npz_names(path: Path) -> list[str]:
    """The names of the arrays of an archive."""
    return list(read_npz(path))


def read(
    config: Config,
    *,
    split: str | None = None,
    path: str | None = None,
    class_names: Sequence[str] = (),
) -> Dataset | LazyDataset:
    """Returns the rows that a configuration names, the target last.

    Args:
        config: The configuration, of which the table ``data`` counts.
        split: A part of the data other than the configuration's.
        path: Another file, read as the configuration's is.
        class_names: Names of classes that the labels have to agree with.

    Raises:
        ConfigError: Something that reading needs is not given, or there is no such
            data set.
        OSError, ValueError: As `flaxnn.data` raises them.
    """
    name = config["data.name"] if path is None else path
    part = config["data.split"] if split is None else split
    if known := find_set(name):
        return _by_name(known, part, config["data.dir"])
    place = Path(name).expanduser()
    if not place.exists():
        hint = did_you_mean(name, SET_NAMES)
        raise DataNotFoundError(
            f"there is no data set and no file {name!r}; {hint}; or the path of a "
            ".csv, .tsv, .npz, .npy or IDX file, or of a folder"
        )
    names = tuple(config["data.class_names"] or class_names)
    if place.is_dir():
        return _folder(config, place, part)
    if place.suffix in TABLES:
        return _table(config, place, names)
    if place.suffix == ".npz":
        return data.from_npz(place, _keys(config, read_npz_names(place), part, place))
    if place.suffix == ".npy":
        if config["data.labels"] is None:
            raise ConfigError(
                f"data.labels: {place} has the inputs; name the .npy file of labels"
            )
        return _in_memory(config, data.from_npy(place, config["data.labels"]), place)
    if "idx" in place.name:
        if config["data.labels"] is None:
            raise ConfigError(
                f"data.labels: {place} has the images; name the IDX file of labels"
            )
        return _idx(place, Path(config["data.labels"]))
    raise ConfigError(
        f"data.name: cannot tell the format of {place} by its name; expected .csv, "
        ".tsv, .npz, .npy, an IDX file such as train-images-idx3-ubyte.gz, or a "
        "folder"
    )


def feature_columns(config: Config) -> list[str | int] | None:
    """The columns of features of a table, None where the data are no table."""
    if config["data.features"] is not None:
        return list(config["data.features"])
    path = Path(config["data.name"])
    if path.suffix not in TABLES or not config["data.header"]:
        return None
    delimiter = config["data.delimiter"] or TABLES[path.suffix]
    names = header(path, delimiter)
    target = config["data.target"]
    label = names[target] if isinstance(target, int) else target
    return [name for name in names if name != label]


def header(path: Path, delimiter: str) -> list[str]:
    """The names in the first row of a table."""
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        return [
            name.strip() for name in next(csv.reader(file, delimiter=delimiter), [])
        ]


def _by_name(name: str, split: str, folder: str | None) -> Dataset:
    if name in DOCUMENTS:
        return Dataset(DOCUMENTS[name](), name=name, source="flaxnn.data.documents")
    if folder is None:
        return data.load(name, split)
    if name in IMAGE_SETS and any(Path(folder).glob("*images-idx3-ubyte*")):
        return data.load(name, split, raw_dir=folder)
    # Who names a folder has the data there.
    return data.load(name, split, data_dir=folder, download=False)


def _table(config: Config, path: Path, names: Sequence[str]) -> Dataset:
    delimiter = config["data.delimiter"] or TABLES[path.suffix]
    target = config["data.target"]
    if target is None:
        columns = ""
        if config["data.header"]:
            columns = ": " + ", ".join(header(path, delimiter))
        raise ConfigError(
            "data.target: a table needs the column of its labels; give one of "
            f"{path}'s with --target{columns}"
        )
    return data.from_csv(
        path,
        target,
        features=config["data.features"],
        class_names=names or None,
        header=config["data.header"],
        delimiter=delimiter,
    )


def _keys(
    config: Config, names: Sequence[str], split: str, place: Path
) -> tuple[str, ...]:
    """Which of several arrays are meant, the target last."""
    if config["data.keys"] is not None:
        return tuple(config["data.keys"])
    if split == "test":
        if (keys := _test_keys(names)) is None:
            raise ConfigError(
                f"data.split: {place} has no arrays of a test split, such as x_test"
            )
        return keys
    for pair in _PAIRS:
        for keys in (pair, tuple(f"{key}_train" for key in pair)):
            if all(key in names for key in keys):
                return keys
    if len(names) == 2:
        return tuple(names)
    raise ConfigError(
        f"data.keys: cannot tell which arrays of {place} are the inputs and which "
        f"the labels: it has {', '.join(names)}; name them, the labels last"
    )


def _test_keys(names: Sequence[str]) -> tuple[str, ...] | None:
    wanted = (tuple(f"{key}_test" for key in pair) for pair in _PAIRS)
    return next((keys for keys in wanted if all(k in names for k in keys)), None)


def _folder(config: Config, folder: Path, split: str) -> Dataset | LazyDataset:
    if pair := _idx_pair(folder, split):
        return _idx(*pair)
    names = sorted(file.stem for file in folder.glob("*.npy"))
    if not names:
        raise DataNotFoundError(
            f"{folder} has neither .npy files, such as x.npy and y.npy, nor IDX files "
            "such as train-images-idx3-ubyte and train-labels-idx1-ubyte"
        )
    keys = _keys(config, names, split, folder)
    if missing := [key for key in keys if key not in names]:
        raise ConfigError(
            f"data.keys: {folder} has no {missing[0]}.npy; "
            + did_you_mean(missing[0], names)
        )
    files = [folder / f"{key}.npy" for key in keys]
    return _in_memory(config, data.from_npy(*files), folder)


def _in_memory(config: Config, rows: LazyDataset, path: Path) -> Dataset | LazyDataset:
    """The rows as arrays, unless they are to be left on disk."""
    if config["stream"]:
        return rows
    arrays = rows.gather(np.arange(len(rows)))
    return Dataset(arrays, name=path.stem, source=str(path))


def _idx_pair(folder: Path, split: str) -> tuple[Path, Path] | None:
    stem = {"train": "train", "test": "t10k"}.get(split, split)
    found = []
    for part in ("images-idx3-ubyte", "labels-idx1-ubyte"):
        files = [folder / f"{stem}-{part}{suffix}" for suffix in ("", ".gz")]
        found += [file for file in files if file.is_file()][:1]
    return (found[0], found[1]) if len(found) == 2 else None


def _idx(images: Path, labels: Path) -> Dataset:
    arrays: tuple[Any, Any] = data.read_idx(images), data.read_idx(labels)
    return Dataset(arrays, name=images.stem, source=str(images))
