# SPDX-License-Identifier: Apache-2.0
"""One HTML page that holds all it shows, and works without a network."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib import resources
from pathlib import Path
from typing import Literal

from numpy.typing import ArrayLike

from flaxnn.report._page_curves import curves
from flaxnn.report._page_image import image_attributes
from flaxnn.report._page_table import Tone, Value, table

# Nothing is loaded from anywhere: the browser itself is told so.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "img-src data:"
)
_STATUS: dict[str, tuple[str, Tone]] = {
    "passed": ("✓", "good"),
    "failed": ("✗", "bad"),
    "skipped": ("–", "muted"),
}
Status = Literal["passed", "failed", "skipped"]
# So many sections get a list of links above them.
_MANY_SECTIONS = 3


class Page:
    """A report as one HTML file: tables to sort, curves, pictures, a verdict.

    What is added stands in the order in which it was added, after a `section`. The
    page has a light and a dark face, can be read on a phone, without sight and on
    paper, and asks no server for anything. Equal content gives equal bytes.

    Args:
        title: Its heading, and its name in the browser.
        subtitle: A line under the heading.
        facts: What was run where, such as versions; shown at the end of the top.

    Example:
        >>> page = Page("Two runs", facts={"flaxnn": "0.1"})
        >>> page.verdict(True, "3 of 3 losses agree", {"largest distance": "1e-07"})
        >>> page.section("Losses")
        >>> page.table(["step", "loss"], [[0, 0.9], [1, 0.5]], caption="Losses")
        >>> page.curves([0.9, 0.5, 0.3], [0.9, 0.5, 0.3], title="Both sides")
        >>> page.html().startswith("<!doctype html>")
        True
    """

    def __init__(
        self,
        title: str,
        subtitle: str = "",
        facts: Mapping[str, str] | None = None,
    ) -> None:
        self._title = title
        self._subtitle = subtitle
        self._facts = dict(facts or {})
        self._verdict = ""
        self._body: list[str] = []
        self._sections: list[str] = []
        self._figures = 0

    def verdict(
        self,
        passed: bool | None,
        text: str,
        numbers: Mapping[str, str] | None = None,
    ) -> None:
        """Says what came out, above everything else.

        Args:
            passed: Whether it passed; None where nothing was judged.
            text: The sentence.
            numbers: The few figures that matter, by what they are.
        """
        word, tone = "", ""
        if passed is not None:
            word = f"<strong>{'✓ PASS' if passed else '✗ FAIL'}</strong>"
            tone = " good" if passed else " bad"
        self._verdict = (
            f'<div class="verdict{tone}"><p>{word}{escape(text)}</p>'
            f"{_pairs('numbers', numbers or {})}</div>\n"
        )

    def section(
        self, title: str, *, note: str = "", status: Status | None = None
    ) -> None:
        """Begins a section; what follows belongs to it.

        Args:
            title: Its heading.
            note: A quiet line under the heading.
            status: ``"passed"``, ``"failed"`` or ``"skipped"``, said beside it.
        """
        if self._sections:
            self._body.append("</section>\n")
        self._sections.append(title)
        key = f"s{len(self._sections)}"
        badge = ""
        if status is not None:
            sign, tone = _STATUS[status]
            badge = f' <span class="badge {tone}">{sign} {status}</span>'
        self._body.append(
            f'<section aria-labelledby="{key}"><h2 id="{key}">{escape(title)}{badge}'
            "</h2>\n"
        )
        if note:
            self._body.append(f'<p class="quiet">{escape(note)}</p>\n')

    def subsection(self, title: str) -> None:
        """Puts a smaller heading into the section.

        Args:
            title: The heading.
        """
        self._add(f"<h3>{escape(title)}</h3>\n")

    def text(self, text: str) -> None:
        """Adds a paragraph.

        Args:
            text: Its sentences; the page has no other markup than its own.
        """
        self._add(f"<p>{escape(text)}</p>\n")

    def code(self, text: str) -> None:
        """Adds text whose lines and spaces stay as they are.

        Args:
            text: The lines.
        """
        self._add(f'<pre tabindex="0">{escape(text)}</pre>\n')

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[Value]],
        *,
        caption: str,
        formats: Mapping[str, str] | None = None,
        folded: str | None = None,
    ) -> None:
        """Adds a table that can be sorted by each of its columns.

        Args:
            columns: The names of the columns.
            rows: A cell for each column: a text, a number, a bool for passed or
                failed, None for nothing, or a `Cell`. Columns of numbers stand at the
                right and are sorted by value.
            caption: What the table shows.
            formats: Format specifications of numbers by column, such as ``".1e"``.
            folded: What is shown of a folded table; None does not fold it.

        Raises:
            ValueError: A row has too many or too few cells, or a format no column.
        """
        self._figures += 1
        key = f"t{self._figures}"
        self._add(table(columns, rows, caption, formats or {}, folded, key))

    def curves(
        self,
        ours: ArrayLike,
        theirs: ArrayLike | Mapping[int, float],
        *,
        floor: ArrayLike | None = None,
        names: tuple[str, str] = ("flaxnn", "PyTorch"),
        title: str,
    ) -> None:
        """Adds two runs' losses over each other, and their difference below.

        Args:
            ours: ``(N,)`` our loss at every step. Numbers that are not finite leave
                gaps, and the caption says so.
            theirs: The other side's: ``(N,)`` too, or a mapping from some of the steps
                to their losses, as a document prints them.
            floor: The noise floor of the other side, one number or ``(N,)``; it and
                four times it, the largest difference that T2 lets pass, are drawn.
            names: What the two sides are called.
            title: What was run.

        Raises:
            ValueError: A shape or a step is wrong, or a number of the other side is
                not finite.
        """
        self._figures += 1
        self._add(curves(ours, theirs, floor, names, title, f"f{self._figures}"))

    def picture(
        self, image: bytes, *, description: str, caption: str = "", density: int = 2
    ) -> None:
        """Adds a picture, which the page then holds.

        Args:
            image: The bytes of a PNG file, or of an SVG file.
            description: What is to be seen, for who does not see it.
            caption: What stands above it.
            density: The pixels of a PNG file for each of the page's.

        Raises:
            ValueError: The bytes are of no such file.
        """
        above = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
        attributes = image_attributes(image, density)
        self._add(
            f'<figure>{above}<img {attributes} loading="lazy" '
            f'alt="{escape(description)}"></figure>\n'
        )

    def html(self) -> str:
        """Returns the whole page."""
        closing = "</section>\n" if self._sections else ""
        under = (
            f'<p class="quiet">{escape(self._subtitle)}</p>' if self._subtitle else ""
        )
        return (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="color-scheme" content="light dark">\n'
            f"<title>{escape(self._title)}</title>\n"
            '<link rel="icon" href="data:,">\n'
            f"<style>\n{_part('page.css')}</style>\n</head>\n<body>\n"
            f"<header><div><h1>{escape(self._title)}</h1>{under}</div>"
            '<button id="theme" type="button" hidden>Dark</button></header>\n'
            f"<main>\n{self._verdict}{_pairs('facts', self._facts)}{self._links()}"
            f"{''.join(self._body)}{closing}</main>\n"
            f"<script>\n{_part('page.js')}</script>\n</body>\n</html>\n"
        )

    @staticmethod
    def prepare(path: str | Path) -> None:
        """Raises what would keep `write` from writing there, before a long run.

        Args:
            path: The file that a page shall be written to.

        Raises:
            ValueError: Its name does not end with ``.html``.
            OSError: Its folder is missing, or it cannot be written.
        """
        path = Path(path)
        if path.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"expected a file name that ends with .html, got {path}")
        if path.is_dir():
            raise IsADirectoryError(f"{path} is a folder, expected a file")
        if not path.parent.is_dir():
            raise NotADirectoryError(
                f"there is no folder {path.parent} to write {path.name} in; make it, "
                "or name another"
            )
        if path.exists():
            with path.open("ab"):
                return
        with tempfile.TemporaryFile(dir=path.parent):
            pass

    def write(self, path: str | Path) -> None:
        """Writes the page to a file, which it replaces.

        Args:
            path: The file; its folder must be there.

        Raises:
            OSError: The file cannot be written.
        """
        Path(path).write_bytes(self.html().encode())

    def _add(self, part: str) -> None:
        if not self._sections:
            raise ValueError(
                "expected a section before what stands in it: call section"
            )
        self._body.append(part)

    def _links(self) -> str:
        if len(self._sections) < _MANY_SECTIONS:
            return ""
        links = "".join(
            f'<li><a href="#s{k}">{escape(title)}</a></li>'
            for k, title in enumerate(self._sections, 1)
        )
        return f'<nav aria-label="Sections"><ul>{links}</ul></nav>\n'


def _pairs(kind: str, pairs: Mapping[str, str]) -> str:
    if not pairs:
        return ""
    body = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in pairs.items()
    )
    return f'<dl class="{kind}">{body}</dl>\n'


@cache
def _part(name: str) -> str:
    return resources.files("flaxnn.report").joinpath(name).read_text(encoding="utf-8")
