# SPDX-License-Identifier: Apache-2.0
"""What is said when an image data set is nowhere."""

from __future__ import annotations

import os
from collections.abc import Sequence

from flaxnn._errors import DataNotFoundError
from flaxnn.data._image_sets import IMAGE_SETS
from flaxnn.data._place import IdxFolder, Place
from flaxnn.data._places import DATA_DIR_VARIABLE


def not_found(places: Sequence[Place], split: str, reason: str) -> DataNotFoundError:
    """The error that says what was looked for, where, and what helps.

    Args:
        places: Where was looked.
        split: What for.
        reason: Why it was not downloaded.
    """
    name = places[0].name
    files = " and ".join(IMAGE_SETS[name].idx_files(split))
    looked = [
        f"  {place.path} ({place.label}): {place.missing(split)}" for place in places
    ]
    heading = (
        f"{name} (split {split!r}) was not found. Looked for {files}, plain or .gz, or "
        "what TFDS prepares from them, in:"
    )
    lines = [
        heading,
        *looked,
        f"Not downloaded: {reason}.",
        "To get the data, do one of these:",
        *(f"  {remedy}" for remedy in _remedies(name, places)),
    ]
    return DataNotFoundError("\n".join(lines))


def _remedies(name: str, places: Sequence[Place]) -> tuple[str, str, str]:
    owners = {place.owner for place in places}
    if owners <= {"data_dir", "raw_dir"}:
        given = " and ".join(f"{owner}=" for owner in sorted(owners))
        folder = next(place.path for place in places if isinstance(place, IdxFolder))
        elsewhere = f"leave {given} out, to look where torchvision, Keras and Debian "
        elsewhere += "leave the files"
        own = f"put the files into {folder}"
    else:
        root = os.environ.get(DATA_DIR_VARIABLE)
        state = f"it is {root}" if root else "it is not set"
        elsewhere = f"let another program: {'; '.join(IMAGE_SETS[name].remedies)}"
        own = f"set {DATA_DIR_VARIABLE} ({state}) to a folder that holds {name}/ with "
        own += "the files, or pass raw_dir= with the folder of the files"
    fetch = f"on a machine with a network: flaxnn data fetch {name} --data-dir DIR; "
    return elsewhere, own, f"{fetch}then copy DIR, and pass data_dir= with it"
