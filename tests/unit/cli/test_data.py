# SPDX-License-Identifier: Apache-2.0
"""`flaxnn data`: what it prints, where it prints it, and its exit codes."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest

from flaxnn import data
from flaxnn.cli._app import app
from tests.unit.data import _small
from tests.unit.data._small import ROOT, ROWS, image_set, put, put_cache, write_idx


class Ended(NamedTuple):
    """What is left of a command."""

    exit_code: int
    stdout: str
    stderr: str


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with empty places, small data sets, and no network."""
    _small.isolate(tmp_path, monkeypatch)
    _small.make_small(monkeypatch)
    return tmp_path


def flaxnn_data(*arguments):
    """Exit code and both outputs, which not every version of typer's runner parts."""
    out, errors = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(errors),
        pytest.raises(SystemExit) as ended,
    ):
        app(["data", *map(str, arguments)])
    return Ended(ended.value.code, out.getvalue(), errors.getvalue())


def test_the_list_names_every_data_set(machine):
    put(machine / "share/fashion-mnist", splits=("train",))
    rows = {
        row["name"]: row for row in json.loads(flaxnn_data("list", "--json").stdout)
    }
    assert set(rows) == {
        "breast_cancer",
        "digits",
        "fashion_mnist",
        "iris",
        "mnist",
        "wine",
    }
    assert rows["fashion_mnist"] == {
        "name": "fashion_mnist",
        "splits": ROWS,
        "shape": [28, 28],
        "found": {"train": str(machine / "share/fashion-mnist"), "test": None},
    }
    assert rows["wine"]["shape"] == [13]
    result = flaxnn_data("list")
    assert result.exit_code == 0
    assert f"{machine / 'share/fashion-mnist'}\n" in result.stdout
    assert result.stdout.count("not on this machine") == 3


def test_where_shows_every_place_in_order(machine):
    put(machine / "work/data/FashionMNIST/raw", splits=("test",))
    put_cache(machine / "home/tensorflow_datasets/downloads/fashion_mnist")
    result = flaxnn_data("where", "fashion_mnist", "--json")
    assert result.exit_code == 0
    places = json.loads(result.stdout)["places"]
    assert [(place["owner"], place["splits"]) for place in places] == [
        ("TFDS, prepared", []),
        ("torchvision", ["test"]),
        ("Keras", []),
        ("Debian's package", []),
        ("TFDS, downloads", ["train", "test"]),
    ]
    assert places[0]["problem"] == "no such folder"
    assert places[1]["problem"].startswith("no train-images")
    assert places[4]["format"] == "IDX"
    lines = flaxnn_data("where", "fashion_mnist").stdout.splitlines()
    assert len(lines) == 6
    assert lines[2].split()[1:] == [
        "torchvision",
        str(machine / "work/data/FashionMNIST/raw"),
        "test",
        "(IDX)",
    ]


def test_where_with_nothing_there(machine):
    result = flaxnn_data("where", "mnist", "--data-dir", machine / "data", "--json")
    assert result.exit_code == 2
    report = json.loads(result.stdout)
    assert report["status"] == "missing"
    assert {place["path"].split("/data/")[1] for place in report["places"]} == {
        "mnist",
        "MNIST/raw",
        "downloads/mnist",
    }


def test_where_a_table_is(tmp_path):
    places = json.loads(flaxnn_data("where", "wine", "--json").stdout)["places"]
    assert [place["owner"] for place in places] == ["package"]
    data.builder("wine", data_dir=tmp_path).download_and_prepare()
    result = flaxnn_data("where", "wine", "--data-dir", tmp_path)
    assert f"{tmp_path}/sklearn_wine/1.0.0  train (array_record)\n" in result.stdout
    result = flaxnn_data("where", "iris", "--data-dir", tmp_path, "--json")
    assert [place["problem"] for place in json.loads(result.stdout)["places"]] == [
        "not prepared",
        None,
    ]


