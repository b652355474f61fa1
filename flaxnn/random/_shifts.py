# SPDX-License-Identifier: Apache-2.0
"""Where the draws of two runs part, by how many words, and whose doing it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from flaxnn.random._draw_rows import BASE_SEED, Row

# Behind the first difference, so many draws are looked through for others.
_MOST_ALIGNED = 2000
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")


@dataclass(frozen=True)
class Shift:
    """One place where two runs draw different things.

    Attributes:
        offset: How many words both had drawn before; the first run's count.
        words: How many words more the second run draws here; negative for fewer.
        first: What only the first run draws here.
        second: What only the second run draws here.
        shifted: The next draw that both make; None where there is none.
        sentence: All that in words.
    """

    offset: int
    words: int
    first: tuple[Row, ...]
    second: tuple[Row, ...]
    shifted: Row | None
    sentence: str

    def plain(self) -> dict[str, Any]:
        """The shift as plain values, ready for JSON."""
        return {
            "offset": self.offset,
            "words": self.words,
            "first": [row.plain() for row in self.first],
            "second": [row.plain() for row in self.second],
            "shifted": None if self.shifted is None else self.shifted.plain(),
            "sentence": self.sentence,
        }


def shifts(
    first: Sequence[Row], second: Sequence[Row], names: tuple[str, str]
) -> list[Shift]:
    """Every place where two runs draw different things, in the first one's order."""
    same = 0
    for one, other in zip(first, second, strict=False):
        if one.key != other.key:
            break
        same += 1
    a, b = (rows[same : same + _MOST_ALIGNED] for rows in (first, second))
    matcher = SequenceMatcher(
        None, [row.key for row in a], [row.key for row in b], autojunk=False
    )
    found = []
    for tag, a0, a1, b0, b1 in matcher.get_opcodes():
        if tag == "equal":
            continue
        ours, theirs = tuple(a[a0:a1]), tuple(b[b0:b1])
        words = _words(theirs) - _words(ours)
        following = _met(a, a1)
        offset = _offset(first, same + a0)
        sentence = _sentence(ours, theirs, following, offset, words, names)
        found.append(Shift(offset, words, ours, theirs, following, sentence))
    return found


def own_shifts(rows: Sequence[Row]) -> list[str]:
    """Sentences about loaders that shuffle nothing and yet move what follows."""
    shuffling = {row.loader for row in rows if row.loader and not _is_base_seed(row)}
    words: dict[str, int] = {}
    said: dict[str, str] = {}
    for k, row in enumerate(rows):
        if row.loader is None or not _is_base_seed(row) or row.who in said:
            continue
        if row.loader in shuffling and not row.evaluates:
            continue
        words[row.who] = words.get(row.who, 0) + row.draw.words
        victim = _met(rows, k + 1)
        if victim is not None and victim.who != row.who:
            by, begins = words[row.who], victim.draw.offset
            said[row.who] = (
                f"{capital(row.who)} shifts {victim.what} by {counted(by)}: it begins "
                f"at word {begins:,}, and would at {begins - by:,} without that loader."
            )
    return list(said.values())


def counted(number: int, what: str = "word") -> str:
    """How many of something there are, in words where they are few."""
    few = 0 <= number < len(_NUMBERS)
    said = _NUMBERS[number] if few else f"{number:,}"
    return f"{said} {what}" if number == 1 else f"{said} {what}s"


def _sentence(
    ours: tuple[Row, ...],
    theirs: tuple[Row, ...],
    following: Row | None,
    offset: int,
    words: int,
    names: tuple[str, str],
) -> str:
    if ours and theirs:
        place = f"at word {offset:,}"
        return _of_replaced(ours, theirs, following, place, words, names)
    (who, *_), drawing, other = (theirs, *names[::-1]) if theirs else (ours, *names)
    place = f"at word {who.draw.offset:,}"
    drawn = _list(theirs or ours)
    cause = f"{place} {drawing} draws {drawn}, and {other} does not"
    if following is None:
        return f"{capital(cause)}; both draw nothing after it."
    if not words:
        return f"{capital(cause)}; it takes no words, so nothing is shifted."
    by = counted(abs(words)) + ("" if theirs else " to the front")
    return f"{capital(who.who)} shifts {following.what} by {by}: {cause}."


def _of_replaced(
    ours: tuple[Row, ...],
    theirs: tuple[Row, ...],
    following: Row | None,
    place: str,
    words: int,
    names: tuple[str, str],
) -> str:
    first, second = names
    after = ""
    if following is not None:
        way = "later" if words > 0 else "earlier"
        after = f"; {following.what} begins " + (
            f"{counted(abs(words))} {way} in {second}" if words else "at the same word"
        )
    if Counter(row.key for row in ours) == Counter(row.key for row in theirs):
        return (
            f"The order of draws differs {place}: {first} draws {_list(ours)}, "
            f"{second} {_list(theirs)}{after}."
        )
    one, two = ours[0], theirs[0]
    if [row.what for row in ours] == [row.what for row in theirs]:
        others = _list(ours[1:]) if len(ours) > 1 else ""
        also = f", and so does what follows, {others}" if others else ""
        return (
            f"{capital(one.what)} takes other numbers {place}: {_draw(one)} in "
            f"{first}, {_draw(two)} in {second}{also}{after}."
        )
    return (
        f"{capital(place)} {first} draws {_list(ours)}, {second} {_list(theirs)}"
        f"{after}."
    )


def _met(rows: Sequence[Row], index: int) -> Row | None:
    """The draw at a place; for the start of an epoch that shuffles, its shuffle."""
    if index >= len(rows):
        return None
    row = rows[index]
    if not _is_base_seed(row) or index + 1 >= len(rows):
        return row
    after = rows[index + 1]
    same = (after.loader, after.epoch, after.evaluates) == (
        row.loader,
        row.epoch,
        row.evaluates,
    )
    return after if same else row


def _draw(row: Row) -> str:
    draw = row.draw
    return f"{draw.kind} of shape {draw.shape}, {counted(draw.words)}"


def _list(rows: Sequence[Row]) -> str:
    """What was drawn; of many draws the first ones."""
    named = list(dict.fromkeys(row.what for row in rows))
    if len(named) > 3:
        named = [*named[:2], f"{len(named) - 2} others"]
    return " and ".join(filter(None, [", ".join(named[:-1]), named[-1]]))


def _words(rows: Sequence[Row]) -> int:
    return sum(row.draw.words for row in rows)


def _offset(rows: Sequence[Row], index: int) -> int:
    if index < len(rows):
        return rows[index].draw.offset
    return rows[-1].draw.offset + rows[-1].draw.words if rows else 0


def _is_base_seed(row: Row) -> bool:
    return (row.draw.consumer or "").endswith(BASE_SEED)


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]
