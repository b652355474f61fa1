# SPDX-License-Identifier: Apache-2.0
"""Docstrings here say `Example:`; Griffe knows that section as `Examples:`.

Without this, the doctest below it is read as Markdown: prompts become quotations, and
lists of lists become links.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

_HEADING = re.compile(r"^(\s*)Example:$", re.MULTILINE)


class ExampleSections(griffe.Extension):
    """Reads a heading `Example:` as the section of examples."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Renames the heading in the docstring of an object that was loaded."""
        if obj.docstring is not None:
            obj.docstring.value = _HEADING.sub(r"\1Examples:", obj.docstring.value)