def test_verify_prints_figures(machine):
    put(machine / "raw")
    arguments = ("verify", "fashion_mnist", "--raw-dir", machine / "raw")
    result = flaxnn_data(*arguments, "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert report["status"] == "ok"
    contents = image_set("fashion_mnist").contents
    for split in report["splits"]:
        content = contents[split["split"]]
        assert split["rows"] == content.rows
        assert split["sha256"] == [content.images_sha256, content.labels_sha256]
        assert split["format"] == "IDX"
        assert split["source"] == str(machine / "raw")
        assert 0 < split["seconds"] < 10
    lines = flaxnn_data(*arguments).stdout.splitlines()
    assert lines[0].split() == [
        "split",
        "rows",
        "sha256",
        "format",
        "source",
        "seconds",
    ]
    assert lines[1].startswith(f"train  25    {contents['train'].images_sha256[:12]} ")


@pytest.mark.parametrize("json_too", [True, False])
def test_verify_a_wrong_copy(machine, json_too):
    raw = put(machine / "raw")
    write_idx(raw / "t10k-labels-idx1-ubyte.gz", np.zeros(7, np.uint8))
    arguments = ["verify", "fashion_mnist", "--raw-dir", raw]
    result = flaxnn_data(*arguments, *["--json"] * json_too)
    assert result.exit_code == 1
    assert "t10k-labels-idx1-ubyte.gz: expected SHA-256" in result.stderr
    if json_too:
        report = json.loads(result.stdout)
        assert report["status"] == "corrupt"
        assert [split["split"] for split in report["splits"]] == ["train"]
        assert report["error"] in result.stderr
    else:
        assert result.stdout == ""


def test_verify_what_is_not_there(machine):
    result = flaxnn_data("verify", "fashion_mnist", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["status"] == "missing"
    assert "do one of these" in result.stderr


def test_verify_tables(tmp_path):
    for arguments in ((), ("--data-dir", tmp_path)):
        report = json.loads(flaxnn_data("verify", "iris", *arguments, "--json").stdout)
        assert report["status"] == "ok"
        assert report["splits"][0]["format"] == "package"
    data.builder("iris", data_dir=tmp_path).download_and_prepare()
    again = json.loads(
        flaxnn_data("verify", "iris", "--data", tmp_path, "--json").stdout
    )
    assert again["splits"][0]["format"] == "array_record"
    assert again["splits"][0]["sha256"] == report["splits"][0]["sha256"]


def test_fetch_prepares_from_files_without_a_network(machine):
    raw = put(machine / "raw")
    arguments = ("fetch", "fashion_mnist", "--data-dir", machine / "data")
    result = flaxnn_data(*arguments, "--from", raw, "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["data_dir"] == str(machine / "data")
    assert [split["format"] for split in report["splits"]] == ["array_record"] * 2
    assert data.load("fashion_mnist", data_dir=machine / "data", download=False)
    again = json.loads(flaxnn_data(*arguments, "--json").stdout)
    assert [split["rows"] for split in again["splits"]] == [25, 7]


def test_fetch_a_table(machine):
    result = flaxnn_data("fetch", "wine")
    assert result.exit_code == 0
    folder = machine / "home/tensorflow_datasets/sklearn_wine/1.0.0"
    assert str(folder) in result.stdout
    assert folder.is_dir()


def test_fetch_without_a_network(machine):
    result = flaxnn_data("fetch", "mnist", "--data-dir", machine / "data")
    assert result.exit_code == 2
    assert "Not downloaded: no connection to storage.googleapis.com" in result.stderr
    result = flaxnn_data("fetch", "mnist", "--from", machine / "raw")
    assert result.exit_code == 2
    assert f"{machine / 'raw'} (raw_dir): no such folder" in result.stderr


def test_fetch_to_where_nothing_can_be_written(machine):
    (machine / "file").touch()
    result = flaxnn_data(
        "fetch", "wine", "--data-dir", machine / "file/below", "--json"
    )
    assert result.exit_code == 2
    assert json.loads(result.stdout)["status"] == "failed"
    assert "cannot be written" in result.stderr


@pytest.mark.parametrize("command", ["where", "verify", "fetch"])
def test_an_unknown_name(machine, command):
    result = flaxnn_data(command, "FashionMNIST")
    assert result.exit_code == 2
    assert "Did you mean 'fashion_mnist'?" in result.stderr


def test_a_damaged_folder_is_located_and_listed(machine):
    folder = machine / "home/tensorflow_datasets/mnist/3.0.1"
    folder.mkdir(parents=True)
    (folder / "mnist-train.array_record-00001-of-00002").touch()
    result = flaxnn_data("where", "mnist")
    assert result.exit_code == 2
    assert "damaged: " in result.stdout
    assert flaxnn_data("list").exit_code == 0
    assert flaxnn_data("verify", "mnist").exit_code == 1


def test_the_help_loads_nothing_heavy():
    code = (
        "import sys; sys.argv = ['flaxnn', 'data', '--help']\n"
        "from flaxnn.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print({'jax', 'numpy', 'flaxnn.data'} & set(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert "verify" in done.stdout
    assert done.stdout.endswith("set()\n")
