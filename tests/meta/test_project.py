# SPDX-License-Identifier: Apache-2.0
"""The project's own facts agree with each other."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from itertools import chain

import yaml

import flaxnn
from tests.meta._house import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
# "## 0.1.0 (unreleased)" or "## 0.1.0 (2026-12-01)".
NEWEST = re.search(
    r"^## (?P<version>\S+) \((?P<day>.*)\)$",
    (ROOT / "CHANGELOG.md").read_text("utf-8"),
    re.MULTILINE,
)


def test_all_is_every_extra_but_torch_and_docs() -> None:
    extras = PROJECT["optional-dependencies"]
    (all_of,) = extras["all"]
    named = re.fullmatch(r"flaxnn\[(.*)\]", all_of)
    assert named
    assert set(named[1].split(",")) == set(extras) - {"all", "torch", "docs"}


def test_no_dependency_is_capped() -> None:
    extras = PROJECT["optional-dependencies"].values()
    needs = [*PROJECT["dependencies"], *chain.from_iterable(extras)]
    assert needs
    assert [need for need in needs if re.search(r"<|==|~=", need)] == []


def test_the_changelog_opens_with_this_version() -> None:
    assert NEWEST
    assert NEWEST["version"] == flaxnn.__version__


def test_the_citation_is_of_this_version() -> None:
    assert NEWEST
    assert CITATION["version"] == flaxnn.__version__
    released = CITATION.get("date-released")
    assert (str(released) if released else "unreleased") == NEWEST["day"]


def test_the_citation_has_what_its_format_asks_for() -> None:
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["type"] == "software"
    assert CITATION["title"] == PROJECT["name"]
    assert CITATION["license"] == PROJECT["license"]
    assert CITATION["authors"] == PROJECT["authors"]
    for name in ("message", "abstract"):
        assert isinstance(CITATION[name], str)
    assert all(isinstance(word, str) for word in CITATION["keywords"])
    assert isinstance(CITATION.get("date-released", date.today()), date)
