# SPDX-License-Identifier: Apache-2.0
"""`flaxnn reproduce --report`: one page, or an error before anything is run."""

import json

import pytest
from typer.testing import CliRunner

from flaxnn.cli._app import app


def reproduce(*arguments):
    return CliRunner().invoke(app, ["reproduce", *map(str, arguments)])


def test_the_page_is_written_and_named(tmp_path):
    file = tmp_path / "out.html"
    result = reproduce("neuron", "--report", file)
    assert result.exit_code == 0, result.output
    assert f"report in {file}" in result.output
    assert "✓ PASS" in file.read_text(encoding="utf-8")


def test_json_has_its_path(tmp_path):
    file = tmp_path / "out.html"
    result = reproduce("neuron", "--json", "--report", file)
    assert json.loads(result.stdout)["report"] == str(file)
    assert file.is_file()
    assert "report" not in json.loads(reproduce("neuron", "--json").stdout)


def test_a_bad_path_is_an_error_before_any_run(tmp_path, monkeypatch):
    def run(*arguments):
        pytest.fail("an entry was run")

    monkeypatch.setattr("flaxnn.reproduce.run", run)
    (tmp_path / "folder.html").mkdir()
    for wrong, said in (
        ("out.pdf", "ends with .html"),
        ("no/out.html", "there is no folder"),
        ("folder.html", "is a folder"),
    ):
        result = reproduce("neuron", "--report", tmp_path / wrong)
        assert result.exit_code == 2, result.output
        assert "--report" in result.output
        assert said in " ".join(result.output.replace("│", " ").split())


def test_a_page_that_cannot_be_written_in_the_end_loses_no_result(
    tmp_path, monkeypatch
):
    def write(self, path):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("flaxnn.report.Page.write", write)
    result = reproduce("neuron", "--json", "--report", tmp_path / "out.html")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["figures"]
    assert "No space left on device" in result.stderr
