# SPDX-License-Identifier: Apache-2.0
"""Fashion-MNIST and MNIST with a few rows, on a machine of their own."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import hashlib
import os
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flaxnn.data import _download, _image_sets, _places

ROOT = Path(__file__).resolve().parents[3]
NAMES = ("fashion_mnist", "mnist")
SPLITS = ("train", "test")
ROWS = {"train": 25, "test": 7}
FILES = {
    ("train", "images"): "train-images-idx3-ubyte",
    ("train", "labels"): "train-labels-idx1-ubyte",
    ("test", "images"): "t10k-images-idx3-ubyte",
    ("test", "labels"): "t10k-labels-idx1-ubyte",
}
CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def arrays(name: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """The images and labels of a split, the same in every process."""
    rng = np.random.default_rng([len(name), len(split)])
    rows = ROWS[split]
    images = rng.integers(0, 256, (rows, 28, 28), np.uint8)
    images[:, 9:18] //= 32  # flat parts, as pictures have them
    return images, rng.integers(0, 10, rows, np.uint8)


def idx_bytes(array: np.ndarray) -> bytes:
    """An array as an IDX file, written from the format's description."""
    code = CODES[array.dtype.str[1:]]
    header = bytes([0, 0, code, array.ndim]) + b"".join(
        struct.pack(">I", size) for size in array.shape
    )
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write_idx(path: Path, array: np.ndarray) -> Path:
    """Writes an array as IDX, gzip-compressed where the name ends in .gz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(published(array) if path.suffix == ".gz" else idx_bytes(array))
    return path


def published(array: np.ndarray) -> bytes:
    """An array as a compressed IDX file, byte for byte the same at all times."""
    return gzip.compress(idx_bytes(array), mtime=0)


def put(
    folder: Path,
    name: str = "fashion_mnist",
    suffix: str = ".gz",
    splits: tuple[str, ...] = SPLITS,
) -> Path:
    """Writes a data set's IDX files into a folder."""
    for split in splits:
        images, labels = arrays(name, split)
        write_idx(folder / (FILES[split, "images"] + suffix), images)
        write_idx(folder / (FILES[split, "labels"] + suffix), labels)
    return folder


def put_cache(folder: Path, name: str = "fashion_mnist") -> Path:
    """Writes the compressed files under the names that TFDS' cache gives them."""
    prefixes = {"fashion_mnist": "fashion-mnist_", "mnist": "cvdf-datasets_mnist_"}
    prefix = prefixes[name]
    folder.mkdir(parents=True, exist_ok=True)
    for split in SPLITS:
        for kind, array in zip(("images", "labels"), arrays(name, split), strict=True):
            content = published(array)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
            file = f"{prefix}{FILES[split, kind]}{digest.decode().rstrip('=')}.gz"
            (folder / file).write_bytes(content)
    return folder


def image_set(name: str, **changes: Any) -> _image_sets.ImageSet:
    """The facts about a small data set."""
    contents, downloads = {}, {}
    for split in SPLITS:
        pair = arrays(name, split)
        hashes = (hashlib.sha256(idx_bytes(array)).hexdigest() for array in pair)
        contents[split] = _image_sets.Content(len(pair[0]), *hashes)
        for kind, array in zip(("images", "labels"), pair, strict=True):
            content = published(array)
            downloads[FILES[split, kind]] = _image_sets.Download(
                len(content), hashlib.sha256(content).hexdigest()
            )
    return dataclasses.replace(
        _image_sets.IMAGE_SETS[name],
        contents=contents,
        downloads=downloads,
        **changes,
    )


def environment(folder: Path) -> Mapping[str, str | None]:
    """Variables of a user whose home is in a folder, on a machine with no network."""
    home = str(folder / "home")
    dead = "http://127.0.0.1:9"  # the port of "discard": nothing listens there
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), dead)
    return {
        "HOME": home,
        "USERPROFILE": home,
        "FLAXNN_DATA_DIR": None,
        "KERAS_HOME": None,
        "TFDS_DATA_DIR": None,
        **proxies,
        **{name.upper(): dead for name in proxies},
        "no_proxy": "127.0.0.1",
        "NO_PROXY": "127.0.0.1",
    }


def isolate(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes this process that user's, in a working directory of its own."""
    for variable, value in environment(folder).items():
        if value is None:
            monkeypatch.delenv(variable, raising=False)
        else:
            monkeypatch.setenv(variable, value)
    for part in ("home", "work"):
        (folder / part).mkdir()
    monkeypatch.chdir(folder / "work")
    monkeypatch.setattr(_places, "SYSTEM_DIR", folder / "share")
    _download._unreachable.clear()


def make_small(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Puts the small data sets in the place of the real ones."""
    for name in NAMES:
        small = image_set(name, **changes)
        monkeypatch.setitem(_image_sets.IMAGE_SETS, name, small)


def start(
    code: str,
    *,
    pass_fds: tuple[int, ...] = (),
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[str]:
    """Runs code in a process of its own, which has the small data sets too."""
    code = (
        "from flaxnn.data import _image_sets\n"
        "from tests.unit.data import _small\n"
        "small = {name: _small.image_set(name) for name in _small.NAMES}\n"
        f"_image_sets.IMAGE_SETS.update(small)\n{code}"
    )
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
        pass_fds=pass_fds,
    )


def output(process: subprocess.Popen[str]) -> str:
    """What a process prints, once it has ended well."""
    printed, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return printed


def assert_loaded(dataset: Any, name: str, split: str) -> None:
    """Pixels and labels are those of the raw files, in their order."""
    images, labels = arrays(name, split)
    np.testing.assert_array_equal(dataset.arrays[0], images)
    np.testing.assert_array_equal(dataset.arrays[1], labels)
    assert [array.dtype for array in dataset.arrays] == [np.uint8, np.int64]
    assert not any(array.flags.writeable for array in dataset.arrays)
    assert (dataset.name, dataset.split) == (name, split)
    assert len(dataset.class_names) == 10
