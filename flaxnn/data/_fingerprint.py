# SPDX-License-Identifier: Apache-2.0
"""Whether a data set is the one that it was."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import Any

import numpy as np

from flaxnn.data._loader import DataLoader
from flaxnn.data._source import Source

# Blocks of rows with a digest each, so that a difference has a place.
_BLOCKS = 16
# Rows looked at where a data set has no arrays and reading all of it would be slow.
_SAMPLES = 64


def fingerprint(data: Any) -> dict[str, Any]:
    """Returns what tells a data set, or a loader's, from another, for JSON.

    Args:
        data: What `DataLoader` takes, or a `DataLoader`, whose settings count too.

    Returns:
        Shapes, dtypes and digests of every row of arrays; of rows spread over it
        where a data set only has rows. `fingerprint_differences` compares two.
    """
    if isinstance(data, DataLoader):
        return {"loader": _settings(data), **fingerprint(data.dataset)}
    source = Source(data)
    if source.arrays is None:
        rows = np.unique(np.linspace(0, len(source) - 1, _SAMPLES).astype(np.int64))
        fields = source.gather(rows)
    else:
        fields = source.arrays
    return {"rows": len(source), "arrays": [_array(field) for field in fields]}


def fingerprint_differences(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Returns what differs between two fingerprints, a line each; none if equal.

    Args:
        then: What `fingerprint` gave for the first data set.
        now: What it gave for the second.
    """
    lines = []
    for name in sorted(then.get("loader", {}).keys() | now.get("loader", {}).keys()):
        before, after = (x.get("loader", {}).get(name) for x in (then, now))
        if before != after:
            lines.append(f"the loader's {name} was {before} and is {after}")
    if then["rows"] != now["rows"]:
        lines.append(f"it had {then['rows']} rows and has {now['rows']}")
    if len(then["arrays"]) != len(now["arrays"]):
        counts = len(then["arrays"]), len(now["arrays"])
        return [*lines, "it had {} arrays and has {}".format(*counts)]
    for index, pair in enumerate(zip(then["arrays"], now["arrays"], strict=True)):
        lines += [f"array {index} {line}" for line in _array_differences(*pair)]
    return lines


def _settings(loader: DataLoader) -> dict[str, Any]:
    sampler = getattr(loader, "sampler", None)
    transform = getattr(loader, "transform", None)
    return {
        "batch_size": loader.batch_size,
        "shuffle": loader.shuffle,
        "drop_last": loader.drop_last,
        "sampler": None if sampler is None else type(sampler).__name__,
        "transform": None if transform is None else repr(transform),
    }


def _array(array: np.ndarray) -> dict[str, Any]:
    edges = np.linspace(0, len(array), _BLOCKS + 1).astype(int)
    return {
        "dtype": str(array.dtype),
        "shape": list(array.shape[1:]),
        "edges": edges.tolist(),
        "digests": [
            _digest(array[start:end]) for start, end in pairwise(edges.tolist())
        ],
    }


def _digest(block: np.ndarray) -> str:
    return hashlib.blake2b(np.ascontiguousarray(block).data, digest_size=16).hexdigest()


def _array_differences(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    for name in ("dtype", "shape"):
        if then[name] != now[name]:
            return [f"had {name} {then[name]} and has {now[name]}"]
    if then["edges"] != now["edges"]:
        return []  # other numbers of rows, which is said already
    blocks = zip(then["digests"], now["digests"], strict=True)
    other = [index for index, (a, b) in enumerate(blocks) if a != b]
    if not other:
        return []
    first, last = now["edges"][other[0]], now["edges"][other[0] + 1] - 1
    parts = f"{len(other)} of {_BLOCKS} parts"
    return [f"holds other values in {parts}, the first of them rows {first} to {last}"]
