# SPDX-License-Identifier: Apache-2.0
"""The names of all data sets."""

from __future__ import annotations

import difflib

from flaxnn.data._image_sets import IMAGE_SETS
from flaxnn.data._tables import TABLES

NAMES = sorted([*TABLES, *IMAGE_SETS])


def check_name(name: str) -> None:
    """Raises ValueError, with the name that was meant, where a name is unknown."""
    if name in NAMES:
        return
    plain = name.lower().replace("-", "_").replace(" ", "_")
    # Names of other libraries differ by separators too: FashionMNIST, fashion-mnist.
    squeezed = {candidate.replace("_", ""): candidate for candidate in NAMES}
    close = difflib.get_close_matches(plain.replace("_", ""), squeezed, n=1)
    hint = f" Did you mean {squeezed[close[0]]!r}?" if close else ""
    for suffix in ("npz", "csv"):
        if plain.endswith(f".{suffix}"):
            hint = f" A file is read by flaxnn.data.from_{suffix}({name!r}, …)."
    raise ValueError(f"unknown data set {name!r}.{hint} Known are: {', '.join(NAMES)}.")
