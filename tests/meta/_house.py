# SPDX-License-Identifier: Apache-2.0
"""The house as ARCHITECTURE.md draws it, and the packages it opens to the public."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "flaxnn"

# A line of the picture: "  random/   L1  PyTorch's CPU generator…".
_ROOM = re.compile(r"^  (\w+)(?:/|\.py) +L(\d)  ", re.MULTILINE)

# Commands are a public interface, the code behind them is not.
_PRIVATE_ROOMS = {"cli"}


def layers() -> dict[str, int]:
    """Every room of the picture with its layer."""
    picture = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    return {room: int(layer) for room, layer in _ROOM.findall(picture)}


def lazy_homes() -> dict[str, str]:
    """The modules behind the front's lazy names, as it tells type checkers."""
    front = (PACKAGE / "__init__.py").read_text(encoding="utf-8")
    return {
        alias.name: node.module
        for node in ast.walk(ast.parse(front))
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
        if node.module.startswith("flaxnn.")
    }


def public_modules() -> list[str]:
    """The packages whose names other people may import."""
    return [f"flaxnn.{room}" for room in layers() if room not in _PRIVATE_ROOMS]


def public_names(module: str) -> Iterator[tuple[str, object]]:
    """The dotted public names under a module, through its public submodules."""
    for name in importlib.import_module(module).__all__:
        value = getattr(importlib.import_module(module), name)
        yield f"{module}.{name}", value
        if isinstance(value, ModuleType):
            yield from public_names(f"{module}.{name}")
