# SPDX-License-Identifier: Apache-2.0
"""The texts of this folder, and the notebooks and scripts they make.

`NAME.md` is Jupytext's Markdown: what is fenced as `python` is a code cell, the rest is
prose. A fence with `include="FILE"` is a cell that several texts share. `ko/NAME.md` is
the prose of `NAME.md` in Korean; `_translation.py` says how the two are put together.
"""

from __future__ import annotations

import ast
import copy
import itertools
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
from _translation import TranslationError, translate
from nbformat import NotebookNode

SOURCE = Path(__file__).resolve().parent

# The name is Jupyter's for "the Python at hand", on Colab too.
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
# What each file of Python begins with; a cell does not.
LICENCE = "# SPDX-License-Identifier: Apache-2.0\n"


@dataclass(frozen=True, order=True)
class Text:
    """A text, by its name in a folder: `output_layer`, or `ko/output_layer`."""

    source: Path
    name: str

    @property
    def path(self) -> Path:
        """Its file."""
        return self.source / f"{self.name}.md"

    @property
    def stem(self) -> str:
        """The name that a text and its translations share."""
        return self.path.stem

    @property
    def translates(self) -> bool:
        """Whether it is a translation."""
        return self.stem != self.name

    def read(self) -> str:
        """Its contents."""
        return self.path.read_text("utf-8")


def texts(source: Path = SOURCE) -> list[Text]:
    """The texts of a folder, then their translations."""
    return [
        Text(source, path.relative_to(source).with_suffix("").as_posix())
        for pattern in ("*.md", "*/*.md")
        for path in sorted(source.glob(pattern))
    ]


def notebook(text: Text) -> NotebookNode:
    """The notebook of a text: shared cells filled in, no outputs.

    Raises:
        TranslationError: A translation has no original, or does not fit it.
    """
    if text.translates:
        return translate(original(text), text.read(), text.name)
    made = jupytext.reads(text.read(), fmt="md")
    for index, cell in enumerate(made.cells):
        cell["id"] = f"cell-{index:02d}"
        if shared := cell.metadata.pop("include", None):
            source = (text.source / shared).read_text("utf-8")
            cell.source = source.removeprefix(LICENCE).rstrip()
    made.metadata = nbformat.from_dict(
        {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    )
    nbformat.validate(made)
    return made


def original(text: Text) -> NotebookNode:
    """The notebook that a translation translates.

    Raises:
        TranslationError: There is none.
    """
    translated = Text(text.source, text.stem)
    if not translated.path.is_file():
        raise TranslationError(f"{text.name}: there is no {text.stem}.md to translate")
    return notebook(translated)


def script(text: Text) -> str:
    """The script of a text, with its prose as comments."""
    plain = copy.deepcopy(notebook(text))
    filters = {"notebook_metadata_filter": "-all", "cell_metadata_filter": "-all"}
    plain.metadata = nbformat.from_dict({"jupytext": filters})
    for cell, following in itertools.pairwise(plain.cells):
        if _defines(cell, -1) or _defines(following, 0):
            cell.metadata["lines_to_next_cell"] = 2  # as ruff formats it
    note = f"# Made by source/build.py from source/{text.name}.md: edit that file.\n\n"
    return LICENCE + note + jupytext.writes(plain, fmt="py:percent")


def _defines(cell: NotebookNode, statement: int) -> bool:
    """Whether a cell's first (0) or last (-1) statement is a function or a class."""
    body = ast.parse(cell.source).body if cell.cell_type == "code" else []
    return bool(body) and isinstance(body[statement], ast.FunctionDef | ast.ClassDef)
