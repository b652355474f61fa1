# SPDX-License-Identifier: Apache-2.0
"""The direction of imports: lower layers only, siblings never.

The layers are read from the picture in ARCHITECTURE.md, so the picture cannot drift
from the code.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.meta._house import PACKAGE, ROOT, layers, lazy_homes

# The one exception among siblings: a layer draws its own weights.
SIBLINGS = {("nn", "init")}
# Lower or not, these stay apart: training must not know about foreign files.
FORBIDDEN = {("training", "interop")}
# PyTorch is an oracle. Only what makes the goldens, the benchmark's other side, what
# calls a user's own training function for a certificate, and what users copy beside
# their scripts may import it.
TORCH_FILES = {
    "flaxnn/bench/_torch_side.py",
    "flaxnn/parity/_torch_runs.py",
    "flaxnn/parity/goldens/make_recordings.py",
    "flaxnn/parity/_variant.py",
    "flaxnn/parity/recorder.py",
    "flaxnn/reproduce/goldens/make_goldens.py",
}

SOURCES = sorted(PACKAGE.rglob("*.py"))
FRONTS = {PACKAGE / "__init__.py", PACKAGE / "__main__.py"}


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module or name that is imported, also inside functions, dotted.

    Of the package itself, what counts is which of its attributes are used.
    """
    fronts = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name != "flaxnn":
                    yield alias.name
                if alias.name == "flaxnn":
                    fronts.add(alias.asname or alias.name)
                elif alias.name.startswith("flaxnn.") and not alias.asname:
                    fronts.add("flaxnn")
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            yield from (f"{base}.{alias.name}" for alias in node.names)
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=front), attr=name) if front in fronts:
                yield f"flaxnn.{name}"


def room_of(path: Path) -> str:
    """The first part of a path below the package, without its suffix."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def violations(room: str, source: str) -> list[str]:
    """What the imports of a source file in a room break."""
    rank, home = layers(), lazy_homes()
    found = []
    for name in imported(ast.parse(source)):
        parts = name.split(".")
        if parts[0] != "flaxnn" or parts[1] == "__version__":
            continue
        target = home.get(parts[1], name).split(".")[1]
        if target == room or (target.startswith("_") and target not in rank):
            # The package's private modules stand under every layer.
            continue
        if target not in rank:
            found.append(f"{room} imports {name}, which is no room of the picture")
        elif (room, target) in FORBIDDEN:
            found.append(f"{room} must not import {target}")
        elif (room, target) in SIBLINGS:
            continue
        elif room.startswith("_") or rank[target] >= rank[room]:
            found.append(f"{room} imports {target}, which is not below it")
    return found


def test_every_room_is_in_the_picture() -> None:
    rooms = {room_of(path) for path in SOURCES}
    built = {room for room in rooms if not room.startswith("_")}
    assert built == set(layers())


@pytest.mark.parametrize(
    "path",
    # The package's front names every room, for type checkers only; the other is the
    # command.
    [path for path in SOURCES if path not in FRONTS],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_imports_point_down(path: Path) -> None:
    assert violations(room_of(path), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("nn", "from flaxnn.training import fit"),
        ("nn", "def late():\n    from flaxnn.training import fit"),
        ("nn", "from flaxnn import training"),
        ("nn", "import flaxnn.optim"),
        ("init", "from flaxnn.nn import Linear"),
        ("nn", "import flaxnn\nflaxnn.training.fit"),
        ("nn", "import flaxnn as fx\nfx.fit"),
        ("nn", "import flaxnn.functional\nflaxnn.fit"),
        ("nn", "from flaxnn import fit"),
        ("nn", "from flaxnn import missing"),
        ("training", "from flaxnn.cli import main"),
        ("_typing", "from flaxnn.nn import Module"),
    ],
)
def test_a_wrong_import_is_found(room: str, source: str) -> None:
    assert violations(room, source)


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("nn", "from flaxnn.init import uniform"),
        ("nn", "import flaxnn.functional as F"),
        ("nn", "from flaxnn._errors import FlaxnnError"),
        ("nn", "from flaxnn.nn._module import Module"),
        ("cli", "from flaxnn import __version__"),
        ("training", "from flaxnn import nn, optim"),
        ("reproduce", "import flaxnn\nflaxnn.fit(flaxnn.random.Generator(0))"),
        ("training", "from flaxnn import device"),
        ("nn", "import jax"),
    ],
)
def test_a_right_import_passes(room: str, source: str) -> None:
    assert violations(room, source) == []


def _files_importing(package: str) -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if any(
            name.split(".")[0] == package
            for name in imported(ast.parse(path.read_text(encoding="utf-8")))
        )
    }


def test_only_the_golden_scripts_import_torch() -> None:
    assert _files_importing("torch") == TORCH_FILES


def test_the_generator_needs_no_jax() -> None:
    loaded = _files_importing("jax") | _files_importing("flax")
    assert not {path for path in loaded if path.startswith("flaxnn/random/")}
