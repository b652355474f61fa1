# SPDX-License-Identifier: Apache-2.0
"""What pages tell people to run is run: a page is a session in an empty directory.

Python blocks share a namespace and print what the text block behind them says. Each
command of a bash block is run where the page has got to, or is in a table that says
what runs it. A block with a `title` is the file of that name.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import re
from pathlib import Path

import pytest

from tests.meta import _commands
from tests.meta._house import ROOT

DOCUMENTED = [
    *(page for page in sorted(ROOT.glob("*.md"))),
    *sorted((ROOT / "docs").rglob("*.md")),
]
# Texts whose Python is run by somebody else, and their commands here.
OTHERS = [
    ROOT / "benchmarks" / "README.md",
    *sorted((ROOT / "examples").rglob("*.md")),
]
# More than ten seconds on one core.
SLOW = {"docs/guide/estimators.md"}

FASHION_MNIST = re.compile("fashion[-_]mnist")


def _page(path: Path) -> object:
    name = str(path.relative_to(ROOT))
    marks = [pytest.mark.slow] if name in SLOW else []
    return pytest.param(path, id=name, marks=marks)


def _runs(path: Path) -> bool:
    languages = {language for language, *_ in _commands.blocks(_text(path))}
    return bool(languages & ({"bash"} if path in OTHERS else {"bash", "python"}))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "path", [_page(path) for path in [*DOCUMENTED, *OTHERS] if _runs(path)]
)
def test_a_page_does_what_it_says(
    path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "__main__"}
    all_blocks = [*_commands.blocks(_text(path)), ("", None, "")]
    for (language, title, code), following in itertools.pairwise(all_blocks):
        if title is not None:
            (tmp_path / title).write_text(code, encoding="utf-8")
        elif language == "python" and path in DOCUMENTED:
            printed = _exec(code, path, namespace)
            if following[0] == "text" and _adjacent(path, code):
                assert printed == following[2]
        elif language == "bash":
            for command in _commands.commands(code):
                _run(command, tmp_path, request)


def _exec(code: str, path: Path, namespace: dict[str, object]) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, str(path), "exec"), namespace)
    return printed.getvalue()


def _adjacent(path: Path, code: str) -> bool:
    """Whether a block is followed by another with nothing in between."""
    return f"{code}```\n\n```text\n" in _text(path)


def _run(command: str, session: Path, request: pytest.FixtureRequest) -> None:
    if _commands.elsewhere(command) is not None:
        return
    if FASHION_MNIST.search(command):
        request.getfixturevalue("fashion_mnist_dir")  # Skips where there is none.
    _commands.run(command, session)


@pytest.mark.parametrize(
    "path",
    [*DOCUMENTED, *OTHERS],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_every_command_and_option_of_a_page_exists(path: Path) -> None:
    """Also of commands that are only mentioned, and of those that run elsewhere."""
    text = _text(path)
    asked = [
        command
        for language, _, code in _commands.blocks(text)
        if language == "bash"
        for command in _commands.commands(code)
    ]
    missing = {
        command: names
        for command in [*asked, *_commands.mentioned(text)]
        if (names := _commands.unknown(command))
    }
    assert missing == {}


def test_every_command_that_runs_elsewhere_is_documented() -> None:
    """A row of the table that nothing needs is struck."""
    documented = [
        command
        for path in [*DOCUMENTED, *OTHERS]
        for language, _, code in _commands.blocks(_text(path))
        if language == "bash"
        for command in _commands.commands(code)
    ]
    idle = [
        pattern
        for pattern, reason in _commands.ELSEWHERE.items()
        if reason not in map(_commands.elsewhere, documented)
    ]
    assert idle == []


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("flaxnn reproduce --plots DIR", []),
        ("flaxnn reproduce --plot DIR", ["--plot"]),
        ("flaxnn data where fashion_mnist --json", []),
        ("flaxnn data were fashion_mnist", ["data were"]),
        ("flaxnn reprduce", ["reprduce"]),
        ("python benchmarks/kill_resume.py --runs 60", []),
        ("python benchmarks/kill_resume.py --run 60", ["--run"]),
        ("python benchmarks/kill_resumes.py", ["benchmarks/kill_resumes.py"]),
    ],
)
def test_what_a_command_asks_for_in_vain_is_named(
    command: str, names: list[str]
) -> None:
    assert _commands.unknown(command) == names


def test_commands_are_told_apart() -> None:
    block = (
        'cd x && pip install ".[all]"  # first\n\npython -c "a\nb" \\\n  c\nls | head\n'
    )
    assert list(_commands.commands(block)) == [
        "cd x",
        "pip install '.[all]'",
        "python -c 'a\nb' c",
        "ls | head",
    ]


def test_a_command_of_no_category_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="neither run nor in ELSEWHERE"):
        _commands.run("curl example.org", tmp_path)


def test_a_command_that_fails_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="ended with 2"):
        _commands.run("flaxnn reproduce --plot x", tmp_path)
