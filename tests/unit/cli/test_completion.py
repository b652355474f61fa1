# SPDX-License-Identifier: Apache-2.0
"""What a shell completes, and that it needs neither JAX nor a guess."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from flaxnn import models, reproduce
from flaxnn.cli import _values
from flaxnn.cli._app import app
from flaxnn.data._names import NAMES
from flaxnn.runs import _catalogue
from flaxnn.runs._keys import KEYS

ROOT = Path(__file__).parents[3]


def completed(line: str, monkeypatch, capsys) -> list[str]:
    """What bash is told for a line."""
    monkeypatch.setenv("_FLAXNN_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
    with pytest.raises(SystemExit) as ended:
        app()
    assert ended.value.code == 0
    return capsys.readouterr().out.split()


def test_the_values_are_those_of_the_registries() -> None:
    assert list(_values.ENTRIES) == [entry.name for entry in reproduce.find([])]
    assert list(_values.DATA_SETS) == NAMES
    assert list(_values.MODELS) == models.__all__
    assert _catalogue.optimizers() == _values.OPTIMIZERS
    assert _catalogue.schedules() == _values.SCHEDULES
    assert _values.LOSSES == _catalogue.LOSSES
    assert [*_values.METRICS] == [*_catalogue.METRICS, "top_5_accuracy"]
    for name in _values.DTYPES:
        assert KEYS["dtype"].kind.accepts(name)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("flaxnn re", ["reproduce"]),
        ("flaxnn data f", ["fetch"]),
        ("flaxnn data verify w", ["wine"]),
        ("flaxnn reproduce wine mult", ["multinomial"]),
        ("flaxnn bench fashion-mnist-epoch-4", ["fashion-mnist-epoch-4096"]),
        ("flaxnn sweep Soft", ["SoftmaxRegression"]),
        ("flaxnn sweep SoftmaxRegression ir", ["iris"]),
        ("flaxnn doctor --j", ["--json"]),
        ("flaxnn train Neu", ["NeuralNetwork"]),
        ("flaxnn train NeuralNetwork fash", ["fashion_mnist"]),
        ("flaxnn train --optimizer adamw", ["adamw"]),
        ("flaxnn train --schedule cosine_annealing_l", ["cosine_annealing_lr"]),
        ("flaxnn train --loss Huber", ["HuberLoss"]),
        ("flaxnn train --metrics f1,au", ["f1,auroc"]),
        ("flaxnn train --best rec", ["recall"]),
        ("flaxnn train --dtype float6", ["float64"]),
        ("flaxnn evaluate run --split va", ["validation"]),
        ("flaxnn evaluate run wi", ["wine"]),
        ("flaxnn evaluate run --model Log", ["LogisticRegression"]),
        ("flaxnn evaluate run --metrics confus", ["confusion_matrix"]),
        ("flaxnn predict run --checkpoint b", ["best"]),
    ],
)
def test_what_completes(line, expected, monkeypatch, capsys) -> None:
    assert completed(line, monkeypatch, capsys) == expected


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash(tmp_path: Path) -> None:
    """In a shell of its own, with the script that the command prints."""
    program = tmp_path / "flaxnn"
    # Ends with an error where JAX or NumPy is imported.
    program.write_text(
        f"#!{sys.executable}\nimport sys\n"
        "sys.modules['jax'] = sys.modules['numpy'] = None\n"
        "from flaxnn.cli import main\nmain()\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    script = (
        'eval "$(_FLAXNN_COMPLETE=source_bash flaxnn)"\n'
        "COMP_WORDS=(flaxnn reproduce neuro); COMP_CWORD=2\n"
        '_flaxnn_completion flaxnn; echo "${COMPREPLY[*]}"\n'
    )
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout == "neuron\n", done.stderr
