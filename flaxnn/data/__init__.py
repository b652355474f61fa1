# SPDX-License-Identifier: Apache-2.0
"""Data sets, and mini-batches in PyTorch's order.

Example:
    >>> from flaxnn import data
    >>> from flaxnn.random import Generator
    >>> wine = data.load("wine")
    >>> loader = data.DataLoader(wine, 64, shuffle=True, rngs=Generator(2025))
    >>> [len(labels) for features, labels in loader]
    [64, 64, 50]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flaxnn import _lazy
from flaxnn.data import documents
from flaxnn.data._builder import builder
from flaxnn.data._choice_samplers import SubsetRandomSampler, WeightedRandomSampler
from flaxnn.data._csv import from_csv
from flaxnn.data._dataset import Dataset
from flaxnn.data._epoch import Epoch
from flaxnn.data._fingerprint import fingerprint, fingerprint_differences
from flaxnn.data._idx import read_idx
from flaxnn.data._lazy_dataset import LazyDataset
from flaxnn.data._load import load
from flaxnn.data._loader import DataLoader
from flaxnn.data._npy import from_npy
from flaxnn.data._npz import from_npz
from flaxnn.data._order_samplers import RandomSampler, SequentialSampler
from flaxnn.data._pixels import pixel_table, pixels_to_float
from flaxnn.data._split import Subset, random_split
from flaxnn.data._tables import train_test_split
from flaxnn.data._tfds_rows import from_tfds

if TYPE_CHECKING:
    from flaxnn.data import transforms as transforms

__all__ = [
    "DataLoader",
    "Dataset",
    "Epoch",
    "LazyDataset",
    "RandomSampler",
    "SequentialSampler",
    "Subset",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
    "builder",
    "documents",
    "fingerprint",
    "fingerprint_differences",
    "from_csv",
    "from_npy",
    "from_npz",
    "from_tfds",
    "load",
    "pixel_table",
    "pixels_to_float",
    "random_split",
    "read_idx",
    "train_test_split",
    "transforms",
]

# Transforms import JAX, which looking for data and reading it do without.
if not TYPE_CHECKING:
    __getattr__, __dir__ = _lazy.attach(__name__, subpackages={"transforms"}, names={})
