# SPDX-License-Identifier: Apache-2.0
import dataclasses
from pathlib import Path

import pytest

from flaxnn import bench


@pytest.fixture
def univariate():
    """Document 002's run, cut to twenty steps."""
    (case,) = bench.find(["univariate"])
    recipe = dataclasses.replace(case.recipe, steps=20)
    return dataclasses.replace(case, recipe=recipe)


@pytest.fixture
def stand_in(monkeypatch):
    """Makes sides of the functions in stand_ins.py, which workers import."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=":")

    def make(name, function="descent", packages=("numpy",), **options):
        return bench.Side(name, f"the {name}", "stand_ins", function, packages, options)

    return make


@pytest.fixture
def without_torch(monkeypatch, tmp_path):
    """Makes workers find no PyTorch, whether or not it is installed."""
    hook = "import sys\nsys.modules['torch'] = None\n"
    (tmp_path / "sitecustomize.py").write_text(hook)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
