# SPDX-License-Identifier: Apache-2.0
"""PNG images in bulk: every filter, other people's files, damaged ones."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest

from flaxnn._errors import CorruptDataError, MissingPackageError
from flaxnn.data import _png
from flaxnn.data._png import decode_pngs, encode_png
from tests.unit.data._png_files import chunk, filter_line, filtered_png, png
from tests.unit.data._small import arrays

RNG = np.random.default_rng(0)
# Noise, flat parts, slopes, and the extremes at which sums wrap.
IMAGES = np.concatenate(
    [
        arrays("fashion_mnist", "train")[0],
        RNG.choice(np.array([0, 1, 127, 128, 254, 255], np.uint8), (4, 28, 28)),
        np.arange(784, dtype=np.int64).reshape(1, 28, 28).astype(np.uint8),
        np.zeros((1, 28, 28), np.uint8),
        np.full((1, 28, 28), 255, np.uint8),
    ]
)


def _with_filter(image, kinds):
    above = np.zeros_like(image[:1])
    lines = b""
    for kind, line in zip(kinds, image[:, None], strict=True):
        lines += bytes([kind]) + filter_line(kind, line, above).tobytes()
        above = line
    return png(*image.shape, [zlib.compress(lines)])


def test_what_is_encoded_is_decoded():
    files = [encode_png(image) for image in IMAGES]
    np.testing.assert_array_equal(decode_pngs(files, 28, 28), IMAGES)


@pytest.mark.parametrize("kind", range(5))
def test_each_filter(kind):
    files = [_with_filter(image, [kind] * 28) for image in IMAGES]
    np.testing.assert_array_equal(decode_pngs(files, 28, 28), IMAGES)


def test_filters_mixed_within_and_between_images():
    kinds = RNG.integers(0, 5, (len(IMAGES), 28)).tolist()
    files = [_with_filter(*pair) for pair in zip(IMAGES, kinds, strict=True)]
    np.testing.assert_array_equal(decode_pngs(files, 28, 28), IMAGES)


def test_the_filters_that_libpng_would_choose():
    files = [filtered_png(image) for image in IMAGES]
    np.testing.assert_array_equal(decode_pngs(files, 28, 28), IMAGES)


def test_other_sizes_and_no_images():
    image = RNG.integers(0, 256, (5, 3), np.uint8)
    (got,) = decode_pngs([filtered_png(image)], 5, 3)
    np.testing.assert_array_equal(got, image)
    assert decode_pngs([], 28, 28).shape == (0, 28, 28)


def test_pillow_reads_and_writes_the_same():
    pillow = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    for image in IMAGES[:5]:
        with pillow.open(io.BytesIO(encode_png(image))) as opened:
            assert opened.mode == "L"
            np.testing.assert_array_equal(np.asarray(opened), image)
        file = io.BytesIO()
        pillow.fromarray(image).save(file, "png", optimize=True)
        np.testing.assert_array_equal(decode_pngs([file.getvalue()], 28, 28)[0], image)


def test_data_in_several_chunks_among_others():
    lines = np.zeros((28, 29), np.uint8)
    lines[:, 1:] = IMAGES[0]
    data = zlib.compress(lines.tobytes())
    file = png(28, 28, [data[:10], b"", data[10:]], before=chunk(b"gAMA", bytes(4)))
    np.testing.assert_array_equal(decode_pngs([file], 28, 28)[0], IMAGES[0])


def test_images_of_other_kinds_are_left_to_pillow():
    """One bit, four bits, a palette, interlaced: between images of the usual kind."""
    pillow = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    black_and_white = np.where(IMAGES[0] > 100, 255, 0).astype(np.uint8)
    sixteen = (IMAGES[1] // 16) * 17
    nibbles = (IMAGES[1] // 16).astype(np.uint8)
    packed = np.zeros((28, 15), np.uint8)
    packed[:, 1:] = nibbles[:, ::2] << 4 | nibbles[:, 1::2]
    saved = []
    for image, mode in ((black_and_white, "1"), (IMAGES[2], "P")):
        file = io.BytesIO()
        pillow.fromarray(image).convert(mode).save(file, "png")
        saved.append(file.getvalue())
    four_bits = png(28, 28, [zlib.compress(packed.tobytes())], header=(4, 0, 0, 0, 0))
    files = [saved[0], encode_png(IMAGES[3]), saved[1], four_bits]
    got = decode_pngs(files, 28, 28)
    for image, expected in zip(
        got, (black_and_white, IMAGES[3], IMAGES[2], sixteen), strict=True
    ):
        np.testing.assert_array_equal(image, expected)


def test_without_pillow_other_kinds_are_an_error(monkeypatch):
    def missing(module, package):
        raise MissingPackageError(f'{package}: pip install "flaxnn[data]"')

    monkeypatch.setattr(_png, "require", missing)
    four_bits = png(28, 28, [b""], header=(4, 0, 0, 0, 0))
    with pytest.raises(MissingPackageError, match=r"Pillow: pip install"):
        decode_pngs([four_bits], 28, 28)


GOOD = filtered_png(IMAGES[0])
LINES = zlib.decompress(GOOD[41:-16])
BAD = {
    "empty": b"",
    "text": b"<html>",
    "cut short": GOOD[:200],
    "without its end": png(28, 28, [zlib.compress(LINES)[:-6]]),
    "without its check": png(28, 28, [zlib.compress(LINES)[:-4]]),
    "too few lines": png(28, 28, [zlib.compress(LINES[:-29])]),
    "too many lines": png(28, 28, [zlib.compress(LINES + LINES[:29])]),
    "a bomb": png(28, 28, [zlib.compress(bytes(10**7))]),
    "another filter": png(28, 28, [zlib.compress(b"\5" + LINES[1:])]),
    "no data": png(28, 28, []),
    "damaged": GOOD[:60] + bytes([GOOD[60] ^ 255]) + GOOD[61:],
    "another size": filtered_png(IMAGES[0][:14]),
    "another kind, damaged": png(28, 28, [b"no"], header=(4, 0, 0, 0, 0)),
}


@pytest.mark.parametrize("damage", BAD)
def test_a_bad_image_is_named(damage):
    pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    with pytest.raises(CorruptDataError, match="image 2: expected an intact image"):
        decode_pngs([GOOD, GOOD, BAD[damage], GOOD], 28, 28)
