# SPDX-License-Identifier: Apache-2.0
"""The README's two commands are those that CI runs; its examples show what they print.

tests/meta/test_pages.py runs them.
"""

from __future__ import annotations

import re

from tests.meta._house import ROOT

README = ROOT / "README.md"
# A Python block, and the text block right after it with what it prints.
EXAMPLE = re.compile(
    r"^```python\n.*?^```\n(?:\n```text\n(?P<output>.*?)^```\n)?",
    re.MULTILINE | re.DOTALL,
)
COMMAND = re.compile(r"^```bash\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
# Said in two parts, so that this file does not say it.
MARKED = "mark" + ".torch"
ACTIVATION = "python3 -m venv .venv && . .venv/bin/activate && "


def _readme() -> str:
    return README.read_text(encoding="utf-8")


def test_the_readme_has_examples_with_output() -> None:
    outputs = [example["output"] for example in EXAMPLE.finditer(_readme())]
    assert outputs
    assert all(outputs)


def test_the_readme_starts_with_its_two_commands() -> None:
    first, second = COMMAND.findall(_readme())[:2]
    assert first == f'{ACTIVATION}pip install ".[all]" && flaxnn reproduce\n'
    assert second.startswith(ACTIVATION)


def test_ci_runs_the_readme_test_command_word_for_word() -> None:
    second = COMMAND.findall(_readme())[1]
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
