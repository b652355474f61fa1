# SPDX-License-Identifier: Apache-2.0
"""Loads an image data set from the first place that has it, or fetches it."""

from __future__ import annotations

import functools

from flaxnn._errors import DataNotFoundError, MissingPackageError
from flaxnn.data._builder import make_builder
from flaxnn.data._dataset import Dataset
from flaxnn.data._image_sets import IMAGE_SETS
from flaxnn.data._not_found import not_found
from flaxnn.data._place import Place, Prepared
from flaxnn.data._places import PathLike, absolute, find_places, tfds_dir
from flaxnn.data._raw import first_place, raw_images, read_checked


def load_images(
    name: str,
    split: str,
    data_dir: PathLike | None,
    raw_dir: PathLike | None,
    download: bool,
) -> Dataset:
    """One of `IMAGE_SETS`, in the order of its files."""
    image_set = IMAGE_SETS[name]
    if split not in image_set.contents:
        splits = " or ".join(map(repr, image_set.contents))
        raise ValueError(f"{name} has no split {split!r}: expected {splits}")
    places = find_places(name, data_dir, raw_dir)
    place = first_place(places, split)
    if place is None:
        if not download:
            raise not_found(places, split, "download=False")
        if raw_dir is not None:
            raise not_found(places, split, "raw_dir= was given, which excludes it")
        place = _prepare(places, split, data_dir)
    images, labels = read_checked(place, split)
    return Dataset(
        (images, labels.astype("int64")),
        class_names=image_set.class_names,
        name=name,
        split=split,
        source=place.source,
    )


def _prepare(places: list[Place], split: str, data_dir: PathLike | None) -> Place:
    """Downloads what is missing, and prepares the data set where TFDS looks for it."""
    name = places[0].name
    root = tfds_dir() if data_dir is None else absolute(data_dir)
    if root is None:
        reason = "there is no home directory to keep it in; pass data_dir="
        raise not_found(places, split, reason)
    raw = [place for place in places if not isinstance(place, Prepared)]
    try:
        builder = make_builder(
            name, root, functools.partial(raw_images, raw, places, root, split)
        )
    except (MissingPackageError, ValueError) as error:
        raise not_found(places, split, str(error)) from error
    try:
        builder.download_and_prepare()
    except DataNotFoundError:
        raise
    except OSError as error:  # a directory that cannot be written, a full disk
        raise not_found(places, split, str(error)) from error
    return Prepared(root / name, "TFDS", name)
