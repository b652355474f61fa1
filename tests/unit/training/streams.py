# SPDX-License-Identifier: Apache-2.0
"""What the tests of streaming read from."""

from __future__ import annotations

import numpy as np

from flaxnn.data import LazyDataset
from tests.unit.training.runs import FEATURES, LABELS

ROWS = len(FEATURES)
SIZE = FEATURES[:1].nbytes + LABELS[:1].nbytes


class Counted(LazyDataset):
    """Arrays that are read row by row, and note which rows were."""

    def __init__(self, *arrays: np.ndarray):
        self._arrays = arrays
        self.read: list[int] = []

    def __len__(self) -> int:
        return len(self._arrays[0])

    def gather(self, indices: np.ndarray) -> tuple[np.ndarray, ...]:
        self.read += indices.tolist()
        return tuple(array[indices] for array in self._arrays)
