# SPDX-License-Identifier: Apache-2.0
"""TOML: Python reads it, and these lines write it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flaxnn.runs._errors import ConfigError

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def read_toml(path: Path) -> dict[str, Any]:
    """What a file holds.

    Raises:
        OSError: It cannot be read.
        ConfigError: It is not TOML; says the line.
    """
    try:
        return tomllib.loads(path.read_bytes().decode())
    except UnicodeDecodeError as error:
        raise ConfigError(
            [f"expected TOML in UTF-8, got other bytes ({error.reason})"], str(path)
        ) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError([f"expected TOML, got other text: {error}"], str(path)) from (
            None
        )


def parse_value(text: str) -> Any:
    """A value as a command line has it: TOML's, or else the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text


def write_toml(values: Mapping[str, Any]) -> str:
    """TOML of values under dotted names, those of one table together.

    Args:
        values: Strings, booleans, numbers, lists and mappings of them.
    """
    top = [
        f"{_key(name)} = {_text(v)}" for name, v in values.items() if "." not in name
    ]
    parts = ["\n".join(top)] if top else []
    for table in dict.fromkeys(n.split(".")[0] for n in values if "." in n):
        lines = [f"[{_key(table)}]"]
        lines += [
            f"{_key(name.split('.', 1)[1])} = {_text(value)}"
            for name, value in values.items()
            if name.startswith(f"{table}.")
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(value: Any) -> str:
    if isinstance(value, str):
        # JSON's strings are TOML's, but for one character that must be escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(k)} = {_text(v)}" for k, v in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return f"[{', '.join(_text(each) for each in value)}]"
