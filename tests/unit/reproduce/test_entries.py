# SPDX-License-Identifier: Apache-2.0
"""Every entry of the documents passes, and would fail on a wrong number."""

import json
import sys

import numpy as np
import pytest

from flaxnn import models, optim, reproduce
from flaxnn.random import Generator
from flaxnn.reproduce import (
    ENTRIES,
    Settings,
    _entry,
    _fashion_mnist,
    _golden,
    _wine,
)

QUICK = [entry for entry in ENTRIES if entry.name != "fashion-mnist"]


def results(name, settings=None):
    return list(reproduce.run(reproduce.find([name]), settings or Settings()))


@pytest.mark.parametrize("entry", QUICK, ids=lambda entry: entry.name)
def test_entry_passes(entry):
    (result,) = results(entry.name)
    off = [figure for figure in result.figures if not figure.passed]
    assert result.status == "passed", off
    assert result.figures


def test_document_002_prints_112_losses():
    losses = [
        figure
        for name in ("univariate", "multinomial")
        for figure in results(name)[0].figures
        if figure.group == "losses"
    ]
    assert len(losses) == 112
    assert all(figure.error <= 1.5e-6 for figure in losses)


def test_document_004_prints_512_biases():
    (result,) = results("neural-network")
    groups = [figure.group for figure in result.figures]
    assert groups.count("bias") == 512
    assert groups.count("weight") == 36


def test_a_wrong_optimiser_is_noticed(monkeypatch):
    right = optim.adam
    monkeypatch.setattr(optim, "adam", lambda lr: right(lr=lr, eps=1e-5))
    (result,) = results("output-layer")
    assert result.status == "failed"


@pytest.mark.slow
def test_fashion_mnist_passes(fashion_mnist_dir, tmp_path):
    (result,) = results("fashion-mnist", Settings(fashion_mnist_dir))
    off = [figure for figure in result.figures if not figure.passed]
    assert result.status == "passed", off
    exact = [figure.group for figure in result.figures if figure.grade == "T0"]
    runs = ("SGD", "SGD, plain logits", "Adam")
    assert exact == [f"{r}: {of}" for r in runs for of in ("initial values", "order")]
    paths = reproduce.write_plots(result.plots, tmp_path)
    assert [path.stem for path in paths] == [
        f"fashion-mnist-{name}"
        for name in (
            "sgd-losses",
            "sgd-predictions",
            "sgd-confusion-matrix",
            "sgd-calibration",
            "sgd-plain-logits-losses",
            "sgd-plain-logits-predictions",
            "sgd-plain-logits-confusion-matrix",
            "sgd-plain-logits-calibration",
            "adam-losses",
            "adam-weights",
            "adam-predictions",
            "adam-confusion-matrix",
            "adam-calibration",
        )
    ]


def test_other_weights_and_another_stream_are_noticed():
    reference = _golden.golden("fashion_mnist_sgd")
    seed = _entry.document("004")["recovered_seed"]
    for start, passed in ((seed, True), (seed + 1, False)):
        model = models.NeuralNetwork(rngs=Generator(start))
        figure = _golden.same_initial_values("group", reference, model)
        assert (figure.grade, figure.passed) == ("T0", passed)
    state = reference["generator_state"].copy()
    assert _golden.same_generator("group", reference, state).passed
    state[100] ^= 1
    assert not _golden.same_generator("group", reference, state).passed


def test_missing_data_are_skipped_with_a_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(_fashion_mnist, "_float32", None)
    (result,) = results("fashion-mnist", Settings(tmp_path))
    assert result.status == "skipped"
    assert "fashion_mnist" in result.reason


def test_a_damaged_file_fails_its_entry_and_no_other(tmp_path):
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3"):
        (tmp_path / f"{name}-ubyte").write_bytes(b"junk")
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(b"junk")
    entries = reproduce.find(["neuron", "fashion-mnist"])
    first, second = reproduce.run(entries, Settings(tmp_path))
    assert first.status == "passed"
    assert second.status == "failed"
    assert "train-images-idx3-ubyte" in second.reason


def test_a_missing_package_is_skipped_but_a_missing_golden_is_an_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    assert results("wine")[0].status == "skipped"
    monkeypatch.undo()
    monkeypatch.setattr(_wine, "golden", lambda name: _golden.golden("nothing"))
    with pytest.raises(FileNotFoundError, match="nothing"):
        results("wine")


def test_the_summary_is_json_with_every_figure():
    found = results("neuron") + results("errors")
    summary = reproduce.summary(found)
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert len(summary["figures"]) == 5
    keys = {"entry", "value", "reference", "error", "tolerance", "grade", "passed"}
    assert all(keys <= figure.keys() for figure in summary["figures"])
    assert summary["environment"]["jax"]


def test_names_are_found_by_entry_and_by_document():
    assert [e.name for e in reproduce.find(["neuron"])] == ["neuron"]
    by_document = [e.name for e in reproduce.find(["002"])]
    assert by_document == ["neuron", "univariate", "multinomial", "wine"]
    assert reproduce.find([]) == ENTRIES
    with pytest.raises(ValueError, match="did you mean 'multinomial'"):
        reproduce.find(["multinominal"])


def test_goldens_carry_how_they_were_made():
    from importlib import resources

    from safetensors import safe_open

    folder = resources.files("flaxnn.reproduce").joinpath("goldens")
    for path in folder.iterdir():
        if path.name.endswith(".safetensors"):
            with safe_open(str(path), "np") as file:
                metadata = file.metadata()
                assert metadata["torch"].startswith("2.13.0")
                assert metadata["made_by"] == "make_goldens.py"
                if "noise_floor" in file.keys():  # noqa: SIM118
                    floor = file.get_tensor("noise_floor")
                    assert (np.diff(floor) >= 0).all()
