# SPDX-License-Identifier: Apache-2.0
"""The lines of a trace, read and checked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flaxnn.parity._writing import FILE

# A line of a model with tens of thousands of tensors has some megabytes.
_LONGEST_LINE = 64 << 20


class TraceError(ValueError):
    """A trace is damaged, is none, or has not what was asked for."""


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of the lines; the last one counts only if it was finished."""
    with path.open(encoding="utf-8", newline="\n") as file:
        number = 0
        while text := file.readline(_LONGEST_LINE):
            number += 1
            if not text.endswith("\n"):
                if len(text) < _LONGEST_LINE:
                    return
                raise TraceError(f"line {number} of {path} is too long")
            try:
                line = json.loads(text)
            except (ValueError, RecursionError) as error:
                raise TraceError(
                    f"line {number} of {path} is damaged: {str(error)[:200]}"
                ) from None
            if not isinstance(line, dict):
                raise TraceError(f"line {number} of {path} is no JSON object")
            yield line


def is_header(line: Mapping[str, Any]) -> bool:
    """Whether a line is a header; what it has must be of the right types."""
    tables = [line.get(key, {}) for key in ("modules", "parameters", "buffers")]
    return (
        line.get("kind") == "header"
        and isinstance(line.get("format"), int)
        and isinstance(line.get("loss"), dict | None)
        and isinstance(line.get("optimizer"), dict | None)
        and all(isinstance(table, dict) for table in tables)
        and all(isinstance(row, dict) for table in tables for row in table.values())
    )


def is_step(line: Mapping[str, Any], number: int) -> bool:
    """Whether a line has all that `Step` reads, in the right types."""
    match line:
        case {
            "kind": "step",
            "step": int(step),
            "whole": bool(whole),
            "losses": [*losses],
            "groups": [*groups],
            "batch": {"sizes": [*sizes], "checksums": [*checksums]},
            "generator": str() | None,
            "gradient_norms": dict(norms),
        }:
            pass
        case _:
            return False
    calls, tensors = line.get("calls", []), line.get("tensors", {})
    return (
        step == number
        and isinstance(line.get("loss"), dict | None)
        and (not whole or "tensors" in line)
        and all(map(_is_number, [*losses, *norms.values()]))
        and all(isinstance(group, dict) for group in groups)
        and all(type(size) is int for size in sizes)
        and all(isinstance(each, str) for each in checksums)
        and isinstance(calls, list)
        and all(isinstance(call, dict) for call in calls)
        and isinstance(tensors, dict)
        and all(map(_is_place, tensors.values()))
    )


def _is_number(value: Any) -> bool:
    if type(value) is int:
        return abs(value) < 1 << 1000
    return type(value) is float or value in ("nan", "inf", "-inf")


def _is_place(entry: Any) -> bool:
    """Whether an entry points into a file of the trace, and to nowhere else."""
    match entry:
        case {"file": str(file), "key": str()}:
            return FILE.fullmatch(file) is not None
    return False
