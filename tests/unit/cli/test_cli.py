# SPDX-License-Identifier: Apache-2.0
"""The command line as a shell sees it."""

import io
import json
import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import flaxnn
from flaxnn.cli._app import app


def flaxnn_command(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_reproduce_shows_a_table_and_a_total():
    result = flaxnn_command("reproduce", "neuron", "relu-and-softmax")
    assert result.exit_code == 0, result.output
    assert "0.8699" in result.output
    assert "92 of 92 figures agree" in result.output


def test_every_figure_has_a_line_when_asked_for():
    short = flaxnn_command("reproduce", "neuron").output
    long = flaxnn_command("reproduce", "neuron", "--all").output
    assert "neuron, z" in long
    assert len(long.splitlines()) == len(short.splitlines()) + 1


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_a_narrow_screen_keeps_what_is_judged_by(columns):
    from rich.console import Console

    from flaxnn.report import figures_table
    from flaxnn.reproduce import Settings, find, rows, run

    (result,) = run(find(["wine"]), Settings())
    console = Console(width=columns, record=True, file=io.StringIO())
    console.print(figures_table(rows(result), width=columns))
    lines = console.export_text().splitlines()
    assert len(lines) == 6
    assert all(line.startswith(" ✓") for line in lines[1:])
    assert all(re.search(r"e-0\d +\d\.\de-0\d +T2", line) for line in lines[2:5])


def test_json_is_all_there_is_on_standard_output():
    result = flaxnn_command("reproduce", "neuron", "--json", "--strict")
    assert result.exit_code == 0
    figures = json.loads(result.stdout)["figures"]
    assert [figure["reference"] for figure in figures] == ["1.9000", "0.8699"]


def test_missing_data_are_skipped_or_with_strict_an_exit_code(tmp_path):
    arguments = ("reproduce", "fashion-mnist", "--data", str(tmp_path))
    lenient = flaxnn_command(*arguments)
    assert lenient.exit_code == 0
    assert "skipped" in lenient.output
    assert "fashion_mnist (split 'train') was not found" in lenient.output
    assert flaxnn_command(*arguments, "--strict").exit_code == 2


def test_a_figure_that_is_off_is_an_exit_code(monkeypatch):
    from flaxnn import functional

    right = functional.sigmoid
    monkeypatch.setattr(functional, "sigmoid", lambda x: right(x) + 1e-3)
    result = flaxnn_command("reproduce", "neuron")
    assert result.exit_code == 1
    assert "expected 0.8699" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("multinominal",), "did you mean 'multinomial'"),
        (("neuron", "--data", "nowhere"), "nowhere is not a folder"),
    ],
)
def test_bad_arguments_are_explained(arguments, message):
    result = flaxnn_command("reproduce", *arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_the_list_names_every_entry():
    rows = json.loads(flaxnn_command("reproduce", "--list", "--json").stdout)
    assert len(rows) == 13
    output = flaxnn_command("reproduce", "--list").output
    assert all(row["name"] in output for row in rows)


def test_the_version_is_answered_without_loading_jax():
    code = (
        "import sys; sys.argv = ['flaxnn', '--version']; "
        "from flaxnn.cli import main; main(); "
        "assert not {'jax', 'typer', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"flaxnn {flaxnn.__version__}\n"
    assert flaxnn_command("--version").output == done.stdout
