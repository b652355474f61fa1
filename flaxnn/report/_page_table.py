# SPDX-License-Identifier: Apache-2.0
"""Tables of a page: numbers at the right, each column fit to be sorted by."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

import numpy as np

Tone = Literal["good", "bad", "muted", "ours", "theirs"]


@dataclass(frozen=True)
class Cell:
    """A cell of a table that says more than its value.

    Attributes:
        text: What it says.
        value: The number it is sorted by; None sorts it by its text.
        bar: Where a bar under the text begins and ends, from 0 to 1.
        mark: Where the bar's scale has a line, from 0 to 1.
        tone: Its colour, beside what the text says.

    Example:
        >>> Cell("2.4 ms", 2.4e-3, bar=(0, 0.3), tone="ours").text
        '2.4 ms'
    """

    text: str
    value: float | None = None
    bar: tuple[float, float] | None = None
    mark: float | None = None
    tone: Tone | None = None


Value = Cell | str | float | int | bool | None
"""What a cell of a table may be."""


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Value]],
    caption: str,
    formats: Mapping[str, str],
    folded: str | None,
    key: str,
) -> str:
    """Returns the table of `Page.table`; `key` is its caption's id."""
    unknown = sorted(set(formats) - set(columns))
    if unknown:
        raise ValueError(
            f"formats: expected names among {list(columns)}, got {unknown}"
        )
    for k, row in enumerate(rows):
        if len(row) != len(columns):
            raise ValueError(
                f"row {k}: expected {len(columns)} cells, one for each of "
                f"{list(columns)}, got {len(row)}"
            )
    columnar = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    numeric = [_is_numeric(column) for column in columnar]
    heads = "".join(
        f'<th scope="col"{_class("n" if right else "")}>{escape(name)}</th>'
        for name, right in zip(columns, numeric, strict=True)
    )
    specs = [formats.get(name, "") for name in columns]
    body = "\n".join(
        "<tr>"
        + "".join(
            _cell(value, spec, right)
            for value, spec, right in zip(row, specs, numeric, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    whole = (
        f'<figure><figcaption id="{key}">{escape(caption)}</figcaption>'
        f'<div class="scroll" role="region" tabindex="0" aria-labelledby="{key}">'
        f'<table aria-labelledby="{key}"><thead><tr>{heads}</tr></thead>\n'
        f"<tbody>{body}</tbody></table></div></figure>\n"
    )
    if folded is None:
        return whole
    return f"<details><summary>{escape(folded)}</summary>\n{whole}</details>\n"


def _is_numeric(column: Sequence[Value]) -> bool:
    return any(_sorted_by(cell) is not None for cell in column)


def _sorted_by(cell: Value) -> float | None:
    if isinstance(cell, Cell):
        return cell.value
    if isinstance(cell, str | bool | np.bool_) or cell is None:
        return None
    return float(cell)


def _cell(value: Value, spec: str, right: bool) -> str:
    cell = value if isinstance(value, Cell) else _plain(value, spec)
    names = [cell.tone or "", "n" if right else "", "bar" if cell.bar else ""]
    place = ""
    if cell.value is not None and not math.isnan(cell.value):
        # As JavaScript reads numbers.
        number = f"{cell.value:.9g}".replace("inf", "Infinity")
        place = f' data-v="{number}"'
    classes = _class(" ".join(filter(None, names)))
    return f"<td{classes}{place}>{escape(cell.text)}{_bar(cell)}</td>"


def _class(names: str) -> str:
    return f' class="{names}"' if names else ""


def _plain(value: str | float | int | bool | None, spec: str) -> Cell:
    if value is None:
        return Cell("")
    if isinstance(value, str):
        return Cell(value)
    if isinstance(value, bool | np.bool_):
        return Cell("✓ passed", tone="good") if value else Cell("✗ failed", tone="bad")
    number = float(value)
    if not spec or not number:
        spec = ",.0f" if number.is_integer() and abs(number) < 1e15 else ".4g"
    return Cell(format(number, spec), number)


def _bar(cell: Cell) -> str:
    if cell.bar is None:
        return ""
    start, end = sorted(min(1.0, max(0.0, at)) for at in cell.bar)
    mark = ""
    if cell.mark is not None:
        at = f"{1000 * cell.mark:.0f}"
        mark = f'<line x1="{at}" x2="{at}" y1="-4" y2="14"/>'
    return (
        '<svg aria-hidden="true" viewBox="0 0 1000 10" preserveAspectRatio="none">'
        '<rect class="track" width="1000" height="10"/>'
        f'<rect x="{1000 * start:.0f}" width="{max(2, 1000 * (end - start)):.0f}" '
        f'height="10"/>{mark}</svg>'
    )
