# SPDX-License-Identifier: Apache-2.0
"""Data sets that have a name, which a file or folder cannot take from them."""

from __future__ import annotations

from flaxnn.data import documents
from flaxnn.data._names import NAMES
from flaxnn.runs._nearest import find

# The documents' own small data sets.
DOCUMENTS = {
    "multinomial": documents.multinomial,
    "univariate": documents.univariate,
}
SET_NAMES = (*NAMES, *DOCUMENTS)


def find_set(name: str) -> str | None:
    """The data set of a name, None for a path: ``./wine`` is a path, ``wine`` is not.

    A run that is called after its data has a directory of that name.
    """
    return None if any(sign in name for sign in "./\\") else find(name, SET_NAMES)
