"""Where copies of an image data set are looked for, in order."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from flaxnn.data._image_sets import ImageSet

DATA_DIR_VARIABLE = "FLAXNN_DATA_DIR"
# Where Debian and Ubuntu's packages of data sets are installed.
SYSTEM_DIR = Path("/usr/share/datasets")

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Place:
    """A folder of IDX files, or an .npz file as Keras writes it, and whose it is."""

    path: Path
    owner: str

    @property
    def is_npz(self) -> bool:
        """Whether this is one .npz rather than a folder."""
        return self.path.suffix == ".npz"

    def missing(self, file_names: tuple[str, ...]) -> str | None:
        """Why the files cannot be read here, or None where they all can."""
        if self.is_npz:
            return None if self.path.is_file() else "no such file"
        if not self.path.is_dir():
            return "no such folder"
        absent = [name for name in file_names if self.file(name) is None]
        return f"no {' and no '.join(absent)}" if absent else None

    def file(self, name: str) -> Path | None:
        """The IDX file of that name, plain or .gz, or None."""
        for path in (self.path / name, self.path / f"{name}.gz"):
            if path.is_file():
                return path
        return None


def find_places(
    name: str, image_set: ImageSet, data_dir: PathLike | None, raw_dir: PathLike | None
) -> list[Place]:
    """The places to look in: only the folder that was given, else all known ones."""
    if raw_dir is not None:
        return [Place(_absolute(raw_dir), "raw_dir")]
    if data_dir is not None:
        return _under(_absolute(data_dir), "data_dir", name, image_set)
    places = []
    if root := os.environ.get(DATA_DIR_VARIABLE):
        places += _under(_absolute(root), DATA_DIR_VARIABLE, name, image_set)
    local = _absolute("data") / image_set.torchvision_folder / "raw"
    places.append(Place(local, "torchvision"))
    if (keras := _keras_home()) is not None:
        places.append(Place(keras / "datasets" / image_set.keras_path, "Keras"))
    if image_set.system_folder is not None:
        places.append(Place(SYSTEM_DIR / image_set.system_folder, "Debian's package"))
    return places


def _under(root: Path, owner: str, name: str, image_set: ImageSet) -> list[Place]:
    """The data set's own folder under a root, then torchvision's with that root."""
    return [
        Place(root / name, owner),
        Place(root / image_set.torchvision_folder / "raw", owner),
    ]


def _keras_home() -> Path | None:
    if root := os.environ.get("KERAS_HOME"):
        return _absolute(root)
    with contextlib.suppress(RuntimeError):  # a user without a home directory
        return Path.home() / ".keras"
    return None


def _absolute(path: PathLike) -> Path:
    return Path(path).expanduser().absolute()
