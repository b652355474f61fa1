# SPDX-License-Identifier: Apache-2.0
"""What the build does beside MkDocs: pages from the root, and no public name left out.

A hook of MkDocs: https://www.mkdocs.org/user-guide/configuration/#hooks.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "flaxnn"

# Texts of the root that are pages of the site too, each with its place there.
FROM_ROOT = {
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "ARCHITECTURE.md": "project/architecture.md",
    "SECURITY.md": "project/security.md",
}
DECISIONS = "decisions/*.md"
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def on_config(config: Any) -> Any:
    """Lists the decisions, in the order of their numbers."""
    for section in config.nav:
        for entries in section.values():
            if DECISIONS in entries:
                records = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
                place = entries.index(DECISIONS)
                entries[place] = {
                    "Decisions": [
                        "decisions/index.md",
                        *(f"decisions/{record.name}" for record in records),
                    ]
                }
    return config


def on_files(files: Files, config: Any) -> Files:
    """Adds the notebooks, and the texts of the root with links as the site has them."""
    for name, place in FROM_ROOT.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        text = _LINK.sub(lambda link, at=place: f"]({_moved(link[1], at)}", text)
        files.append(File.generated(config, place, content=text))
    examples = ROOT / "examples"
    for notebook in sorted(examples.rglob("*.ipynb")):
        place = f"notebooks/{notebook.relative_to(examples).as_posix()}"
        files.append(File.generated(config, place, content=notebook.read_bytes()))
    return files


def on_page_markdown(markdown: str, **kwargs: Any) -> str:
    """Links to notebooks, which the site has in a folder of its own."""
    del kwargs
    return markdown.replace("](../../examples/", "](../notebooks/")


def _moved(target: str, place: str) -> str:
    """A link from the root, as it is from a page of the site."""
    inside = FROM_ROOT.get(target, target.removeprefix("docs/"))
    return posixpath.relpath(inside, posixpath.dirname(place))


def on_env(env: Any, config: Any, files: Files) -> None:
    """Fails where a public name has no place on a page of the reference."""
    del env, files
    urls = config.plugins["autorefs"]
    missing = []
    for name in _public_names():
        try:
            urls.get_item_url(name)
        except KeyError:
            missing.append(name)
    if missing:
        raise PluginError(
            "public, and on no page of docs/api: "
            + ", ".join(f"::: {name}" for name in missing)
        )


def _public_names() -> Iterator[str]:
    """Every name that a room of the house exports, read from its text."""
    for front in sorted(PACKAGE.glob("[a-z]*/__init__.py")):
        if front.parent.name != "cli":  # Its commands are public, its code is not.
            yield from _exported(f"flaxnn.{front.parent.name}", front)


def _exported(module: str, path: Path) -> Iterator[str]:
    (names,) = (
        ast.literal_eval(node.value)
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign)
        and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)
    )
    for name in names:
        yield f"{module}.{name}"
        file = path.parent / f"{name}.py"
        package = path.parent / name / "__init__.py"
        for inner in (file, package):
            if inner.is_file():
                yield from _exported(f"{module}.{name}", inner)
