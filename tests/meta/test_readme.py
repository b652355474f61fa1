# SPDX-License-Identifier: Apache-2.0
"""What the README and the guide tell people to run is run."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from tests.meta._house import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# A Python block, and the text block right after it with what it prints.
EXAMPLE = re.compile(
    r"^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<output>.*?)^```\n)?",
    re.MULTILINE | re.DOTALL,
)
COMMAND = re.compile(r"^```bash\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
# Said in two parts, so that this file does not say it.
MARKED = "mark" + ".torch"
ACTIVATION = "python3 -m venv .venv && . .venv/bin/activate && "


def _examples(page: Path) -> list[re.Match[str]]:
    return list(EXAMPLE.finditer(page.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if _examples(page)],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_python_blocks_print_what_the_page_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "__main__"}
    for example in _examples(page):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(example["code"], str(page), "exec"), namespace)
        if example["output"] is not None:
            assert printed.getvalue() == example["output"]


def test_the_readme_has_examples_with_output() -> None:
    outputs = [example["output"] for example in _examples(ROOT / "README.md")]
    assert outputs
    assert all(outputs)


def test_the_readme_starts_with_its_two_commands() -> None:
    first, second = COMMAND.findall((ROOT / "README.md").read_text("utf-8"))[:2]
    assert first == f'{ACTIVATION}pip install ".[all]" && flaxnn reproduce\n'
    assert second.startswith(ACTIVATION)


def test_ci_runs_the_readme_test_command_word_for_word() -> None:
    second = COMMAND.findall((ROOT / "README.md").read_text("utf-8"))[1]
    command = second.removeprefix(ACTIVATION).strip()
    assert f"\n  {command}\n" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_the_live_stage_collects_every_test_that_needs_pytorch() -> None:
    stage = "tests/parity tests/contract/test_*_live.py"
    assert f"-m torch \\\n    {stage}\n" in (ROOT / ".ci" / "run").read_text("utf-8")
    collected = {path for part in stage.split() for path in ROOT.glob(part)}
    elsewhere = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("test_*.py")
        if MARKED in path.read_text("utf-8")
        if not collected & {path, *path.parents}
    ]
    assert collected
    assert elsewhere == []
