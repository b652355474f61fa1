# SPDX-License-Identifier: Apache-2.0
"""A notebook in another language: prose of its own, the code of the original.

A translation is a row of blocks, one for each cell of prose in the original, in the same
order. It has no code: that is the original's. Each block begins with the fingerprint of
the prose that it translates, by which a change there is noticed:

    <!-- en 1f0c2a9b -->

A fence in a block is empty, and takes what the original's fence holds. The names, the
formulas and the numbers of the original stand in the block too.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Iterator
from typing import NamedTuple

from nbformat import NotebookNode

MARK = re.compile(r"^<!-- en (\S+) -->\n", re.MULTILINE)
FENCE = re.compile(r"^```(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
CODE = r"`[^`]+`|\$\$[^$]+\$\$|\$[^$\n]+\$"
# One digit may be a word in the other language.
LITERAL = re.compile(rf"{CODE}|\]\([^)\s]+\)|\d[\d,.:]*\d")


class TranslationError(ValueError):
    """A translation does not fit its original; a line for each fault."""


class Block(NamedTuple):
    """A block of a translation, with the fingerprint that it begins with."""

    mark: str
    prose: str


class Pair(NamedTuple):
    """A cell of prose in the original, by its number, and its translation."""

    number: int
    original: str
    block: Block

    @property
    def seen(self) -> bool:
        """Whether the block was made from this very prose."""
        return self.block.mark == fingerprint(self.original)


def fingerprint(prose: str) -> str:
    """A few characters that change with the words, but not where lines break."""
    return hashlib.sha256(" ".join(prose.split()).encode()).hexdigest()[:8]


def translate(original: NotebookNode, translation: str, name: str) -> NotebookNode:
    """The original's notebook with the prose of a translation.

    Raises:
        TranslationError: Cells without a block, blocks without a cell, or blocks with
            other fences, names, formulas or numbers than their cells.
    """
    made, faults = copy.deepcopy(original), []
    for pair in pairs(original, translation, name):
        where = f"{name}, cell {pair.number} ({_beginning(pair.original)})"
        faults += [f"{where}: {fault}" for fault in _differences(pair)]
        made.cells[pair.number].source = _filled(pair)
    if faults:
        raise TranslationError("\n".join(faults))
    return made


def unseen(original: NotebookNode, translation: str, name: str) -> list[str]:
    """What has changed in the original since it was translated, a line for each cell.

    Raises:
        TranslationError: There are not as many blocks as cells of prose.
    """
    return [
        f"{name}, cell {pair.number} ({_beginning(pair.original)}): the original has "
        f"changed. Look at its translation, then run build.py --seen {name}"
        for pair in pairs(original, translation, name)
        if not pair.seen
    ]


def mark_seen(original: NotebookNode, translation: str, name: str) -> str:
    """The translation, each block with the fingerprint of the prose as it is now.

    Raises:
        TranslationError: There are not as many blocks as cells of prose.
    """
    marks = iter([fingerprint(p.original) for p in pairs(original, translation, name)])
    return MARK.sub(lambda _: f"<!-- en {next(marks)} -->\n", translation)


def pairs(original: NotebookNode, translation: str, name: str) -> list[Pair]:
    """The cells of prose with their blocks.

    Raises:
        TranslationError: There are not as many of the one as of the other.
    """
    cells = [
        (number, cell.source)
        for number, cell in enumerate(original.cells)
        if cell.cell_type == "markdown"
    ]
    before, *parts = MARK.split(translation)
    own = [Block(*part) for part in zip(parts[::2], parts[1::2], strict=True)]
    if before.strip():
        raise TranslationError(
            f"{name}: starts with {_beginning(before)}, but each block starts with a "
            "line <!-- en new -->, to which build.py --seen writes the fingerprint"
        )
    if len(cells) != len(own):
        raise TranslationError(_unpaired(cells, own, name))
    return [Pair(*cell, block) for cell, block in zip(cells, own, strict=True)]


def _unpaired(cells: list[tuple[int, str]], own: list[Block], name: str) -> str:
    """Where the two part; as long as they agree, fingerprints tell."""
    agree = 0
    for (_, prose), block in zip(cells, own, strict=False):
        if block.mark != fingerprint(prose):
            break
        agree += 1
    number, prose = cells[agree] if agree < len(cells) else (len(cells), "")
    there = f"cell {number} ({_beginning(prose)})" if prose else "no further prose"
    here = _beginning(own[agree].prose) if agree < len(own) else "no further block"
    return (
        f"{name}: {len(own)} blocks for {len(cells)} cells of prose. From the start, "
        f"{agree} fit; then the original has {there} and the translation {here}"
    )


def _differences(pair: Pair) -> Iterator[str]:
    """What a block has otherwise than its cell."""
    prose = pair.block.prose
    if not prose.strip():
        yield "the block is empty"
        return
    theirs, ours = FENCE.findall(pair.original), FENCE.findall(prose)
    if [kind for kind, _ in theirs] != [kind for kind, _ in ours]:
        yield (
            f"expected the fences {[kind for kind, _ in theirs]}, "
            f"got {[kind for kind, _ in ours]}"
        )
    elif any(code.strip() for _, code in ours):
        yield "a fence is not empty; it takes the code of the original"
    theirs, ours = _literals(pair.original), _literals(prose)
    if lost := sorted(theirs - ours):
        yield f"the original has {', '.join(lost)}, and the translation does not"
    if own := sorted(literal for literal in ours - theirs if literal[0] in "`$"):
        yield f"the translation has {', '.join(own)}, and the original does not"


def _literals(prose: str) -> set[str]:
    """The names, formulas, links and numbers in prose, fences aside."""
    found = LITERAL.findall(FENCE.sub("", prose))
    return {" ".join(literal.split()) for literal in found}


def _filled(pair: Pair) -> str:
    """The prose of a block, its empty fences filled from the original."""
    fences = (fence[0] for fence in FENCE.finditer(pair.original))
    prose = pair.block.prose.strip()
    return FENCE.sub(lambda empty: next(fences, empty[0]), prose)


def _beginning(prose: str) -> str:
    """The words that prose begins with, quoted."""
    words = " ".join(prose.split())
    return f"“{words[:40]}…”" if len(words) > 41 else f"“{words}”"
