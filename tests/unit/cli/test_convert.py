# SPDX-License-Identifier: Apache-2.0
"""`flaxnn convert`: what it writes and prints, and its exit codes."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from flaxnn import interop
from flaxnn.cli._app import app

FILES = Path(__file__).parents[1] / "interop" / "files"
WEIGHT = np.arange(6, dtype=np.float32).reshape(2, 3)


class Ended(NamedTuple):
    """What is left of a command."""

    exit_code: int
    stdout: str
    stderr: str


def convert(*arguments: Any) -> Ended:
    """Runs the command in this process."""
    out, errors = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(errors),
        pytest.raises(SystemExit) as ended,
    ):
        app(["convert", *map(str, arguments)])
    code = ended.value.code
    assert isinstance(code, int)
    return Ended(code, out.getvalue(), errors.getvalue())


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A run's file with tied weights."""
    path = tmp_path / "run.pt"
    model = {"embed": WEIGHT, "head": WEIGHT, "bias": np.array([np.inf, 1.0])}
    value = {"model": model, "epoch": 3, "best": float("nan"), "lr": np.float64(0.1)}
    interop.save(value, path)
    return path


@pytest.mark.parametrize("target", ["out.pt", "out.pth"])
@pytest.mark.parametrize("source", ["zip.pt", "old.pt", "newer_dtypes.pt"])
def test_to_pytorch(source: str, target: str, tmp_path: Path) -> None:
    ended = convert(FILES / source, tmp_path / target)
    assert ended.exit_code == 0, ended.stderr
    assert f"{target}: " in ended.stdout
    assert convert(FILES / source, tmp_path / target, "--verify").exit_code == 0


def test_to_safetensors_and_back(tmp_path: Path) -> None:
    there, back = tmp_path / "a.safetensors", tmp_path / "b.pt"
    assert convert(FILES / "newer_dtypes.pt", there).exit_code == 0
    assert convert(there, back).exit_code == 0
    ended = convert(FILES / "newer_dtypes.pt", back, "--verify")
    assert (ended.exit_code, ended.stdout) == (0, "the same, to the bit\n")


def test_numbers_that_are_no_plain_ones_are_converted(
    checkpoint: Path, tmp_path: Path
) -> None:
    """A nan is itself here, and NumPy's numbers are numbers."""
    assert convert(checkpoint, tmp_path / "out.pt").exit_code == 0
    assert interop.load(tmp_path / "out.pt")["lr"] == 0.1


