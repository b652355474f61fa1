# SPDX-License-Identifier: Apache-2.0
"""The guide's page of schedules shows what the table and the schedulers say."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.contract.registry import SCHEDULERS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "guide" / "schedules.md"
ERROR = re.compile(r"\| (exact|\d+e[-+]\d+) ")
NUMBER = re.compile(r"-?\d+\.\d+")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script that writes the page."""
    path = ROOT / "benchmarks" / "schedules.py"
    if not path.is_file():
        pytest.skip("the benchmarks are not here: this is no checkout")
    spec = importlib.util.spec_from_file_location("schedules_script", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def unmeasured(text: str) -> str:
    """Errors differ from machine to machine; everything else has to agree."""
    return ERROR.sub("| measured ", text)


def test_the_page_is_that_of_the_table(script: ModuleType):
    rows: list[dict[str, Any]] = [
        {
            "name": entry.name,
            "torch": entry.torch,
            "cases": len(entry.cases),
            "float64": 0.0,
            "float32": 0.0,
        }
        for entry in SCHEDULERS
    ]
    table = PAGE.read_text(encoding="utf-8").partition(f"{script.MARK}\n\n")[2]
    assert unmeasured(table) == unmeasured(script.markdown(rows)), (
        "run python benchmarks/schedules.py --page docs/guide/schedules.md"
    )


def test_the_picture_is_of_every_scheduler_as_it_is(script: ModuleType):
    committed = PAGE.with_suffix(".svg").read_text(encoding="utf-8")
    drawn = script.picture()
    assert NUMBER.sub("", committed) == NUMBER.sub("", drawn)
    a, b = ([float(n) for n in NUMBER.findall(text)] for text in (committed, drawn))
    # An ulp can move what is rounded to a tenth of a pixel.
    np.testing.assert_allclose(a, b, rtol=0, atol=0.11)
    assert set(script.shown()) == {entry.name for entry in SCHEDULERS}
