# SPDX-License-Identifier: Apache-2.0
"""The records of TFDS: `tf.train.Example` messages, read without TensorFlow."""

from __future__ import annotations

from flaxnn._errors import CorruptDataError

# A field begins with its number and type. Bytes and messages are led by their length.
_FIRST, _SECOND, _THIRD = 0x0A, 0x12, 0x1A
# A first field that is a lone integer instead.
_INTEGER = 0x08


def parse_example(record: bytes) -> dict[str, bytes | int]:
    """Returns the features of a record, each of which is one string or one integer.

    The four nested messages are walked here rather than by protobuf: that would be one
    more import, and with its attributes to look up it takes no less time.

    Raises:
        CorruptDataError: The bytes are no such message.
    """
    features: dict[str, bytes | int] = {}
    try:
        tag, at, end = _field(record, 0)  # Example: its Features
        if tag != _FIRST or end != len(record):
            raise ValueError("not one message of that length")
        while at < len(record):
            _, entry, end = _field(record, at)  # Features: an entry of its map
            first, start, stop = _field(record, entry)  # the name
            second, value, last = _field(record, stop)  # the Feature
            if (first, second, last) != (_FIRST, _SECOND, end):
                raise ValueError("an entry that is not a name and a value")
            features[record[start:stop].decode()] = _value(record, value, end)
            at = end
    except (IndexError, ValueError) as error:
        raise CorruptDataError(
            f"expected a tf.train.Example of strings and integers, got {len(record)} "
            f"bytes that are none ({error})"
        ) from error
    return features


def _value(record: bytes, at: int, end: int) -> bytes | int:
    """The one value of the Feature at `at`."""
    kind, start, last = _field(record, at)
    if kind == _THIRD and record[start] == _INTEGER:
        value, stop = _varint(record, start + 1)
    else:
        _, begin, stop = _field(record, start)
        value = record[begin:stop]
        if kind == _THIRD:  # integers, packed
            value, stop = _varint(record, begin)
    if kind not in (_FIRST, _THIRD) or stop != last or last != end:
        raise ValueError("a feature that is not one string or one integer")
    return value


def _field(record: bytes, at: int) -> tuple[int, int, int]:
    """The tag of the field at `at`, and where its content begins and ends."""
    tag, size, start = record[at], record[at + 1], at + 2
    if size > 0x7F:
        high = record[start]
        if high > 0x7F:
            size, start = _varint(record, at + 1)
        else:  # as nearly always here: without a call, parsing is a third faster
            size, start = size & 0x7F | high << 7, start + 1
    return tag, start, start + size


def _varint(record: bytes, at: int) -> tuple[int, int]:
    """An integer in groups of seven bits, lowest first, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        group = record[at]
        at += 1
        value |= (group & 0x7F) << shift
        if group < 0x80:
            return value, at
    raise ValueError("an integer of more than 64 bits")
