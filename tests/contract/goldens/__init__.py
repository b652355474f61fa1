# SPDX-License-Identifier: Apache-2.0
"""What PyTorch 2.13.0 computed: a file for each family, and the architectures'."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from tests.contract.registry import FAMILIES


class Goldens(Mapping[str, np.ndarray]):
    """All families' arrays, each read when it is asked for.

    "FAMILY.torch" is the version that made a family's.
    """

    def __init__(self) -> None:
        self._files: dict[str, tuple[np.lib.npyio.NpzFile, str]] = {}
        for family in FAMILIES:
            file = np.load(Path(__file__).with_name(f"{family}.npz"))
            for key in file.files:
                name = f"{family}.torch" if key == "torch" else key
                assert name not in self._files, f"{name} stands in two families"
                self._files[name] = file, key

    def __getitem__(self, name: str) -> np.ndarray:
        file, key = self._files[name]
        return file[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


@functools.cache
def load() -> Goldens:
    """Returns all families' arrays."""
    return Goldens()


def are_recorded(results: Mapping[str, np.ndarray], key: str) -> bool:
    """Whether PyTorch's results of today are those recorded, bit for bit.

    Then the comparison of ours with the recorded ones holds for them, and need not be
    made again.
    """
    recorded = load()
    return all(
        array.dtype == recorded[f"{key}/{name}"].dtype
        and np.array_equal(array, recorded[f"{key}/{name}"], equal_nan=True)
        for name, array in results.items()
    )


def load_digests() -> dict[str, dict[str, str]]:
    """Returns the digest of every architecture's initial state, by seed."""
    path = Path(__file__).with_name("architectures.json")
    return json.loads(path.read_text(encoding="utf-8"))["digests"]
