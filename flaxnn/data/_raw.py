# SPDX-License-Identifier: Apache-2.0
"""Image data sets read from a place and checked, or fetched where no place has them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from flaxnn._errors import CorruptDataError
from flaxnn.data._download import download
from flaxnn.data._idx import idx_sha256
from flaxnn.data._image_sets import IMAGE_SETS
from flaxnn.data._not_found import not_found
from flaxnn.data._place import DownloadCache, Place


def first_place(places: Sequence[Place], split: str) -> Place | None:
    """The first place that has a split."""
    return next((place for place in places if place.missing(split) is None), None)


def read_checked(place: Place, split: str) -> tuple[np.ndarray, np.ndarray]:
    """The uint8 images and labels of a split, refused unless they are the published.

    A bad copy is refused rather than passed over for the next place: whoever owns it
    should know.
    """
    content = place.image_set.contents[split]
    (images, image_source), (labels, label_source) = place.read(split)
    _check(images, (content.rows, 28, 28), content.images_sha256, image_source)
    _check(labels, (content.rows,), content.labels_sha256, label_source)
    return images, labels


def raw_images(
    places: Sequence[Place],
    looked: Sequence[Place],
    data_dir: Path | None,
    wanted: str = "train",
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Every split from raw files in the places, or else downloaded below `data_dir`.

    Args:
        places: Where raw files may be.
        looked: What to name as looked at where they are nowhere.
        data_dir: A TFDS data directory; None where nothing may be downloaded.
        wanted: The split to begin with, and so the first to be missed.

    Raises:
        DataNotFoundError: They are nowhere and cannot be downloaded.
        CorruptDataError: What is there, or what came, is not the published data.
    """
    name = places[0].name
    splits = {}
    for split in sorted(IMAGE_SETS[name].contents, key=lambda split: split != wanted):
        place = first_place(places, split)
        if place is None:
            if data_dir is None:
                raise not_found(looked, split, "raw_dir= was given, which excludes it")
            try:
                place = _fetch(name, split, data_dir)
            except OSError as error:
                raise not_found(looked, split, str(error)) from error
        splits[split] = read_checked(place, split)
    return splits


def _fetch(name: str, split: str, data_dir: Path) -> Place:
    """Downloads the files of a split into TFDS' cache below `data_dir`."""
    image_set = IMAGE_SETS[name]
    folder = data_dir / "downloads" / name
    download(name, image_set, image_set.idx_files(split), folder)
    return DownloadCache(folder, "download", name)


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
