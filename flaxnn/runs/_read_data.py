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


# Which keys are for some kinds of data only, and for which.
_OF_KINDS = {
    "data.target": "tables",
    "data.features": "tables",
    "data.delimiter": "tables",
    "data.header": "tables",
    "data.keys": "archives and folders",
    "data.labels": "files of inputs alone",
}


def split_names(config: Config, path: str | None = None) -> tuple[str, ...]:
    """The parts that data have: all of them "train", where they are one whole.

    Args:
        config: The configuration.
        path: Other data, read as the configuration's are.
    """
    name = config["data.name"] if path is None else path
    if known := find_set(name):
        if known in DOCUMENTS:
            return ("train",)
        return ("train", "test" if known in IMAGE_SETS else "all")
    place = Path(name).expanduser()
    names: list[str] = []
    if place.suffix == ".npz":
        names = read_npz_names(place)
    elif place.is_dir():
        stems = [file.name.split("-")[0] for file in place.glob("*-images-idx3-ubyte*")]
        if stems:
            called = [{"t10k": "test"}.get(stem, stem) for stem in sorted(set(stems))]
            return tuple(sorted(called, key=lambda each: each != "train"))
        names = [file.stem for file in place.glob("*.npy")]
    # Arrays that are named are those of all parts.
    tested = config["data.keys"] is None and _test_keys(names) is not None
    return ("train", "test") if tested else ("train",)


def has_test_split(config: Config) -> bool:
    """Whether the data have a part of their own to test on."""
    try:
        return "test" in split_names(config)
    except (OSError, ValueError):
        return False


def read_npz_names(path: Path) -> list[str]:
    """The names of the arrays of an archive."""
    return list(read_npz(path))


def read(
    config: Config,
    *,
    split: str | None = None,
    path: str | None = None,
    class_names: Sequence[str] | None = None,
    columns: Sequence[str | int] | None = None,
) -> Dataset | LazyDataset:
    """Returns the rows that a configuration names, the target last.

    Args:
        config: The configuration, of which the table ``data`` counts.
        split: A part of the data other than the configuration's.
        path: Another file, read as the configuration's is.
        class_names: Names of classes that the labels have to agree with; none where
            they have to be numbers. None finds them.
        columns: The columns of features that a table has to have, in this order.

    Raises:
        ConfigError: Something that reading needs is not given, or there is no such
            data set.
        OSError, ValueError: As `flaxnn.data` raises them.
    """
    name = config["data.name"] if path is None else path
    part = config["data.split"] if split is None else split
    if known := find_set(name):
        _check_keys(config, path, "a data set", ())
        if known in DOCUMENTS:
            _check_split(config, path, split, known)
        return _by_name(known, part, config["data.dir"])
    place = Path(name).expanduser()
    if not place.exists():
        hint = did_you_mean(name, SET_NAMES)
        raise DataNotFoundError(
            f"there is no data set and no file {name!r}; {hint}; or the path of a "
            ".csv, .tsv, .npz, .npy or IDX file, or of a folder"
        )
    if place.is_dir():
        _check_keys(config, path, "a folder", ("data.keys",))
        _check_split(config, path, split, place)
        return _folder(config, place, part)
    if place.suffix in TABLES:
        ours = [key for key, kind in _OF_KINDS.items() if kind == "tables"]
        _check_keys(config, path, "a table", ours)
        _check_split(config, path, split, place)
        return _table(config, place, class_names, columns)
    if place.suffix == ".npz":
        _check_keys(config, path, "an archive", ("data.keys",))
        _check_split(config, path, split, place)
        return data.from_npz(place, _keys(config, read_npz_names(place), part, place))
    if place.suffix == ".npy" or "idx" in place.name:
        _check_keys(config, path, "one array", ("data.labels",))
        _check_split(config, path, split, place)
        labels = _labels(config, path, place)
        if place.suffix == ".npy":
            return _in_memory(config, data.from_npy(place, labels), place)
        return _idx(place, Path(labels))
    raise ConfigError(
        f"data.name: cannot tell the format of {place} by its name; expected .csv, "
        ".tsv, .npz, .npy, an IDX file such as train-images-idx3-ubyte.gz, or a "
        "folder"
    )


def _check_keys(
    config: Config, path: str | None, kind: str, ours: Sequence[str]
) -> None:
    """Refuses keys that the configuration's data have no use for."""
    if path is not None:
        return
    # As of a table whose first row has no names.
    unused = [key for key in _OF_KINDS if key not in ours and key in config.values]
    if unused:
        raise ConfigError(
            [
                f"{key}: it is for {_OF_KINDS[key]}; {config['data.name']} is {kind}"
                for key in unused
            ]
        )


def _check_split(
    config: Config, path: str | None, split: str | None, name: Any
) -> None:
    part = config["data.split"] if split is None else split
    known = split_names(config, path)
    if part not in known:
        key = "data.split: " if split is None else ""
        raise ConfigError(
            f"{key}{name} has no split {part!r}; {did_you_mean(part, known)}"
        )


def _labels(config: Config, path: str | None, place: Path) -> str:
    """The file of the labels of one array."""
    labels = config["data.labels"]
    if labels is None:
        raise ConfigError(
            f"data.labels: {place} has the inputs; name the file of their labels"
        )
    if path is not None and place.absolute() != Path(config["data.name"]).absolute():
        raise ConfigError(
            f"data.labels: {labels} has the labels of {config['data.name']}, not of "
            f"{place}; put both arrays into one .npz file, or into a folder"
        )
    return labels


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


def _table(
    config: Config,
    path: Path,
    names: Sequence[str] | None,
    columns: Sequence[str | int] | None,
) -> Dataset:
    delimiter = config["data.delimiter"] or TABLES[path.suffix]
    target = config["data.target"]
    if target is None:
        there = header(path, delimiter) if config["data.header"] else []
        such = f"={there[-1]}" if there else "=0"
        listed = f"{path} has {', '.join(there)}" if there else f"{path} has no names"
        raise ConfigError(
            f"data.target: a table needs the column of its labels; {listed}; such as "
            f"--set data.target{such}"
        )
    if columns is not None and isinstance(target, int) and config["data.header"]:
        found = header(path, delimiter)[target:][:1]
        if set(found) & set(columns):
            raise ConfigError(
                f"data.target: column {target} of {path} is {found[0]!r}, which the "
                "run has among its features; bring the columns into the run's order"
            )
    rows = data.from_csv(
        path,
        target,
        features=config["data.features"] or columns,
        class_names=config["data.class_names"] or names or None,
        header=config["data.header"],
        delimiter=delimiter,
    )
    if names is not None and not names and rows.class_names:
        raise ConfigError(
            f"data.target: {path} has names of classes, such as "
            f"{rows.class_names[0]!r}, and the rows trained on had numbers"
        )
    return rows


def _keys(
    config: Config, names: Sequence[str], split: str, place: Path
) -> tuple[str, ...]:
    """Which of several arrays are meant, the target last."""
    if config["data.keys"] is not None:
        return tuple(config["data.keys"])
    if split == "test" and (keys := _test_keys(names)) is not None:
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
