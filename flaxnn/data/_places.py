# SPDX-License-Identifier: Apache-2.0
"""Where copies of an image data set are looked for, in order."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from flaxnn.data._image_sets import IMAGE_SETS
from flaxnn.data._place import (
    DownloadCache,
    IdxFolder,
    KerasArchive,
    Place,
    Prepared,
)

DATA_DIR_VARIABLE = "FLAXNN_DATA_DIR"
# Where Debian and Ubuntu's packages of data sets are installed.
SYSTEM_DIR = Path("/usr/share/datasets")

PathLike = str | os.PathLike[str]


def find_places(
    name: str, data_dir: PathLike | None = None, raw_dir: PathLike | None = None
) -> list[Place]:
    """The places to look in: only the folders that were given, else all known ones."""
    if raw_dir is not None:
        raw = IdxFolder(absolute(raw_dir), "raw_dir", name)
        if data_dir is None:
            return [raw]
        return [Prepared(absolute(data_dir) / name, "data_dir", name), raw]
    if data_dir is not None:
        return _under(absolute(data_dir), "data_dir", name)
    places = []
    if root := os.environ.get(DATA_DIR_VARIABLE):
        places += _under(absolute(root), DATA_DIR_VARIABLE, name)
    tfds = tfds_dir()
    if tfds is not None:
        places.append(Prepared(tfds / name, "TFDS", name))
    places += _elsewhere(name)
    if tfds is not None:
        places.append(_cache(tfds, "TFDS", name))
    return places


def find_raw_places(
    name: str, data_dir: Path, raw_dir: PathLike | None = None
) -> list[Place]:
    """The places that can be prepared from: in `data_dir` first, then everywhere."""
    if raw_dir is not None:
        return find_places(name, raw_dir=raw_dir)
    raw: dict[tuple[Path, type[Place]], Place] = {}
    for place in [*find_places(name, data_dir), *find_places(name)]:
        if not isinstance(place, Prepared):
            raw.setdefault((place.path, type(place)), place)
    return list(raw.values())


def tfds_dir() -> Path | None:
    """Returns where TFDS keeps its data; None for a user without a home directory."""
    if root := os.environ.get("TFDS_DATA_DIR"):
        return absolute(root)
    home = _home()
    return home / "tensorflow_datasets" if home else None


def absolute(path: PathLike) -> Path:
    """Returns a path that a change of directory does not move."""
    return Path(path).expanduser().absolute()


def _under(root: Path, owner: str, name: str) -> list[Place]:
    """What a root folder may hold: prepared, raw in two layouts, or downloaded."""
    return [
        Prepared(root / name, owner, name),
        IdxFolder(root / name, owner, name),
        _torchvision(root, owner, name),
        _cache(root, owner, name),
    ]


def _elsewhere(name: str) -> list[Place]:
    """Where other packages leave the raw files."""
    image_set = IMAGE_SETS[name]
    places = [_torchvision(absolute("data"), "torchvision", name)]
    if (keras := _keras_home()) is not None:
        path = keras / "datasets" / image_set.keras_path
        kind = KerasArchive if path.suffix == ".npz" else IdxFolder
        places.append(kind(path, "Keras", name))
    if image_set.system_folder is not None:
        path = SYSTEM_DIR / image_set.system_folder
        places.append(IdxFolder(path, "Debian's package", name))
    return places


def _torchvision(root: Path, owner: str, name: str) -> Place:
    folder = IMAGE_SETS[name].torchvision_folder
    return IdxFolder(root / folder / "raw", owner, name)


def _cache(root: Path, owner: str, name: str) -> Place:
    return DownloadCache(root / "downloads" / name, owner, name)


def _keras_home() -> Path | None:
    if root := os.environ.get("KERAS_HOME"):
        return absolute(root)
    home = _home()
    return home / ".keras" if home else None


def _home() -> Path | None:
    with contextlib.suppress(RuntimeError):  # a user without a home directory
        return Path.home()
    return None
