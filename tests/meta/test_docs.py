# SPDX-License-Identifier: Apache-2.0
"""The API reference names every public object, and nothing that is not one."""

from __future__ import annotations

import re
from collections import Counter

from tests.meta._house import ROOT, lazy_homes, public_modules, public_names

API = ROOT / "docs" / "api"
DIRECTIVE = re.compile(r"^::: ([\w.]+)$", re.MULTILINE)


def _described() -> list[str]:
    return [
        name
        for page in sorted(API.glob("*.md"))
        for name in DIRECTIVE.findall(page.read_text(encoding="utf-8"))
    ]


def _shortcuts() -> dict[str, str]:
    """The front's own functions, each with the name it is documented under."""
    return {
        # A function without a public room is documented where it is reached.
        name: f"flaxnn.{name}" if home.startswith("flaxnn._") else f"{home}.{name}"
        for name, home in lazy_homes().items()
    }


def _with_parents(name: str) -> set[str]:
    """The name and the modules it is in: a module is described with all it holds."""
    parts = name.split(".")
    return {".".join(parts[:length]) for length in range(2, len(parts) + 1)}


def test_every_public_name_is_in_the_reference_once() -> None:
    described = Counter(_described())
    public = {name for module in public_modules() for name, _ in public_names(module)}
    public |= set(_shortcuts().values())
    times = {
        name: sum(described[part] for part in _with_parents(name)) for name in public
    }
    missing = sorted(name for name, count in times.items() if count == 0)
    assert not missing, "add to docs/api: " + ", ".join(f"::: {n}" for n in missing)
    assert [name for name, count in times.items() if count > 1] == []
    assert set(described) - public == set(), "in docs/api, but not public"


def test_the_front_page_of_the_reference_names_the_shortcuts() -> None:
    page = (API / "index.md").read_text(encoding="utf-8")
    missing = [name for name in _shortcuts() if f"flaxnn.{name}" not in page]
    assert missing == []
