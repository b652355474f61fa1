# SPDX-License-Identifier: Apache-2.0
"""The notebooks' parts, loaded from their files."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


@pytest.fixture(scope="session")
def examples() -> Path:
    """The folder of the scripts and notebooks; `source` in it has what makes them."""
    return EXAMPLES


@pytest.fixture(scope="session")
def build() -> ModuleType:
    """The tool that makes scripts and notebooks."""
    pytest.importorskip("jupytext", reason="Jupytext is not installed")
    file = EXAMPLES / "source" / "build.py"
    spec = importlib.util.spec_from_file_location("notebooks_build", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # As for a script: it finds the files beside it.
    sys.path.insert(0, str(file.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(file.parent))
    return module
