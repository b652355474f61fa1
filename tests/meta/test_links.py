# SPDX-License-Identifier: Apache-2.0
"""Every link of a text leads somewhere.

The strict build of the site checks its own links; this also reads the texts that are
not in it, and needs no build and no network.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.meta._house import ROOT

TEXTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "benchmarks").glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
]

# Where texts lead outside; whoever adds a link opens it. No test asks the network.
EXTERNAL = {
    "https://colab.research.google.com",
    "https://docs.pypi.org/trusted-publishers/",
    "https://google-grain.readthedocs.io",
    "https://jupytext.readthedocs.io",
    "https://keepachangelog.com/en/1.1.0/",
    "https://semver.org/",
}

_CODE = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`[^`]*`")
_LINK = re.compile(r"\]\(([^)\s]+)\)|<(https?://[^>\s]+)>|^\[[^\]]+\]: (\S+)", re.M)
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def _prose(path: Path) -> str:
    return _CODE.sub("", path.read_text(encoding="utf-8"))


def _links(path: Path) -> list[str]:
    text = _SPAN.sub("`", _prose(path))
    return [next(filter(None, groups)) for groups in _LINK.findall(text)]


def _anchors(path: Path) -> set[str]:
    """The anchors of a text, as Python-Markdown and GitHub write them."""
    anchors = set()
    for heading in _HEADING.findall(_prose(path)):
        plain = re.sub(r"[^\w\s-]", "", heading.lower()).strip()
        anchors.add(re.sub(r"[\s-]+", "-", plain))
    return anchors


def _is_external(link: str) -> bool:
    return bool(urlsplit(link).scheme)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: str(text.relative_to(ROOT)))
def test_links_inside_the_repository_resolve(text: Path) -> None:
    broken = []
    for link in _links(text):
        if _is_external(link):
            continue
        target, _, anchor = link.partition("#")
        there = (text.parent / target).resolve() if target else text
        if not there.exists() or (
            anchor and there.suffix == ".md" and anchor not in _anchors(there)
        ):
            broken.append(link)
    assert broken == []


def test_links_outside_are_listed() -> None:
    found = {link for text in TEXTS for link in _links(text) if _is_external(link)}
    assert found == EXTERNAL


def test_links_outside_are_well_formed() -> None:
    for link in EXTERNAL:
        parts = urlsplit(link)
        assert parts.scheme == "https", link
        assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.netloc), link


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    text = tmp_path / "text.md"
    text.write_text("# A title\n\n[one](#a-title) [two](gone.md) [three](text.md#no)\n")
    assert _links(text) == ["#a-title", "gone.md", "text.md#no"]
    assert _anchors(text) == {"a-title"}
    with pytest.raises(AssertionError, match="gone"):
        test_links_inside_the_repository_resolve(text)
