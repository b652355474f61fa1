# SPDX-License-Identifier: Apache-2.0
"""The commands that pages tell people to run: found, told apart, looked up, run."""

from __future__ import annotations

import ast
import contextlib
import io
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.meta._house import ROOT

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n"
    r"(?P<code>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_SPAN = re.compile(r"`((?:flaxnn|python) [^`]*)`", re.DOTALL)
_SEPARATORS = {"&&", ";"}
# What the command may catch in a process of its own.
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_KEYWORDS = {"for", "if", "until", "while"}

# Of a shell's own commands those that pages may use around ours.
SHELL = {"cat", "cp", "echo", "head", "ls", "mkdir"}

# Commands that no test of pages runs, each with the reason and with what does run it.
# Their options are looked up all the same.
ELSEWHERE = {
    r"python3 -m venv \.venv|\. \.venv/bin/activate": "every environment of .ci/run",
    r"pip (install|wheel) .*": "needs an index; .ci/run, benchmarks/first_five_minutes",
    r"pre-commit install": "changes the checkout; its hooks are .ci/run's lint",
    r"python -m pytest .*": "the tests themselves; .ci/run",
    r"python examples/[\w/]+\.py": "the cells of a notebook; .ci/run executes them",
    r"flaxnn reproduce( --plots \w+)?": "all entries; tests/unit/reproduce runs each",
    r"flaxnn bench .*": "minutes of measuring; tests/unit/bench, .ci/run's reproduce",
    r"flaxnn data fetch .*": "prepares 70,000 images; tests/unit/data with fewer",
    r"sbatch .*|until python train\.py.*": "for a cluster, and for ever",
}

# Commands that may end with another status than 0.
STATUSES = {"flaxnn doctor": {0, 1}}  # 1: something is in this machine's way


def blocks(text: str) -> Iterator[tuple[str, str | None, str]]:
    """The fenced blocks of a page: language, file name if it has one, code."""
    for fence in _FENCE.finditer(text):
        indent = fence["indent"]
        code = re.sub(rf"^{indent}", "", fence["code"], flags=re.MULTILINE)
        yield fence["language"], fence["title"], code


def mentioned(text: str) -> Iterator[str]:
    """The commands that a page shows and does not ask to be run."""
    for language, _, code in blocks(text):
        if language == "console":
            yield from re.findall(r"^\$ (.*)$", code, re.MULTILINE)
    outside = _FENCE.sub("", text)
    yield from (" ".join(span.split()) for span in _SPAN.findall(outside))


def commands(block: str) -> Iterator[str]:
    """The commands of a block, one by one."""
    line = ""
    for part in block.replace("\\\n", "").splitlines():
        line += part
        try:
            words = _words(line)
        except ValueError:  # An open quotation goes on in the next line.
            line += "\n"
            continue
        if _is_simple(words):
            yield from _separate(words)
        elif words:
            yield line
        line = ""
    assert not line, f"an open quotation: {line}"


def _words(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return list(lexer)


def _is_simple(words: list[str]) -> bool:
    """Whether the words are plain commands behind each other."""
    operators = {word for word in words if re.fullmatch(r"[();<>|&]+", word)}
    starts_plainly = not words or (words[0] not in _KEYWORDS and "=" not in words[0])
    return operators <= _SEPARATORS and starts_plainly


def _separate(words: list[str]) -> Iterator[str]:
    command: list[str] = []
    for word in [*words, ";"]:
        if word not in _SEPARATORS:
            command.append(word)
        elif command:
            yield shlex.join(command)
            command = []


def elsewhere(command: str) -> str | None:
    """Why a command is not run, and what runs it; None for one that is run."""
    plain = command.replace("'", "").replace('"', "")
    for pattern, reason in ELSEWHERE.items():
        if re.fullmatch(pattern, plain):
            return reason
    return None


def run(command: str, session: Path) -> None:
    """Runs one command in the directory of its page, as a reader would."""
    words = _words(command)
    if words[0] == "flaxnn" and _is_simple(words):
        status, output = _flaxnn(words[1:])
    elif words[0] == "python" and words[1].startswith(("benchmarks/", "examples/")):
        unknown(command)  # Minutes each: only what they are asked is looked up.
        return
    else:
        known = words[0] in SHELL | {"flaxnn", "python"} or "flaxnn" in words
        assert known, f"neither run nor in ELSEWHERE: {command}"
        status, output = _shell(command, session)
    allowed = STATUSES.get(" ".join(words[:2]), {0})
    assert status in allowed, f"{command}\nended with {status}:\n{output}"


def _flaxnn(arguments: list[str]) -> tuple[int, str]:
    """Runs our command in this process: JAX is loaded once for all of them."""
    from flaxnn.cli import main

    printed = io.StringIO()
    status: object = 0
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["flaxnn", *arguments])
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            try:
                status = main()
            except SystemExit as end:
                status = end.code
            finally:
                for number, handler in handlers.items():
                    signal.signal(number, handler)
    return status if isinstance(status, int) else int(bool(status)), printed.getvalue()


def _shell(command: str, session: Path) -> tuple[int, str]:
    function = f'flaxnn() {{ "{sys.executable}" -m flaxnn "$@"; }}\n'
    function += f'python() {{ "{sys.executable}" "$@"; }}\n'
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", function + command],
        cwd=session,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    return done.returncode, done.stdout


def unknown(command: str) -> list[str]:
    """What a command asks for that is not there: files, commands and options."""
    try:
        words = _words(command)
    except ValueError:
        return []
    options = {
        word.partition("=")[0]
        for word in words
        if re.fullmatch(r"-(-[a-z][\w-]*(=.*)?|[a-zA-Z])", word)
    }
    if words[0] == "flaxnn":
        return _unknown_to_flaxnn(words[1:], options)
    if words[0] != "python" or len(words) < 2 or not words[1].endswith(".py"):
        return []
    script = ROOT / words[1]
    if "/" not in words[1]:
        return []  # The reader's own.
    if not script.is_file():
        return [words[1]]
    return sorted(options - _argparse_options(script) - {"-h", "--help"})


def _unknown_to_flaxnn(words: list[str], options: set[str]) -> list[str]:
    names: list[str] = []
    while words and words[0].startswith("-"):
        words = words[1:]  # Options of every command stand before its name.
    for word in words:
        if not re.fullmatch(r"[a-z]+", word) or (names and not _is_group(names)):
            break
        names.append(word)
    status, text = _flaxnn_help(tuple(names))
    if status:
        return [" ".join(names)]
    text += _flaxnn_help(())[1]
    return sorted(
        option
        for option in options
        if not re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text)
    )


def _is_group(names: list[str]) -> bool:
    return "COMMAND" in _flaxnn_help(tuple(names))[1]


@cache
def _flaxnn_help(names: tuple[str, ...]) -> tuple[int, str]:
    return _flaxnn([*names, "--help"])


@cache
def _argparse_options(script: Path) -> set[str]:
    """The options that a script's argparse knows, without running it."""
    return {
        str(argument.value)
        for node in ast.walk(ast.parse(script.read_text("utf-8")))
        if isinstance(node, ast.Call)
        for argument in node.args
        if isinstance(argument, ast.Constant) and str(argument.value).startswith("-")
    }
