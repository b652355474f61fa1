# SPDX-License-Identifier: Apache-2.0
"""tf.train.Example messages, against protobuf's own classes."""

from __future__ import annotations

import numpy as np
import pytest

from flaxnn._errors import CorruptDataError
from flaxnn.data._example import parse_example
from tests.unit.data._tfds_files import example, tf_example_pb2


@pytest.mark.parametrize("size", [0, 1, 100, 127, 128, 5000, 16_383, 16_384, 3_000_000])
def test_strings_of_every_length_of_length(size):
    content = np.random.default_rng(size).bytes(size)
    features = {"image": content, "label": 3}
    assert parse_example(example(**features)) == features


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**35, 2**63 - 1])
def test_integers(value):
    assert parse_example(example(label=value)) == {"label": value}


def test_an_unpacked_integer():
    """As older versions of protobuf may write it."""
    packed = example(label=5)
    assert packed.endswith(b"\x1a\x03\x0a\x01\x05")
    unpacked = b"\x0a\x0f\x0a\x0d\x0a\x05label\x12\x04\x1a\x02\x08\x05"
    assert tf_example_pb2.Example.FromString(unpacked) == (
        tf_example_pb2.Example.FromString(packed)
    )
    assert parse_example(unpacked) == {"label": 5}


def test_many_features_in_any_order():
    features = {f"feature {n}": n if n % 2 else b"x" * n for n in range(300)}
    assert parse_example(example(**features)) == features
    assert parse_example(example(**dict(reversed(features.items())))) == features


def _with(kind, values):
    message = tf_example_pb2.Example()
    getattr(message.features.feature["x"], kind).value.extend(values)
    return message.SerializeToString()


GOOD = example(image=b"\x89PNG" * 50, label=7)
BAD = {
    "empty": b"",
    "text": b"<html>",
    "more": GOOD + b"\0",
    "two": GOOD + GOOD,
    "floats": _with("float_list", [1.0]),
    "two strings": _with("bytes_list", [b"a", b"b"]),
    "two integers": _with("int64_list", [1, 2]),
    "no strings": _with("bytes_list", []),
    "no integers": _with("int64_list", []),
    "nothing": tf_example_pb2.Example(
        features={"feature": {"x": {}}}
    ).SerializeToString(),
    "a name that is no text": GOOD.replace(b"label", b"\xff\xff\xff\xff\xff"),
    "an integer without end": b"\x0a" + b"\xff" * 20,
}


@pytest.mark.parametrize("damage", BAD)
def test_what_is_no_such_message_is_refused(damage):
    with pytest.raises(CorruptDataError, match=r"expected a tf\.train\.Example"):
        parse_example(BAD[damage])


def test_no_message_that_is_cut_short_is_taken_for_a_whole_one():
    for length in range(len(GOOD)):
        with pytest.raises(CorruptDataError):
            parse_example(GOOD[:length])


def test_no_changed_byte_does_worse_than_raise():
    """A wrong value may come of it, which the SHA-256 finds; no other exception."""
    refused = 0
    for position in range(len(GOOD)):
        changed = bytearray(GOOD)
        changed[position] ^= 0xFF
        try:
            parse_example(bytes(changed))
        except CorruptDataError:
            refused += 1
    assert refused >= 20
