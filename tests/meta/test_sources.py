"""Files stay readable in one sitting."""

from __future__ import annotations

from tests.meta._house import ROOT

LIMIT = 400


def test_no_file_is_longer_than_the_limit() -> None:
    # The scripts in examples are made from the notebooks' texts.
    sources = [
        path
        for folder in ("flaxnn", "tests", "benchmarks", "examples/source")
        for path in (ROOT / folder).rglob("*.py")
    ]
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines())
        for path in sources
    }
    assert lengths
    assert {path: n for path, n in lengths.items() if n > LIMIT} == {}
