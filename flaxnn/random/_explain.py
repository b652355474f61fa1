# SPDX-License-Identifier: Apache-2.0
"""What a run drew, for whom, and where two runs part."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape
from typing import Any

from flaxnn.random._draw_rows import PARAMETER, Row, rows_of
from flaxnn.random._generator import Generator
from flaxnn.random._ledger import Draw
from flaxnn.random._shifts import Shift, capital, counted, own_shifts, shifts

# A table of more rows shows so many of the first and of the last.
_FIRST, _LAST = 30, 10
_COLUMNS = ("draw", "offset", "words", "kind", "shape", "what")


class Explanation:
    """The draws of a run, and where another run parts from it.

    It prints as sentences and a table. What `explain` returns.

    Attributes:
        rows: A mapping for each draw: ``draw`` (its number), ``consumer`` (as in the
            ledger), ``what`` (in words), ``epoch`` (of a loader), ``kind``, ``shape``,
            ``dtype``, ``offset`` and ``words``.
        sentences: What there is to say.
        shifts: The places where the two runs part: mappings with ``offset``, ``words``
            (how many more the second run draws), ``first`` and ``second`` (the rows
            that only one of them has), ``shifted`` (the next row of both) and
            ``sentence``. Empty for one run.

    Args:
        rows: The draws.
        sentences: What there is to say of them.
        parted: The places where the two runs part.
    """

    def __init__(
        self, rows: Sequence[Row], sentences: Sequence[str], parted: Sequence[Shift]
    ) -> None:
        self.rows: list[dict[str, Any]] = [row.plain() for row in rows]
        self.sentences: tuple[str, ...] = tuple(sentences)
        self.shifts: list[dict[str, Any]] = [shift.plain() for shift in parted]

    def to_json(self, *, indent: int | None = None) -> str:
        """Returns rows, sentences and shifts as JSON.

        Args:
            indent: As for `json.dumps`.
        """
        return json.dumps(
            {"sentences": self.sentences, "shifts": self.shifts, "rows": self.rows},
            indent=indent,
            ensure_ascii=False,
        )

    def __str__(self) -> str:
        cells = [_COLUMNS, *self._cells()]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        table = [
            "  ".join(
                cell.ljust(width)
                if name in ("kind", "shape", "what")
                else cell.rjust(width)
                for name, cell, width in zip(_COLUMNS, row, widths, strict=True)
            ).rstrip()
            for row in cells
        ]
        return "\n".join([*self.sentences, "", *table] if self.rows else self.sentences)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        heads = "".join(f"<th>{name}</th>" for name in _COLUMNS)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
            for row in self._cells()
        )
        said = "".join(f"<p>{escape(sentence)}</p>" for sentence in self.sentences)
        return (
            f"{said}<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
        )

    def _cells(self) -> Iterator[tuple[str, ...]]:
        left_out = len(self.rows) - _FIRST - _LAST
        for k, row in enumerate(self.rows):
            if left_out > 1 and _FIRST <= k < _FIRST + left_out:
                if k == _FIRST:
                    yield ("…", "", "", "", "", f"{left_out:,} more draws")
                continue
            shape = "×".join(map(str, row["shape"])) or "one"
            yield (
                str(row["draw"]),
                f"{row['offset']:,}",
                f"{row['words']:,}",
                str(row["kind"]),
                shape,
                str(row["what"]),
            )


def explain(
    run: Generator | Sequence[Draw],
    other: Generator | Sequence[Draw] | None = None,
    *,
    names: tuple[str, str] = ("the first run", "the second run"),
) -> Explanation:
    """Returns every draw of a run and whom it was for, or where two runs part.

    With two runs it names the first draw at which they part, by how many 32-bit words,
    and whose doing it is; then every other difference. The numbers that two runs draw
    are the same up to that draw, where their seeds are.

    Args:
        run: A `Generator` that was made with ``ledger=True``, after the run; or its
            ledger.
        other: Another run's, compared with the first.
        names: What the sentences call the two.

    Raises:
        TypeError: It is neither a Generator nor a ledger.
        ValueError: The Generator keeps no ledger.

    Torch:
        No counterpart. What flaxnn draws it draws in PyTorch's order, so the rows are
        the draws of the PyTorch script too.

    Example:
        >>> import numpy as np
        >>> from flaxnn.data import DataLoader
        >>> def run(evaluate):
        ...     generator = Generator(0, ledger=True)
        ...     train = DataLoader(np.zeros(60), 30, shuffle=True, rngs=generator)
        ...     test = DataLoader(np.zeros(10), 10, rngs=generator)
        ...     for epoch in range(2):
        ...         batches = list(train)
        ...         if evaluate:
        ...             with generator.consumer("evaluation"):
        ...                 batches = list(test)
        ...     return generator
        >>> explain(run(False))
        Four draws took eight words.
        DataLoader(60 rows, shuffle=True): four draws, eight words.
        <BLANKLINE>
        draw  offset  words  kind    shape  what
           0       0      2  random  one    the base seed of epoch 1 of DataLoader...
           1       2      2  random  one    the shuffle of epoch 1 of DataLoader...
           2       4      2  random  one    the base seed of epoch 2 of DataLoader...
           3       6      2  random  one    the shuffle of epoch 2 of DataLoader...
        >>> explain(run(False), run(True)).sentences[0]
        'Your evaluation loader shifts the shuffle of epoch 2 by two words: at word 4
        the second run draws the base seed of pass 1 of the evaluation loader, and the
        first run does not.'
    """
    first = rows_of(_ledger(run))
    if other is None:
        sentences = [_shortened(said, first) for said in own_shifts(first)]
        return Explanation(first, [*_totals(first), *sentences], ())
    second = rows_of(_ledger(other))
    parted = shifts(first, second, names)
    sentences = [*_seeds(run, other, names)]
    if parted:
        both = [*first, *second]
        parted = [
            replace(shift, sentence=_shortened(shift.sentence, both))
            for shift in parted
        ]
        sentences += [shift.sentence for shift in parted]
    else:
        words = counted(sum(row.draw.words for row in first))
        many = counted(len(first), "draw")
        sentences.append(f"Both make the same {many} of {words} in the same order.")
    return Explanation(first, sentences, parted)


def _ledger(run: Any) -> Sequence[Draw]:
    if isinstance(run, Generator):
        if run.ledger is None:
            raise ValueError(
                "this Generator keeps no ledger; make it with "
                f"Generator({run.initial_seed()}, ledger=True) before anything is drawn"
            )
        return run.ledger
    if isinstance(run, Sequence) and all(isinstance(draw, Draw) for draw in run):
        return run
    raise TypeError(
        "expected a Generator with a ledger, or a ledger, got " + type(run).__name__
    )


def _shortened(sentence: str, rows: Sequence[Row]) -> str:
    """The sentence without the names of the only loaders of their kind."""
    for evaluates, named, short in (
        (True, "your evaluation loader, {},", "your evaluation loader"),
        (True, "Your evaluation loader, {},", "Your evaluation loader"),
        (True, "the evaluation loader {}", "the evaluation loader"),
        (False, " of {}", ""),
    ):
        kind = {row.loader for row in rows if row.loader and row.evaluates == evaluates}
        if len(kind) == 1:
            sentence = sentence.replace(named.format(*kind), short)
    return sentence


def _seeds(run: Any, other: Any, names: tuple[str, str]) -> Iterator[str]:
    if isinstance(run, Generator) and isinstance(other, Generator):
        one, two = run.initial_seed(), other.initial_seed()
        if one != two:
            yield (
                f"The seeds differ, {one} of {names[0]} and {two} of {names[1]}: all "
                "numbers do, whatever is said below of their places."
            )


def _totals(rows: Sequence[Row]) -> Iterator[str]:
    """How much was drawn in all, and for whom."""
    words = counted(sum(row.draw.words for row in rows))
    yield f"{capital(counted(len(rows), 'draw'))} took {words}."
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(_group(row), []).append(row)
    for name, members in groups.items():
        taken = counted(sum(row.draw.words for row in members))
        yield f"{name}: {counted(len(members), 'draw')}, {taken}."


def _group(row: Row) -> str:
    if row.loader is not None:
        return row.loader
    consumer = row.draw.consumer
    if consumer is None:
        return "Your own draws"
    if PARAMETER in consumer:
        return "Parameters"
    return consumer