def test_select_takes_one_entry(checkpoint: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.safetensors"
    refused = convert(checkpoint, target)
    assert refused.exit_code == 2
    assert "--select model" in refused.stderr
    assert not target.exists()
    ended = convert(checkpoint, target, "--select", "model", "--json")
    assert ended.exit_code == 0
    assert json.loads(ended.stdout) == {
        "source": str(checkpoint),
        "target": str(target),
        "tensors": 3,
        "bytes": target.stat().st_size,
    }
    loaded = interop.load(target)
    assert sorted(loaded) == ["bias", "embed", "head"]
    np.testing.assert_array_equal(loaded["head"], WEIGHT, strict=True)


def test_select_leads_into_nested_entries(checkpoint: Path) -> None:
    ended = convert(checkpoint, "--inspect", "--select", "model.embed", "--json")
    (only,) = json.loads(ended.stdout)["tensors"]
    assert only["shape"] == [2, 3]
    wrong = convert(checkpoint, "--inspect", "--select", "model.other")
    assert wrong.exit_code == 2
    assert "no entry 'other'; the entries are: embed, head, bias" in wrong.stderr


def test_inspect_lists_tensors(checkpoint: Path) -> None:
    ended = convert(checkpoint, "--inspect")
    assert ended.exit_code == 0
    lines = ended.stdout.splitlines()
    head = next(line for line in lines if line.startswith("model.head"))
    assert "float32" in head
    assert "2 × 3" in head
    assert "same memory as model.embed" in head
    assert head.split("× 3")[1].split()[:4] == ["0", "5", "2.5", "1.708"]
    assert "1 nan or inf" in next(x for x in lines if x.startswith("model.bias"))
    assert lines[-1].startswith("3 tensors, 8 elements, ")


def test_inspect_as_json(checkpoint: Path) -> None:
    ended = convert(checkpoint, "--inspect", "--json")
    report = json.loads(ended.stdout, parse_constant=pytest.fail)
    assert report["source"] == str(checkpoint)
    bias = next(one for one in report["tensors"] if one["name"] == "model.bias")
    assert bias == {
        "name": "model.bias",
        "dtype": "float64",
        "shape": [2],
        "bytes": 16,
        "minimum": 1.0,
        "maximum": 1.0,
        "mean": 1.0,
        "std": 0.0,
        "nonfinite": 1,
        "shares": None,
    }


def test_verify_tells_files_apart(checkpoint: Path, tmp_path: Path) -> None:
    content = interop.load(checkpoint)
    other = tmp_path / "other.pt"
    bias = np.array([-np.inf, 1.0])
    model = {**content["model"], "embed": WEIGHT + 1, "bias": bias, "new": WEIGHT}
    interop.save({**content, "model": model, "epoch": 4}, other)
    ended = convert(checkpoint, other, "--verify")
    assert ended.exit_code == 1
    assert ended.stdout.splitlines() == [
        "values     model.embed: 6 of 6 elements, at most 1 apart",
        "values     model.bias: 1 of 2 elements",
        "entry      epoch: 3 and 4",
        "unexpected model.new: float32 (2, 3)",
        "4 differences",
    ]
    ended = convert(checkpoint, other, "--verify", "--json")
    assert ended.exit_code == 1
    report = json.loads(ended.stdout, parse_constant=pytest.fail)
    assert report["same"] is False
    assert [one["what"] for one in report["differences"]] == [
        "values",
        "values",
        "entry",
        "unexpected",
    ]
    only = convert(checkpoint, other, "--verify", "--select", "model.head", "--json")
    assert only.exit_code == 0
    assert json.loads(only.stdout)["same"] is True


@pytest.mark.parametrize("json_", [(), ("--json",)], ids=["text", "json"])
@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        pytest.param("none.pt", "out.pt", "none.pt", id="no such file"),
        pytest.param("bad.pt", "out.pt", "bad.pt", id="no checkpoint"),
        pytest.param("run.pt", "out.onnx", "expected one of .pt", id="suffix"),
        pytest.param("run.pt", "none/out.pt", "none", id="no such directory"),
    ],
)
def test_what_fails(
    source: str,
    target: str,
    message: str,
    json_: tuple[str, ...],
    checkpoint: Path,
    tmp_path: Path,
) -> None:
    (tmp_path / "bad.pt").write_bytes(b"no checkpoint at all")
    ended = convert(tmp_path / source, tmp_path / target, *json_)
    assert ended.exit_code == 2
    assert message in ended.stderr
    if json_:
        assert message in json.loads(ended.stdout)["error"]
    assert not (tmp_path / target).exists()


@pytest.mark.parametrize(
    "arguments",
    [(), ("--verify",), ("out.pt", "--inspect")],
    ids=["nothing to do", "nothing to compare", "both"],
)
def test_arguments_that_contradict(
    arguments: tuple[str, ...], checkpoint: Path
) -> None:
    ended = convert(checkpoint, *arguments)
    assert ended.exit_code == 2
    assert "--inspect" in ended.stderr


def test_a_file_that_does_not_hold_what_was_written(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = interop.save
    monkeypatch.setattr(
        interop, "save", lambda value, path: save({**value, "epoch": 0}, path)
    )
    ended = convert(checkpoint, tmp_path / "out.pt")
    assert ended.exit_code == 2
    assert "does not hold what was written" in ended.stderr


def test_neither_jax_nor_torch_is_imported(checkpoint: Path) -> None:
    code = (
        "import sys\n"
        "from flaxnn.cli import main\n"
        f"sys.argv = ['flaxnn', 'convert', {str(checkpoint)!r}, '--inspect']\n"
        "try:\n    main()\n"
        "except SystemExit as ended:\n    assert not ended.code\n"
        "print({'jax', 'torch'} & set(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout.splitlines()[-1] == "set()"
