# SPDX-License-Identifier: Apache-2.0
"""Pictures inside a page."""

from __future__ import annotations

import base64
import re

_SIZE = re.compile(rb"viewBox=[\"']0 0 ([\d.]+) ([\d.]+)[\"']")


def image_attributes(image: bytes, density: int) -> str:
    """Returns source and size of an ``img``; as `Page.picture` takes them."""
    if image[:8] == b"\x89PNG\r\n\x1a\n":
        kind = "png"
        across, down = (int.from_bytes(image[at : at + 4], "big") for at in (16, 20))
        width, height = across // density, down // density
    elif image[:4] == b"<svg" and (size := _SIZE.search(image)):
        kind = "svg+xml"
        width, height = (round(float(number)) for number in size.groups())
    else:
        raise ValueError(
            "image: expected the bytes of a PNG file, or of an SVG file with a "
            f"viewBox, got some that begin with {image[:8]!r}"
        )
    data = base64.b64encode(image).decode()
    source = f"data:image/{kind};base64,{data}"
    return f'src="{source}" width="{width}" height="{height}"'
