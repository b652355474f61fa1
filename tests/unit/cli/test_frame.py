# SPDX-License-Identifier: Apache-2.0
"""What is around every command: start-up, help, exit codes, errors, signals."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer

import flaxnn
from flaxnn.cli import _app
from flaxnn.cli._commands import COMMANDS, Entry
from flaxnn.cli._exit import TERMINATED
from flaxnn.cli._main import main

ROOT = Path(__file__).parents[3]


class Ended(NamedTuple):
    """What is left of a command."""

    exit_code: Any
    stdout: str
    stderr: str


def command(*arguments: str) -> Ended:
    """Runs the command in this process."""
    out, errors = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(errors),
        pytest.raises(SystemExit) as ended,
    ):
        _app.app(list(arguments))
    return Ended(ended.value.code, out.getvalue(), errors.getvalue())


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes `flaxnn doctor` raise an error, from a file that is given."""

    def plant(error: BaseException, file: str = flaxnn.__file__) -> None:
        namespace: dict[str, Any] = {"error": error}
        source = "def fail(json: bool = False):\n    'Fails.'\n    raise error\n"
        exec(compile(source, file, "exec"), namespace)
        alone = typer.Typer(add_completion=False)
        alone.command()(namespace["fail"])
        namespace["app"] = alone
        monkeypatch.setitem(sys.modules, "planted", typer)
        monkeypatch.setattr(typer, "planted", alone, raising=False)
        monkeypatch.setitem(COMMANDS, "fail", Entry("planted:planted", "Fails."))

    return plant


def imported(*arguments: str) -> set[str]:
    """The modules that a command line has imported when it ends."""
    code = (
        "import sys; from flaxnn.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('\\n', *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return set(done.stdout.splitlines()[-1].split())


def test_the_version_needs_nothing() -> None:
    for arguments in (["--version"], ["-V"], ["--debug", "--version", "bench"]):
        modules = imported(*arguments)
        assert not {"typer", "click", "jax", "numpy", "rich"} & modules
    assert command("-V").stdout == f"flaxnn {flaxnn.__version__}\n"


def test_the_help_imports_no_command() -> None:
    modules = imported("--help")
    assert "typer" in modules
    assert not {"jax", "numpy", "matplotlib", "pydantic"} & modules
    if hasattr(typer, "_click"):  # Older ones import it themselves.
        assert "rich" not in modules
    targets = {entry.target.partition(":")[0] for entry in COMMANDS.values()}
    assert not targets & modules
    assert not {"flaxnn.bench", "flaxnn.data", "flaxnn.cli._blame"} & modules


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_the_help_is_the_docstrings(name: str) -> None:
    module, _, attribute = COMMANDS[name].target.partition(":")
    target = getattr(importlib.import_module(module), attribute)
    text = target.info.help if isinstance(target, typer.Typer) else target.__doc__
    assert COMMANDS[name].summary == text.partition("\n\n")[0].replace("\n    ", " ")
    shown = command(name, "--help")
    assert shown.exit_code == 0
    assert f"Usage: flaxnn {name} " in shown.stdout
    if not isinstance(target, typer.Typer):
        assert "\n  Examples:\n    flaxnn " in shown.stdout
        said = " ".join(shown.stdout.split())
        assert "Exits with 0" in said or "Exit codes: 0" in said


def test_help_in_every_form() -> None:
    whole = command("--help")
    assert whole.exit_code == 0
    assert "Commands:\n  reproduce  Compute every figure" in whole.stdout
    assert "  70   a fault of flaxnn itself\n" in whole.stdout
    assert command() == command("help") == whole
    assert command("help", "bench") == command("bench", "--help")
    assert command("data") == command("data", "--help")
    assert command("data").stdout.count("...") == 1  # COMMAND [ARGS]...


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("reprodcue",), "No such command 'reprodcue'. Did you mean 'reproduce'?"),
        (("data", "ferch"), "Did you mean 'fetch'?"),
        (("bench", "--qiuck"), "--quick"),
        (("--vresion",), "--version"),
        (("bench", "--repeats", "two"), "'--repeats'"),
        (("convert",), "Missing argument 'IN'"),
    ],
)
def test_a_wrong_command_line(arguments: tuple[str, ...], message: str) -> None:
    ended = command(*arguments)
    assert ended.exit_code == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("Error: ")
    assert message in ended.stderr
    assert ended.stderr.endswith("--help'.\n")
    as_json = command(*arguments, "--json")
    report = json.loads(as_json.stdout)
    assert report["exit_code"] == 2
    assert message in report["error"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ValueError("a value"), 2),
        (IndexError("out of bounds"), 2),
        (FileNotFoundError(2, "No such file", "here.pt"), 2),
        (ImportError("pip install it"), 2),
        (MemoryError(), 2),
        (FloatingPointError("the loss is nan"), 1),
        (AssertionError("never"), 70),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 141),
        (SystemExit(143), 143),
    ],
)
def test_exit_codes(error: BaseException, code: int, failing: Any) -> None:
    failing(error)
    ended = command("fail")
    assert ended.exit_code == code
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.splitlines()) == (code < 141)
    if code < 130:
        assert ended.stderr.startswith("Error: ")
        debug = command("fail", "--debug")
        assert debug.exit_code == code
        assert "Traceback" in debug.stderr
        assert "Traceback" in command("--debug", "fail").stderr
    if code <= 130:
        as_json = command("fail", "--json")
        report = json.loads(as_json.stdout)
        assert report["exit_code"] == code
        assert report["error"] in as_json.stderr.replace("Int", "int")


