# SPDX-License-Identifier: Apache-2.0
"""JSON of files, with bounded memory and no key twice."""

from __future__ import annotations

import json

from flaxnn.interop._errors import FileFormatError

MEMORY = 52 << 20
# Bytes of memory that a character can stand for at most: of a list, of a dict and its
# items, of an element and of text. Those inside of names count too.
_COSTS = {b"[": 90, b"{": 260, b":": 120, b",": 48, b'"': 32}


def parse_json(raw: bytes, what: str) -> dict:
    """Returns a JSON object.

    Args:
        raw: Its UTF-8 text.
        what: What it is, for errors.

    Returns:
        The object.

    Raises:
        FileFormatError: It is no object, has a key twice, or takes too much memory.
    """
    width = 1 if raw.isascii() else 4
    cost = (1 + 2 * width) * len(raw)
    cost += sum(each * raw.count(sign) for sign, each in _COSTS.items())
    if cost > MEMORY:
        raise FileFormatError(f"{what} takes more than {MEMORY >> 20} MiB of memory")
    try:
        value = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_constant
        )
    except FileFormatError as error:
        raise FileFormatError(f"{what} {error}") from None
    except (ValueError, RecursionError) as error:
        reason = str(error)[:200] or "too deeply nested"
        raise FileFormatError(f"{what} is no JSON: {reason}") from None
    if type(value) is not dict:
        raise FileFormatError(f"{what} is no JSON object")
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise FileFormatError(f"has the key {twice[:200]!r} twice")
    return result


def _constant(name: str) -> object:
    raise FileFormatError(f"has {name}, which JSON has not")
