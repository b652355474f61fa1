# SPDX-License-Identifier: Apache-2.0
"""TFDS builders that prepare without TensorFlow; importing this imports TFDS."""

# TFDS wraps its methods for logging, in types that no method can override.
# pyright: reportIncompatibleVariableOverride=false
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.core.utils import tqdm_utils
from tensorflow_datasets.image_classification import mnist

from flaxnn.data._download import check_writable
from flaxnn.data._png import encode_png
from flaxnn.data._prepared import why_unreadable
from flaxnn.data._progress import progress
from flaxnn.data._tables import TABLES, stored_name

FORMAT = "array_record"
# The rows that pass between two looks at the progress bar.
_STRIDE = 1000

# Features and labels of every split.
Source = Callable[[], Mapping[str, tuple[np.ndarray, np.ndarray]]]


class _LocalBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """A builder whose rows come from arrays, in TFDS' order and array_record files.

    TFDS' own builders unpack and encode with TensorFlow. Here the arrays are read
    before TFDS creates anything, so data that cannot be had leave no trace.
    """

    # Set by `make_builder`; a copy that was pickled for a worker only reads.
    source: Source | None = None
    _rows: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None

    def download_and_prepare(
        self, *, download_config: Any = None, file_format: Any = None, **options: Any
    ) -> None:
        """Prepares the data as array_record files, unless they are there.

        Args:
            download_config: TFDS' `DownloadConfig`.
            file_format: Nothing but "array_record".
            options: TFDS' other arguments. Downloads stay in `downloads` in the data
                directory whatever `download_dir` says.

        Raises:
            ValueError: Another format is asked for.
            OSError: The data directory cannot be written.
            DataNotFoundError: The raw data are not here and cannot be downloaded.
            CorruptDataError: What is here, or came, is not the published data.
        """
        wanted = getattr(file_format, "value", file_format)
        if wanted not in (None, FORMAT):
            raise ValueError(
                f"expected file_format={FORMAT!r}, got {wanted!r}: the other formats "
                "need TensorFlow, and TFDS loses rows in parquet"
            )
        overwrite = download_config and download_config.download_mode.overwrite_dataset
        if overwrite or not Path(self.data_dir).exists():
            check_writable(Path(self.data_dir))
            self._rows = self._gather()
        try:
            with _without_bars():
                super().download_and_prepare(download_config=download_config, **options)
        except OSError as error:
            # Another process was first. TFDS moves whole folders into place, so what
            # is there is as good as what was made here.
            first = isinstance(error, FileExistsError) or error.errno == errno.ENOTEMPTY
            if not first or not Path(self.data_dir).exists():
                raise
        finally:
            self._rows = None
        # Where another process was first, TFDS does not look at what it made.
        self.info.read_from_directory(self.data_dir)

    def _gather(self) -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
        if self.source is None:
            raise ValueError(
                "this builder was copied to another process and can only read there: "
                "prepare the data first, or call flaxnn.data.builder there"
            )
        return self.source()

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[Any]]:
        rows = self._rows or self._gather()
        return {split: self._examples(split, *arrays) for split, arrays in rows.items()}

    def _examples(
        self, split: str, inputs: np.ndarray, labels: np.ndarray
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """The rows of a split with their numbers, as TFDS' own builders give them."""
        with progress(f"Preparing {self.name}, {split}", len(labels)) as advance:
            for index, label in enumerate(labels.tolist()):
                yield index, self._example(inputs[index], label)
                if index % _STRIDE == _STRIDE - 1:
                    advance(_STRIDE)

    def _example(self, row: np.ndarray, label: int) -> dict[str, Any]:
        raise NotImplementedError

    def _generate_examples(self, **_: Any) -> Any:
        raise NotImplementedError("rows come from _split_generators")

    def _log_download_bytes(self) -> None:
        """Prints nothing: standard output may be a command's JSON."""

    def _log_download_done(self) -> None:
        """Prints nothing, likewise."""


class _Images(_LocalBuilder, skip_registration=True):
    def _example(self, row: np.ndarray, label: int) -> dict[str, Any]:
        # Bytes pass through TFDS as they are; an array it would give to TensorFlow.
        return {"image": encode_png(row), "label": label}


class FashionMnist(_Images, mnist.FashionMNIST, skip_registration=True):
    """TFDS' Fashion-MNIST: its name, version, features and directory."""

    name = "fashion_mnist"


class Mnist(_Images, mnist.MNIST, skip_registration=True):
    """TFDS' MNIST: its name, version, features and directory."""

    name = "mnist"


class _Table(_LocalBuilder, skip_registration=True):
    """A table of scikit-learn, which TFDS does not have, or has otherwise."""

    VERSION = tfds.core.Version("1.0.0")
    table: ClassVar[str]

    def _info(self) -> tfds.core.DatasetInfo:
        facts = TABLES[self.table]
        features = {
            # As bytes: otherwise TFDS stores float64 as float32.
            "features": tfds.features.Tensor(
                shape=(facts.width,), dtype=np.float64, encoding="bytes"
            ),
            "label": tfds.features.ClassLabel(names=facts.class_names),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=f"What sklearn.datasets.{facts.loader} returns, bit for bit.",
            features=tfds.features.FeaturesDict(features),
            supervised_keys=("features", "label"),
            homepage="https://scikit-learn.org/stable/datasets/toy_dataset.html",
        )

    def _example(self, row: np.ndarray, label: int) -> dict[str, Any]:
        return {"features": row, "label": label}


class BreastCancer(_Table, skip_registration=True):
    """scikit-learn's breast_cancer."""

    name = stored_name(table := "breast_cancer")


class Digits(_Table, skip_registration=True):
    """scikit-learn's digits."""

    name = stored_name(table := "digits")


class Iris(_Table, skip_registration=True):
    """scikit-learn's iris; TFDS' own iris has float32 features."""

    name = stored_name(table := "iris")


class Wine(_Table, skip_registration=True):
    """scikit-learn's wine."""

    name = stored_name(table := "wine")


BUILDERS: dict[str, type[_LocalBuilder]] = {
    "breast_cancer": BreastCancer,
    "digits": Digits,
    "fashion_mnist": FashionMnist,
    "iris": Iris,
    "mnist": Mnist,
    "wine": Wine,
}


def make_builder(name: str, data_dir: Path, source: Source) -> _LocalBuilder:
    """Returns a builder that prepares what `source` returns when it is called.

    Raises:
        ValueError: The data are prepared there in a format that TFDS can only read
            with TensorFlow.
    """
    kind = BUILDERS[name]
    folder = data_dir / kind.name / str(kind.VERSION)
    if folder.is_dir():
        files = [path.name for path in folder.iterdir()]
        if not any(f".{FORMAT}-" in file for file in files):
            reason = why_unreadable(folder) or "prepared in another format"
            raise ValueError(
                f"{folder}: expected {FORMAT} files, got {sorted(files)} ({reason}). "
                "TFDS reads rows without TensorFlow from that format only: remove the "
                "folder or pass another data_dir."
            )
    # TFDS refuses the format by name where it prepared in two, the other one first.
    chosen = {} if folder.is_dir() else {"file_format": FORMAT}
    builder = kind(data_dir=str(data_dir), **chosen)
    builder.source = source
    return builder


@contextlib.contextmanager
def _without_bars() -> Iterator[None]:
    """Turns TFDS' progress bars off, which it draws on any standard error."""
    before = getattr(tqdm_utils, "_active", True)
    tfds.disable_progress_bar()
    try:
        yield
    finally:
        tfds.display_progress_bar(before)
