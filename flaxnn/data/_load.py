# SPDX-License-Identifier: Apache-2.0
"""Data sets by name."""

from __future__ import annotations

from flaxnn.data._dataset import Dataset
from flaxnn.data._images import load_images
from flaxnn.data._names import check_name
from flaxnn.data._places import PathLike
from flaxnn.data._tables import TABLES, load_table


def load(
    name: str,
    split: str = "train",
    *,
    data_dir: PathLike | None = None,
    raw_dir: PathLike | None = None,
    download: bool = True,
) -> Dataset:
    """Returns a data set as NumPy arrays in its original order.

    `wine`, `iris`, `digits` and `breast_cancer` come with scikit-learn, or from
    `data_dir` where it is given and `builder` has prepared them there.

    `fashion_mnist` and `mnist` are looked for on this machine. The first place that has
    the split is read:

    1. below the environment variable `FLAXNN_DATA_DIR`;
    2. prepared by TFDS in `$TFDS_DATA_DIR` or `~/tensorflow_datasets`, as array_record
       or as tfrecord;
    3. raw IDX files, plain or gzip-compressed, where torchvision (`./data`), Keras
       (`$KERAS_HOME` or `~/.keras`) and Debian (`/usr/share/datasets`) leave them;
    4. what TFDS has downloaded to `downloads/` in its data directory;
    5. the network: if the server answers within four seconds, the files are downloaded
       to TFDS' data directory and prepared there under TFDS' own name and version, for
       which the package tensorflow-datasets is needed.

    With `data_dir` or `raw_dir`, only what they name is looked at. Below `data_dir`, as
    below `FLAXNN_DATA_DIR`, that is: data prepared by TFDS, raw files in a folder of
    the data set's name, raw files as torchvision lays them out, and TFDS' downloads, in
    this order; a download goes there too. In `raw_dir` it is the raw files themselves,
    and nothing is downloaded. With both, it is data prepared in `data_dir`, then the
    raw files in `raw_dir`.

    Neither TensorFlow nor the order in which TFDS stores rows shows: what is read is
    put back into the order of the published files and held to their SHA-256, so the
    place makes no difference to the arrays. A damaged or foreign copy raises; it is not
    passed over for the next. Data prepared as parquet are not read: TFDS loses rows in
    it.

    Args:
        name: One of the names above.
        split: "train" or "test" for the images; "train" or "all" for scikit-learn's
            tables, which both give every row.
        data_dir: A TFDS data directory, or any folder with a folder for each data set.
        raw_dir: The folder of the raw files themselves.
        download: Whether files may be fetched where there are none.

    Returns:
        A `Dataset`. Its `arrays` are `(N, 28, 28)` uint8 images or `(N, D)` float64
        features, and `(N,)` int64 labels.

    Raises:
        ValueError: There is no such data set or split.
        DataNotFoundError: A FileNotFoundError. No place has the files, and they cannot
            be downloaded; says where was looked, why, and how to get them.
        CorruptDataError: A ValueError. A file is damaged, or is not the published one.
        ImportError: scikit-learn or array_record is needed and not installed.

    Torch:
        `torchvision.datasets.FashionMNIST` and `MNIST` (`.data`, `.targets`), T0.

    Example:
        >>> from flaxnn import data
        >>> wine = data.load("wine")
        >>> features, cultivars = wine.arrays
        >>> features.shape, wine.class_names[cultivars[0]]
        ((178, 13), 'class_0')

    References:
        H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST: a Novel Image Dataset for
        Benchmarking Machine Learning Algorithms, arXiv:1708.07747.
    """
    check_name(name)
    if name in TABLES:
        return load_table(name, split, data_dir)
    return load_images(name, split, data_dir, raw_dir, download)
