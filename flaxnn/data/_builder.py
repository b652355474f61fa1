# SPDX-License-Identifier: Apache-2.0
"""Data sets as TFDS builders."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from flaxnn.data._names import check_name
from flaxnn.data._optional import require
from flaxnn.data._places import PathLike, absolute, find_raw_places, tfds_dir
from flaxnn.data._raw import raw_images
from flaxnn.data._tables import TABLES, read_table

if TYPE_CHECKING:
    from tensorflow_datasets.core import DatasetBuilder

    from flaxnn.data._tfds_builders import Source


def builder(
    name: str, *, data_dir: PathLike | None = None, raw_dir: PathLike | None = None
) -> DatasetBuilder:
    """Returns a data set as a TFDS builder that prepares without TensorFlow.

    `download_and_prepare()` writes array_record files into the data directory, which
    `as_data_source()` and any other program with TFDS then read row by row, without
    TensorFlow too. Rows are encoded and ordered as TFDS does it; `load` puts them back
    into the original order.

    The images are those of TFDS' own `fashion_mnist` and `mnist`, under its names,
    versions and directories. They are made from raw files in the data directory, or in
    any other place that `load` knows, and downloaded where there are none. The tables
    are scikit-learn's, bit for bit in float64, as `sklearn_wine`, `sklearn_iris`,
    `sklearn_digits` and `sklearn_breast_cancer` 1.0.0, all rows in the split "train";
    TFDS' own `iris` is float32.

    Two processes may prepare at once. One that is killed leaves a folder
    `incomplete.*`, which nothing reads.

    Args:
        name: A name that `load` knows.
        data_dir: TFDS' data directory; `$TFDS_DATA_DIR` or `~/tensorflow_datasets` if
            it is not given.
        raw_dir: For the images: the folder of raw files to prepare from, instead of
            any other place or a download.

    Returns:
        A `tfds.core.DatasetBuilder`.

    Raises:
        ValueError: There is no such data set, `raw_dir` is given for a table, or the
            data are prepared there in a format that TFDS only reads with TensorFlow.
        ImportError: tensorflow-datasets is not installed.

    Torch:
        None. A `torch.utils.data.DataLoader` accepts what `as_data_source` returns.

    Example:
        >>> import tempfile
        >>> from flaxnn import data
        >>> folder = tempfile.TemporaryDirectory()
        >>> wine = data.builder("wine", data_dir=folder.name)
        >>> wine.download_and_prepare()
        >>> rows = wine.as_data_source("train")
        >>> len(rows), rows[0]["features"].dtype
        (178, dtype('float64'))
        >>> len(data.load("wine", data_dir=folder.name))
        178
        >>> folder.cleanup()
    """
    check_name(name)
    root = tfds_dir() if data_dir is None else absolute(data_dir)
    if root is None:
        raise ValueError("there is no home directory to keep data in: pass data_dir=")
    if name not in TABLES:
        places = find_raw_places(name, root, raw_dir)
        target = root if raw_dir is None else None
        return make_builder(
            name, root, functools.partial(raw_images, places, places, target)
        )
    if raw_dir is not None:
        raise ValueError(
            f"{name} comes with scikit-learn and has no raw files: leave raw_dir out"
        )
    return make_builder(name, root, lambda: {"train": read_table(name)})


def make_builder(name: str, data_dir: Path, source: Source) -> DatasetBuilder:
    """The builder of a data set that prepares what `source` returns."""
    module = require("flaxnn.data._tfds_builders", "tensorflow-datasets")
    return module.make_builder(name, data_dir, source)