def test_an_environment_variable_shows_the_stack_trace(
    failing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(ValueError("a value"))
    for value, shown in (("1", True), ("0", False), ("", False)):
        monkeypatch.setenv("FLAXNN_DEBUG", value)
        assert ("Traceback" in command("fail").stderr) is shown


def test_whose_mistake_it_is(failing: Any, tmp_path: Path) -> None:
    """What flaxnn does not raise on purpose is its fault, but for the user's files."""
    # Raised in Python's own library, as by a value that flaxnn should have checked.
    failing(ValueError("deep inside"), json.__file__)
    ended = command("fail")
    assert ended.exit_code == 70
    assert "a fault of flaxnn, ValueError: deep inside" in ended.stderr
    assert "--debug" in ended.stderr
    failing(AttributeError("no such thing"), str(tmp_path / "mine.py"))
    ended = command("fail")
    assert ended.exit_code == 2
    assert "mine.py, line 3: AttributeError: no such thing" in ended.stderr


def test_an_encoding_that_lacks_a_sign() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-m", "flaxnn", "reproduce", "neuron"],
        capture_output=True,
        check=True,
        cwd=ROOT,
        env=environment,
    )
    assert b"2 of 2 figures agree" in done.stdout
    assert done.stderr == b""


def test_sigterm_ends_with_143_and_cleans_up(monkeypatch: pytest.MonkeyPatch) -> None:
    cleaned = []

    def terminated(arguments: list[str]) -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            # Once more ends the process at once.
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
            cleaned.append(arguments)

    monkeypatch.setattr(_app, "app", terminated)
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as ended:
            main(["doctor"])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended.value.code == TERMINATED == 143
    assert cleaned == [["doctor"]]


class Terminal(io.StringIO):
    """Standard output that is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


def shown(*arguments: str) -> str:
    """What a command writes to a terminal."""
    out = Terminal()
    with contextlib.redirect_stdout(out), pytest.raises(SystemExit) as ended:
        _app.app(list(arguments))
    assert ended.value.code == 0
    return out.getvalue()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment in which a terminal has colours."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    return monkeypatch


# The codes of colours: of letters and of what is behind them, dark, light or any.
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;\d+)*m")


def test_no_color_keeps_colours_away(terminal: pytest.MonkeyPatch) -> None:
    assert COLOUR.search(shown("reproduce", "neuron"))
    terminal.setenv("NO_COLOR", "1")
    plain = shown("reproduce", "neuron")
    assert "2 of 2 figures agree" in plain
    assert not COLOUR.search(plain)


def test_a_narrow_terminal_folds_tables_and_cuts_nothing(
    terminal: pytest.MonkeyPatch,
) -> None:
    terminal.setenv("NO_COLOR", "1")
    whole = shown("reproduce", "--list")
    terminal.setenv("COLUMNS", "40")
    for arguments in (("reproduce", "--list"), ("reproduce", "neuron")):
        lines = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "\r", shown(*arguments)).splitlines()
        assert max(map(len, lines)) <= 40
    narrow = shown("reproduce", "--list")
    assert "…" not in narrow
    letters = [sorted(re.sub(r"\x1b\[\d*m|\s", "", x)) for x in (whole, narrow)]
    assert letters[0] == letters[1]


def test_an_interrupt_before_the_frame(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(arguments: list[str]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_app, "app", interrupt)
    monkeypatch.setattr("signal.signal", lambda *arguments: None)
    with pytest.raises(SystemExit) as ended:
        main(["doctor"])
    assert ended.value.code == 130
    assert capsys.readouterr().err == "Interrupted\n"
