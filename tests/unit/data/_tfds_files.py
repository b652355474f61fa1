# SPDX-License-Identifier: Apache-2.0
"""Prepared folders as TFDS with TensorFlow leaves them, made without flaxnn's code."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.data._png_files import filtered_pngs
from tests.unit.data._small import SPLITS, arrays

REASON = "tensorflow-datasets is not installed"
tfds: Any = pytest.importorskip("tensorflow_datasets", reason=REASON)
array_record: Any = pytest.importorskip(
    "array_record.python.array_record_module", reason="array_record is not installed"
)

from tensorflow_datasets.core import hashing  # noqa: E402
from tensorflow_datasets.proto import tf_example_pb2  # noqa: E402


def put_prepared(
    data_dir: Path,
    name: str = "fashion_mnist",
    kind: str = "tfrecord",
    *,
    version: str = "3.0.1",
    shards: int = 1,
    changed: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
) -> Path:
    """Writes a prepared data set; the folder of its version.

    Args:
        data_dir: A TFDS data directory.
        name: The data set.
        kind: "tfrecord" or "array_record".
        version: As in the folder's name.
        shards: How many files a split is divided into.
        changed: Splits with other rows than those of the small data sets.
    """
    folder = data_dir / name / version
    folder.mkdir(parents=True)
    small = {split: arrays(name, split) for split in SPLITS}
    splits = {**small, **(changed or {})}
    lengths = {}
    for split, (images, labels) in splits.items():
        hasher = hashing.Hasher(split)
        order = sorted(range(len(labels)), key=hasher.hash_key)
        files = filtered_pngs(np.asarray(images).reshape(-1, 28, 28))
        records = [example(image=files[row], label=int(labels[row])) for row in order]
        parts = np.array_split(np.arange(len(records)), shards)
        lengths[split] = [len(part) for part in parts]
        for shard, part in enumerate(parts):
            path = folder / f"{name}-{split}.{kind}-{shard:05}-of-{shards:05}"
            write_records(path, [records[index] for index in part])
    write_info(folder, name, kind, version, lengths)
    return folder


def write_records(path: Path, records: Sequence[bytes]) -> None:
    """Writes one file, in the format that its name says."""
    if ".tfrecord" in path.name:
        path.write_bytes(tfrecords(records))
        return
    writer = array_record.ArrayRecordWriter(str(path), "group_size:1")
    for record in records:
        writer.write(record)
    writer.close()


def write_info(
    folder: Path, name: str, kind: str, version: str, lengths: Mapping[str, list[int]]
) -> None:
    """The two files by which TFDS knows a prepared data set."""
    info = {
        "fileFormat": kind,
        "moduleName": "tensorflow_datasets.image_classification.mnist",
        "name": name,
        "splits": [
            {
                "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}",
                "name": split,
                "numBytes": "1",
                "shardLengths": [str(length) for length in shards],
            }
            for split, shards in lengths.items()
        ],
        "version": version,
    }
    (folder / "dataset_info.json").write_text(json.dumps(info))
    features = tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(shape=(28, 28, 1)),
            "label": tfds.features.ClassLabel(num_classes=10),
        }
    )
    features.save_config(folder)


def example(**features: bytes | int) -> bytes:
    """A serialised tf.train.Example."""
    message = tf_example_pb2.Example()
    for key, value in features.items():
        feature = message.features.feature[key]
        if isinstance(value, bytes):
            feature.bytes_list.value.append(value)
        else:
            feature.int64_list.value.append(value)
    return message.SerializeToString()


def tfrecords(records: Sequence[bytes]) -> bytes:
    """Records, each with its length and the masked CRC-32C of both."""
    lengths = [struct.pack("<Q", len(record)) for record in records]
    checks = zip(masked_crcs(lengths), masked_crcs(records), strict=True)
    return b"".join(
        length + before + record + after
        for length, record, (before, after) in zip(
            lengths, records, checks, strict=True
        )
    )


def masked_crcs(contents: Sequence[bytes]) -> list[bytes]:
    """The CRC-32C of each, rotated and shifted as the format's description says."""
    sizes = np.array([len(content) for content in contents])
    width = int(sizes.max(initial=0))
    padded = b"".join(content.ljust(width, b"\0") for content in contents)
    table = np.frombuffer(padded, np.uint8).reshape(len(contents), width)
    crc = np.full(len(contents), 0xFFFFFFFF, np.uint32)
    for position in range(width):
        step = (crc >> 8) ^ _CRC_TABLE[(crc ^ table[:, position]) & 0xFF]
        crc = np.where(position < sizes, step, crc)
    crc = ~crc
    masked = (crc >> 15 | crc << 17) + np.uint32(0xA282EAD8)
    return [value.tobytes() for value in masked.astype("<u4")]


def _crc_entry(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ 0x82F63B78 * (value & 1)
    return value


_CRC_TABLE = np.array([_crc_entry(value) for value in range(256)], np.uint32)
