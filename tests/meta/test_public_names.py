# SPDX-License-Identifier: Apache-2.0
"""Every public name resolves, says what it is, and clashes with nothing."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil

import pytest

import flaxnn
from flaxnn import _lazy
from tests.meta._house import PACKAGE, lazy_homes, public_modules, public_names

SUBPACKAGES = {
    module.name
    for module in pkgutil.iter_modules(flaxnn.__path__)
    if not module.name.startswith("_")
}


def test_lazy_names_are_typed_and_listed() -> None:
    """The lazy table, `__all__` and what type checkers see are the same names."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    (typed,) = (
        {
            alias.asname
            for statement in node.body
            if isinstance(statement, ast.ImportFrom)
            for alias in statement.names
        }
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name)
    )
    listed = set(flaxnn.__all__) - {"__version__"}
    assert typed == listed
    for name in listed:
        assert getattr(flaxnn, name) is not None
    assert listed <= set(dir(flaxnn))


def test_public_rooms_are_reachable_from_the_front() -> None:
    rooms = {module.removeprefix("flaxnn.") for module in public_modules()}
    assert rooms <= set(flaxnn.__all__)


def test_no_lazy_name_is_a_subpackage() -> None:
    assert lazy_homes()
    assert not set(lazy_homes()) & SUBPACKAGES


def test_attach_refuses_a_name_that_is_a_subpackage() -> None:
    with pytest.raises(ValueError, match="subpackages too: \\['nn'\\]"):
        _lazy.attach("flaxnn", {"nn"}, {"nn": "flaxnn.nn"})


def test_an_unknown_name_is_refused_with_what_a_suggestion_needs() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'fti'") as caught:
        flaxnn.fti  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]
    assert caught.value.name == "fti"
    assert caught.value.obj is flaxnn


@pytest.mark.parametrize("module", public_modules())
def test_public_names_resolve_and_are_documented(module: str) -> None:
    assert (importlib.import_module(module).__doc__ or "").strip()
    names = list(public_names(module))
    assert names
    undocumented = [
        name
        for name, value in names
        if (callable(value) or inspect.ismodule(value)) and not inspect.getdoc(value)
    ]
    assert undocumented == []


@pytest.mark.parametrize("module", public_modules())
def test_all_holds_no_private_or_repeated_name(module: str) -> None:
    names = importlib.import_module(module).__all__
    assert len(set(names)) == len(names)
    assert [name for name in names if name.startswith("_")] == []
