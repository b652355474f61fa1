# SPDX-License-Identifier: Apache-2.0
"""Files stay readable in one sitting."""

from __future__ import annotations

from tests.meta._house import ROOT

LIMIT = 400
LICENCE = "SPDX-License-Identifier: Apache-2.0"


def test_no_file_is_longer_than_the_limit() -> None:
    # The scripts in examples are made from the notebooks' texts.
    sources = [
        path
        for folder in ("flaxnn", "tests", "benchmarks", "examples/source")
        for path in (ROOT / folder).rglob("*.py")
    ]
    lengths = {
        # The licence is no line to read.
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) - 1
        for path in sources
    }
    assert lengths
    assert {path: n for path, n in lengths.items() if n > LIMIT} == {}


def test_every_file_begins_with_its_licence() -> None:
    sources = [
        path
        for folder in ("flaxnn", "tests", "benchmarks", "examples", "docs", ".github")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".css", ".js", ".yml"}
    ]
    assert sources
    bare = [
        str(path.relative_to(ROOT))
        for path in sources
        if LICENCE not in path.read_text("utf-8").partition("\n")[0]
    ]
    assert bare == []
