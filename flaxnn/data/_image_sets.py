# SPDX-License-Identifier: Apache-2.0
"""MNIST and Fashion-MNIST: what they hold and where copies of them lie."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Content:
    """What a split must hold: its rows, and the SHA-256 of its two plain IDX files."""

    rows: int
    images_sha256: str
    labels_sha256: str


@dataclass(frozen=True)
class Download:
    """A published file: its bytes, and the SHA-256 of them as they are, compressed."""

    size: int
    sha256: str


@dataclass(frozen=True)
class ImageSet:
    """An image data set: its classes, its splits, its homes on a machine and beyond.

    Attributes:
        class_names: The name of each label.
        torchvision_folder: The folder under torchvision's `root`.
        keras_path: A folder of IDX files, or one .npz, in Keras' cache.
        system_folder: The folder of Debian's package, where there is one.
        remedies: Ways to get a copy.
        contents: What each split holds.
        url: Where TFDS downloads the files from.
        cache_prefix: How TFDS begins their names in its cache, made from the URL.
        downloads: The files there, by their names without .gz.
    """

    class_names: tuple[str, ...]
    torchvision_folder: str
    keras_path: str
    system_folder: str | None
    remedies: tuple[str, ...]
    contents: dict[str, Content]
    url: str
    cache_prefix: str
    downloads: dict[str, Download]

    def idx_files(self, split: str) -> tuple[str, str]:
        """The names of a split's IDX files: images, then labels."""
        stem = {"train": "train", "test": "t10k"}[split]
        return f"{stem}-images-idx3-ubyte", f"{stem}-labels-idx1-ubyte"


# The hashes are of the decompressed files: copies of the same data are compressed anew
# (Debian's, many of MNIST's), and Keras keeps MNIST as .npz. Those of Fashion-MNIST's
# labels were taken from files with the compressed MD5 that its authors publish; the
# others are published as they stand. URLs, and sizes and hashes of the compressed
# files, are those of TFDS (`url_checksums/` in tensorflow-datasets 4.9).
IMAGE_SETS = {
    "fashion_mnist": ImageSet(
        class_names=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        torchvision_folder="FashionMNIST",
        keras_path="fashion-mnist",
        system_folder="fashion-mnist",
        remedies=(
            "on Debian or Ubuntu: apt install dataset-fashion-mnist",
            'with torchvision: datasets.FashionMNIST("data", download=True)',
            "with Keras: keras.datasets.fashion_mnist.load_data()",
        ),
        contents={
            "train": Content(
                60_000,
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            ),
            "test": Content(
                10_000,
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            ),
        },
        url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        cache_prefix="fashion-mnist_",
        downloads={
            "train-images-idx3-ubyte": Download(
                26_421_880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            ),
            "train-labels-idx1-ubyte": Download(
                29_515,
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            ),
            "t10k-images-idx3-ubyte": Download(
                4_422_102,
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            ),
            "t10k-labels-idx1-ubyte": Download(
                5_148,
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
        },
    ),
    "mnist": ImageSet(
        class_names=tuple("0123456789"),
        torchvision_folder="MNIST",
        keras_path="mnist.npz",
        system_folder=None,
        remedies=(
            'with torchvision: datasets.MNIST("data", download=True)',
            "with Keras: keras.datasets.mnist.load_data()",
        ),
        contents={
            "train": Content(
                60_000,
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            ),
            "test": Content(
                10_000,
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        },
        url="https://storage.googleapis.com/cvdf-datasets/mnist/",
        cache_prefix="cvdf-datasets_mnist_",
        downloads={
            "train-images-idx3-ubyte": Download(
                9_912_422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            "train-labels-idx1-ubyte": Download(
                28_881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            ),
            "t10k-images-idx3-ubyte": Download(
                1_648_877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            ),
            "t10k-labels-idx1-ubyte": Download(
                4_542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ),
        },
    ),
}
