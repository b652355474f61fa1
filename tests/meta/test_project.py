# SPDX-License-Identifier: Apache-2.0
"""The project's own facts agree with each other."""

from __future__ import annotations

import re
import tomllib
from itertools import chain

import flaxnn
from tests.meta._house import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


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
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    newest = re.search(r"^## (\S+)", changelog, re.MULTILINE)
    assert newest
    assert newest[1] == flaxnn.__version__
