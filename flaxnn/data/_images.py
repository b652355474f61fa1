"""Reads an image data set from the first place that has it, and checks it."""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path

import numpy as np

from flaxnn._errors import CorruptDataError, DataNotFoundError
from flaxnn.data._dataset import Dataset
from flaxnn.data._idx import idx_sha256, read_idx
from flaxnn.data._image_sets import IMAGE_SETS
from flaxnn.data._places import DATA_DIR_VARIABLE, PathLike, Place, find_places

# How the names of a split's IDX files begin.
_STEMS = {"train": "train", "test": "t10k"}


def load_images(
    name: str, split: str, data_dir: PathLike | None, raw_dir: PathLike | None
) -> Dataset:
    """One of `IMAGE_SETS`, in the order of its files."""
    image_set = IMAGE_SETS[name]
    if split not in image_set.contents:
        splits = " or ".join(map(repr, image_set.contents))
        raise ValueError(f"{name} has no split {split!r}: expected {splits}")
    content = image_set.contents[split]
    stem = _STEMS[split]
    file_names = (f"{stem}-images-idx3-ubyte", f"{stem}-labels-idx1-ubyte")
    places = find_places(name, image_set, data_dir, raw_dir)
    for place in places:
        if place.missing(file_names) is not None:
            continue
        if place.is_npz:
            images, labels = _read_npz(place.path, split)
            named = (f"x_{split} in {place.path}", f"y_{split} in {place.path}")
        else:
            paths = [_present(place, file_name) for file_name in file_names]
            images, labels = (read_idx(path) for path in paths)
            named = (str(paths[0]), str(paths[1]))
        # A bad copy is refused rather than passed over for the next place: whoever
        # owns it should know.
        _check(images, (content.rows, 28, 28), content.images_sha256, named[0])
        _check(labels, (content.rows,), content.labels_sha256, named[1])
        return Dataset(
            (images, labels.astype(np.int64)),
            class_names=image_set.class_names,
            name=name,
            split=split,
            source=str(place.path),
        )
    raise DataNotFoundError(_not_found(name, split, file_names, places))


def _present(place: Place, file_name: str) -> Path:
    """A file that was there a moment ago."""
    return place.file(file_name) or place.path / file_name


def _read_npz(path: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            images, labels = archive[f"x_{split}"], archive[f"y_{split}"]
            return np.asarray(images), np.asarray(labels)
    except (
        EOFError,
        KeyError,
        MemoryError,
        TypeError,  # a single array rather than an archive
        ValueError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise CorruptDataError(
            f"{path}: expected Keras' archive with arrays x_{split} and y_{split}, got "
            f"one that cannot be read ({error}). Replace the file with an intact copy."
        ) from error


def _check(array: np.ndarray, shape: tuple[int, ...], sha256: str, where: str) -> None:
    """Refuses an array that is not, bit for bit, the published one."""
    if array.dtype != np.uint8 or array.shape != shape:
        raise CorruptDataError(
            f"{where}: expected shape {shape} of uint8, got {array.shape} of "
            f"{array.dtype}. This is another data set or an altered copy; replace it."
        )
    got = idx_sha256(array)
    if got != sha256:
        raise CorruptDataError(
            f"{where}: expected SHA-256 {sha256} of the decompressed IDX file, got "
            f"{got}. This is another data set or an altered copy; replace it."
        )


def _not_found(
    name: str, split: str, file_names: tuple[str, ...], places: list[Place]
) -> str:
    wanted = f"{' and '.join(file_names)}, plain or .gz"
    looked = [
        f"{place.path} ({place.owner}): {place.missing(file_names)}" for place in places
    ]
    root = os.environ.get(DATA_DIR_VARIABLE)
    state = f"it is {root}" if root else "it is not set"
    variable = f"set {DATA_DIR_VARIABLE} ({state}) to a folder that holds {name}/"
    remedies = [
        *IMAGE_SETS[name].remedies,
        f"{variable} with the files, or pass raw_dir= with the folder of the files",
    ]
    return "\n  ".join(
        [f"{name} (split {split!r}) was not found. Looked for {wanted}, in:", *looked]
    ) + "\n  ".join(["\nNothing is downloaded. To get the files:", *remedies])
