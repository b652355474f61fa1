# SPDX-License-Identifier: Apache-2.0
"""What there is, where it is, and whether it is right: behind `flaxnn data`."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flaxnn._errors import CorruptDataError, DataNotFoundError
from flaxnn.data._builder import builder
from flaxnn.data._idx import idx_sha256
from flaxnn.data._image_sets import IMAGE_SETS
from flaxnn.data._names import NAMES, check_name
from flaxnn.data._not_found import not_found
from flaxnn.data._place import Prepared
from flaxnn.data._places import PathLike, absolute, find_places, tfds_dir
from flaxnn.data._prepared import prepared_format
from flaxnn.data._raw import first_place, read_checked
from flaxnn.data._tables import (
    TABLES,
    check_table,
    load_table,
    prepared_table,
    stored_name,
    table_sha256,
)


@dataclass(frozen=True)
class Listed:
    """A data set: rows of its splits, shape of a row, and where each split is."""

    name: str
    splits: dict[str, int]
    shape: tuple[int, ...]
    found: dict[str, str | None]


@dataclass(frozen=True)
class Looked:
    """A place, whose it is, and which splits are there, or why there are none."""

    path: str
    owner: str
    format: str | None
    splits: tuple[str, ...]
    problem: str | None


@dataclass(frozen=True)
class Verified:
    """A split that was read and is right, with the SHA-256 of inputs and labels."""

    split: str
    source: str
    format: str
    rows: int
    sha256: tuple[str, str]
    seconds: float


def splits_of(name: str) -> dict[str, int]:
    """The splits of a data set and their rows."""
    if name in TABLES:
        return {"train": TABLES[name].rows}
    return {split: part.rows for split, part in IMAGE_SETS[name].contents.items()}


def listing(data_dir: PathLike | None = None) -> list[Listed]:
    """Every data set."""
    rows = []
    for name in NAMES:
        splits = splits_of(name)
        places = look(name, data_dir)
        found = {
            split: next((place.path for place in places if split in place.splits), None)
            for split in splits
        }
        shape = (TABLES[name].width,) if name in TABLES else (28, 28)
        rows.append(Listed(name, splits, shape, found))
    return rows


def look(
    name: str, data_dir: PathLike | None = None, raw_dir: PathLike | None = None
) -> list[Looked]:
    """Every place where a data set is looked for, in order, and what is there."""
    check_name(name)
    if name in TABLES:
        return list(_look_for_table(name, data_dir))
    found = []
    for place in find_places(name, data_dir, raw_dir):
        problems = {split: place.missing(split) for split in splits_of(name)}
        there = tuple(split for split, problem in problems.items() if problem is None)
        problem = next((text for text in problems.values() if text), None)
        kind = None
        try:
            kind = place.kind(there[0]) if there else None
        except CorruptDataError as error:
            there, problem = (), f"damaged: {error}"
        found.append(Looked(place.source, place.label, kind, there, problem))
    return found


def verify(
    name: str, data_dir: PathLike | None = None, raw_dir: PathLike | None = None
) -> Iterator[Verified]:
    """Reads every split where `load` would, downloads nothing, and checks it.

    Raises:
        DataNotFoundError: A split is nowhere.
        CorruptDataError: A split is damaged, or not the published one.
    """
    check_name(name)
    for split in splits_of(name):
        start = time.perf_counter()
        if name in TABLES:
            dataset = load_table(name, split, data_dir)
            inputs, labels = dataset.arrays
            check_table(name, dataset.arrays, dataset.source)
            sha256, source = table_sha256(inputs, labels), dataset.source
            kind = _table_format(name, data_dir)
        else:
            places = find_places(name, data_dir, raw_dir)
            place = first_place(places, split)
            if place is None:
                raise not_found(places, split, "only what is here is verified")
            inputs, labels = read_checked(place, split)
            sha256, source = (idx_sha256(inputs), idx_sha256(labels)), place.source
            kind = place.kind(split)
        seconds = time.perf_counter() - start
        yield Verified(split, source, kind, len(labels), sha256, seconds)


def fetch(
    name: str, data_dir: PathLike | None = None, raw_dir: PathLike | None = None
) -> Path:
    """Prepares a data set in TFDS' data directory unless it is there; its root.

    Raises:
        DataNotFoundError: The raw data are not here and cannot be downloaded.
        OSError: The directory cannot be written.
        CorruptDataError: What is here, or came, is not the published data.
        MissingPackageError: tensorflow-datasets is not installed.
    """
    check_name(name)
    root = tfds_dir() if data_dir is None else absolute(data_dir)
    if root is None:
        raise DataNotFoundError("there is no home directory: pass --data-dir")
    if not _is_prepared(name, root):
        builder(name, data_dir=root, raw_dir=raw_dir).download_and_prepare()
    return root


def _is_prepared(name: str, root: Path) -> bool:
    if name in TABLES:
        return prepared_table(name, root) is not None
    return all(
        Prepared(root / name, "", name).missing(split) is None
        for split in splits_of(name)
    )


def _look_for_table(name: str, data_dir: PathLike | None) -> Iterator[Looked]:
    if data_dir is not None:
        root = absolute(data_dir)
        folder = prepared_table(name, root)
        path = str(folder or root / stored_name(name))
        if folder is None:
            yield Looked(path, "data_dir, prepared", None, (), "not prepared")
        else:
            kind = _table_format(name, data_dir)
            yield Looked(path, "data_dir, prepared", kind, ("train",), None)
    try:
        version = importlib.metadata.version("scikit-learn")
    except importlib.metadata.PackageNotFoundError:
        yield Looked("scikit-learn", "package", None, (), "not installed")
    else:
        yield Looked(f"scikit-learn {version}", "package", "package", ("train",), None)


def _table_format(name: str, data_dir: PathLike | None) -> str:
    """The format of the copy that `load_table` reads."""
    folder = None if data_dir is None else prepared_table(name, absolute(data_dir))
    if folder is None:
        return "package"
    return prepared_format(folder, stored_name(name), "train") or "unknown"
