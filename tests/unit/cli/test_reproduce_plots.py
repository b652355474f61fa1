# SPDX-License-Identifier: Apache-2.0
"""`flaxnn reproduce --plots`, and the command at the end of a pipe."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flaxnn.cli._app import app

pytest.importorskip("matplotlib", reason="matplotlib is not installed")


def reproduce(*arguments):
    return CliRunner().invoke(app, ["reproduce", *map(str, arguments)])


def test_pictures_are_written_and_listed(tmp_path):
    folder = tmp_path / "new"
    result = reproduce("neuron", "output-layer", "--plots", folder)
    assert result.exit_code == 0, result.output
    assert "1 picture in" in result.output
    assert "output-layer-losses.png" in result.output
    assert [path.name for path in folder.iterdir()] == ["output-layer-losses.png"]


def test_json_has_their_paths(tmp_path):
    result = reproduce("output-layer", "--json", "--plots", tmp_path)
    (picture,) = json.loads(result.stdout)["plots"]
    assert picture["entry"] == "output-layer"
    assert picture["name"] == "output-layer-losses"
    assert Path(picture["path"]).is_file()
    assert "plots" not in json.loads(reproduce("neuron", "--json").stdout)


def test_a_skipped_entry_is_said_to_have_none(tmp_path):
    data, folder = tmp_path / "empty", tmp_path / "plots"
    data.mkdir()
    result = reproduce("fashion-mnist", "--data", data, "--plots", folder)
    assert result.exit_code == 0
    assert "0 pictures in" in result.output
    assert "none of fashion-mnist, which was skipped" in result.output


@pytest.fixture
def no_runs(monkeypatch):
    from flaxnn.reproduce import _runner

    def run(*arguments):
        pytest.fail("an entry was run")

    monkeypatch.setattr(_runner, "run", run)
    monkeypatch.setattr("flaxnn.reproduce.run", run)


def test_a_file_is_refused_before_anything_is_computed(tmp_path, no_runs):
    path = tmp_path / "file"
    path.write_text("")
    for wrong in (path, path / "below"):
        result = reproduce("neuron", "--plots", wrong)
        assert result.exit_code == 2, result.output
        assert "--plots" in result.output


def test_a_missing_package_is_said_before_anything_is_computed(
    tmp_path, no_runs, monkeypatch
):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    result = reproduce("neuron", "--plots", tmp_path)
    assert result.exit_code == 2
    assert "flaxnn[plots]" in result.output


def test_a_wrong_name_makes_no_folder(tmp_path):
    assert reproduce("nothing", "--plots", tmp_path / "new").exit_code == 2
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("arguments", [("neuron", "--json"), ("--list",)])
def test_a_closed_pipe_ends_the_command_quietly(arguments):
    command = [sys.executable, "-m", "flaxnn", "reproduce", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        # As `| head` does when it has seen enough.
        process.stdout.close()
        said = process.stderr.read()
    assert said == b""


def test_the_package_is_the_command():
    command = [sys.executable, "-m", "flaxnn", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("flaxnn ")
