# SPDX-License-Identifier: Apache-2.0
"""The kinds of places in which a copy of an image data set can be."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from flaxnn._errors import CorruptDataError
from flaxnn.data._idx import read_idx
from flaxnn.data._image_sets import IMAGE_SETS, ImageSet
from flaxnn.data._npz import read_npz
from flaxnn.data._png import decode_pngs
from flaxnn.data._prepared import (
    column,
    prepared_folder,
    prepared_format,
    read_prepared,
    why_unreadable,
)

# Images and labels of a split, and what to call them in an error.
Arrays = tuple[tuple[np.ndarray, str], tuple[np.ndarray, str]]


@dataclass(frozen=True)
class Place:
    """A path where a data set may be, and whose it is."""

    path: Path
    owner: str
    name: str

    # What distinguishes places of one owner.
    detail: ClassVar[str] = ""

    @property
    def label(self) -> str:
        """Whose the place is, and what for."""
        return f"{self.owner}, {self.detail}" if self.detail else self.owner

    @property
    def image_set(self) -> ImageSet:
        """The facts about the data set."""
        return IMAGE_SETS[self.name]

    @property
    def source(self) -> str:
        """What is read, for people."""
        return str(self.path)

    def missing(self, split: str) -> str | None:
        """Why the split cannot be read here, or None where it is here."""
        try:
            return self._missing(split)
        except OSError as error:  # another user's folder, as may lie on any machine
            return f"cannot be looked at ({error.strerror})"

    def _missing(self, split: str) -> str | None:
        raise NotImplementedError

    def kind(self, split: str) -> str:
        """The format of a split that is here."""
        raise NotImplementedError

    def read(self, split: str) -> Arrays:
        """The images and labels of a split that is here, in the original order."""
        raise NotImplementedError


class IdxFolder(Place):
    """A folder of IDX files, plain or gzip-compressed."""

    def _missing(self, split: str) -> str | None:
        names = self.image_set.idx_files(split)
        absent = [name for name in names if self.file(name) is None]
        if not absent:
            return None
        there = self.path.is_dir()
        return f"no {' and no '.join(absent)}" if there else "no such folder"

    def kind(self, split: str) -> str:
        return "IDX"

    def read(self, split: str) -> Arrays:
        images, labels = (
            self.file(name) or self.path / name  # gone since a moment ago
            for name in self.image_set.idx_files(split)
        )
        return (read_idx(images), str(images)), (read_idx(labels), str(labels))

    def file(self, name: str) -> Path | None:
        """The file of that name, plain or .gz, or None."""
        for path in self.candidates(name):
            if path.is_file():
                return path
        return None

    def candidates(self, name: str) -> tuple[Path, ...]:
        """The paths that a file may have."""
        return self.path / name, self.path / f"{name}.gz"


class DownloadCache(IdxFolder):
    """What TFDS has downloaded: IDX files whose names hold their SHA-256."""

    detail = "downloads"

    def candidates(self, name: str) -> tuple[Path, ...]:
        file = cache_name(self.image_set, name)
        # Older versions of TFDS had one folder for all data sets.
        return self.path / file, self.path.parent / file


class KerasArchive(Place):
    """MNIST as Keras keeps it, in one .npz file."""

    def _missing(self, split: str) -> str | None:
        return None if self.path.is_file() else "no such file"

    def kind(self, split: str) -> str:
        return "npz"

    def read(self, split: str) -> Arrays:
        path = self.path
        try:
            images, labels = read_npz(path, (f"x_{split}", f"y_{split}")).values()
        except ValueError as error:
            raise CorruptDataError(
                f"{path}: expected Keras' archive with arrays x_{split} and y_{split}, "
                f"got another ({error})"
            ) from error
        return (
            (images, f"x_{split} in {path}"),
            (labels, f"y_{split} in {path}"),
        )


class Prepared(Place):
    """The data set's folder in a TFDS data directory: a folder for each version."""

    detail = "prepared"

    @property
    def source(self) -> str:
        return str(prepared_folder(self.path) or self.path)

    def _missing(self, split: str) -> str | None:
        if not self.path.is_dir():
            return "no such folder"
        folder = prepared_folder(self.path)
        if folder is None:
            return "no prepared version"
        return why_unreadable(folder)

    def kind(self, split: str) -> str:
        return prepared_format(Path(self.source), self.name, split) or "unknown"

    def read(self, split: str) -> Arrays:
        folder = Path(self.source)
        rows = read_prepared(folder, self.name, split)
        try:
            images = decode_pngs(column(rows, "image", bytes), 28, 28)
            labels = column(rows, "label", int)
            if max(labels, default=0) > 255:
                raise CorruptDataError(f"expected labels of a byte, got {max(labels)}")
        except CorruptDataError as error:
            raise CorruptDataError(
                f"{folder}, split {split!r}: {error}. Remove the folder and prepare "
                "the data again."
            ) from error
        return (
            (images, f"images of split {split!r} in {folder}"),
            (np.array(labels, np.uint8), f"labels of split {split!r} in {folder}"),
        )


def cache_name(image_set: ImageSet, name: str) -> str:
    """Returns the name of a downloaded file in TFDS' cache."""
    digest = bytes.fromhex(image_set.downloads[name].sha256)
    code = base64.urlsafe_b64encode(digest).decode()[:-1]
    return f"{image_set.cache_prefix}{name}{code}.gz"
