"""Data sets by name."""

from __future__ import annotations

import difflib

from flaxnn.data._dataset import Dataset
from flaxnn.data._image_sets import IMAGE_SETS
from flaxnn.data._images import load_images
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

    `wine`, `iris`, `digits` and `breast_cancer` come with scikit-learn.
    `fashion_mnist` and `mnist` are read from copies on this machine, IDX files plain or
    gzip-compressed. The first place that has both files of the split is read:

    1. `raw_dir`, and nowhere else, where it is given;
    2. `data_dir`, and nowhere else, where it is given: `fashion_mnist/` in it, or
       `FashionMNIST/raw/` as torchvision lays it out;
    3. the same below the environment variable `FLAXNN_DATA_DIR`;
    4. torchvision's `./data/FashionMNIST/raw/`;
    5. Keras' `datasets/fashion-mnist/` or `datasets/mnist.npz`, in `$KERAS_HOME` or
       `~/.keras`;
    6. `/usr/share/datasets/fashion-mnist/`, from Debian's package.

    What is read is held to the SHA-256 of the published files, decompressed, so the
    place makes no difference to the arrays.

    Args:
        name: One of the names above.
        split: "train" or "test" for the images; "train" or "all" for scikit-learn's
            tables, which both give every row.
        data_dir: A folder with a folder for each data set.
        raw_dir: The folder of the raw files themselves.
        download: Whether files may be fetched where there are none. This version
            fetches nothing, whatever it says: the error names ways to get the files.

    Returns:
        A `Dataset`. Its `arrays` are `(N, 28, 28)` uint8 images or `(N, D)` float64
        features, and `(N,)` int64 labels.

    Raises:
        ValueError: There is no such data set or split.
        DataNotFoundError: A FileNotFoundError. No place has the files; says where was
            looked and how to get them.
        CorruptDataError: A ValueError. A file is damaged, or is not the published one.
        ImportError: scikit-learn is needed and not installed.

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
    if name in TABLES:
        return load_table(name, split)
    if name in IMAGE_SETS:
        return load_images(name, split, data_dir, raw_dir)
    raise ValueError(_unknown(name))


def _unknown(name: str) -> str:
    known = sorted([*TABLES, *IMAGE_SETS])
    plain = name.lower().replace("-", "_").replace(" ", "_")
    # Names of other libraries differ by separators too: FashionMNIST, fashion-mnist.
    squeezed = {candidate.replace("_", ""): candidate for candidate in known}
    close = difflib.get_close_matches(plain.replace("_", ""), squeezed, n=1)
    hint = f" Did you mean {squeezed[close[0]]!r}?" if close else ""
    return f"unknown data set {name!r}.{hint} Known are: {', '.join(known)}."
