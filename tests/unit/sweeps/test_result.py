# SPDX-License-Identifier: Apache-2.0
"""A sweep's table, choices, pictures and files."""

from __future__ import annotations

import csv
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import flaxnn
from flaxnn import nn, optim
from flaxnn.sweeps import Table
from flaxnn.training import Validation


def arrays():
    x = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)
    return x, x[:, :1] + x[:, 1:]


@pytest.fixture(scope="module")
def swept():
    return flaxnn.sweep(
        lambda *, rngs: nn.Linear(2, 1, rngs=rngs),
        arrays(),
        loss=nn.MSELoss(),
        optimizer=optim.sgd,
        lr=[0.01, 0.1, 1e30],
        weight_decay=[0, 0.01],
        seeds=range(5),
        steps=12,
        validation=Validation(arrays(), every=6),
    )


def test_the_table_has_a_row_for_each_lane(swept):
    assert len(swept) == len(swept.records) == 30
    assert list(swept.records[7]) == [
        "seed",
        "lr",
        "weight_decay",
        "status",
        "loss",
        "val_loss",
    ]
    assert [r["seed"] for r in swept.records[:6]] == [0, 1, 2, 3, 4, 0]
    table = swept.table
    assert isinstance(table, Table)
    assert table.columns == tuple(swept.records[0])
    np.testing.assert_array_equal(table["seed"], [r["seed"] for r in swept.records])
    assert len(repr(table).splitlines()) == 22
    with pytest.raises(KeyError, match="there is no column 'losss'"):
        table["losss"]


def test_the_table_is_a_data_frame_where_there_is_pandas(swept, monkeypatch):
    pandas = SimpleNamespace(DataFrame=lambda rows: ("frame", rows))
    monkeypatch.setitem(sys.modules, "pandas", pandas)
    assert swept.table == ("frame", swept.records)


def test_files_of_the_table(swept, tmp_path):
    swept.to_csv(tmp_path / "sweep.csv")
    with (tmp_path / "sweep.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["lr"]) for row in rows] == [r["lr"] for r in swept.records]
    swept.to_json(tmp_path / "sweep.json")
    text = (tmp_path / "sweep.json").read_text()
    read = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert read[0]["loss"] == swept.records[0]["loss"]
    assert read[-1]["loss"] is None


def test_the_best_lane_is_a_finite_one(swept):
    best = swept.best("val_loss")
    values = swept.evaluations["loss"][-1, :20]
    assert best == int(values.argmin())
    assert swept.best("loss", "max") == int(swept.history["loss"][-1, :20].argmax())
    # Lanes from 20 on have a larger one, and losses that are not finite.
    assert swept.best("lr", "max") == 10
    with pytest.raises(KeyError, match="no column 'accuracy'"):
        swept.best("accuracy")
    with pytest.raises(ValueError, match="mode must be"):
        swept.best(mode="lowest")
    with pytest.raises(ValueError, match="no lane is finite"):
        swept.select(lr=1e30).best()


def test_a_selection_is_a_sweep(swept):
    some = swept.select(lr=0.1, seed=[1, 3])
    assert [(r["lr"], r["seed"]) for r in some.records] == [(0.1, 1), (0.1, 3)] * 2
    np.testing.assert_array_equal(
        some.history["loss"], swept.history["loss"][:, [11, 13, 16, 18]]
    )
    assert some.evaluations["loss"].shape == (2, 4)
    assert some.run(2) is swept.run(16)
    with pytest.raises(ValueError, match="no lane has lr=3"):
        swept.select(lr=3)


def test_a_sweep_tells_of_itself(swept):
    lines = repr(swept).splitlines()
    assert lines[0] == (
        "Sweep: 30 runs of 12 steps, 5 seeds, 1 program, all side by side"
    )
    assert lines[1].strip() == "lr: 0.01, 0.1, 1e+30"
    assert "not finite: 10 of 30 (lane 20 from step" in lines[-1]


def test_pictures(swept):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    (axes,) = swept.plot_curves("lr", title="Rates").axes
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts[:2] == ["lr = 0.01", "lr = 0.1"]
    assert texts[2] == "lr = 1e+30 (10 of 10 not finite)"
    (axes,) = swept.plot_curves(value="val_loss").axes
    assert axes.get_lines()[0].get_xdata().tolist() == [6, 12]
    with pytest.raises(KeyError, match="there is no history 'accuracy'"):
        swept.plot_curves(value="accuracy")
    axes = swept.plot_heat_map("lr", "weight_decay", value="val_loss").axes[0]
    shown = axes.get_images()[0].get_array()
    expected = np.median(swept.evaluations["loss"][-1, :5])
    assert shown[0, 0] == pytest.approx(expected)
    assert shown.mask[2].all()
    assert [t.get_text() for t in axes.get_yticklabels()] == ["0.01", "0.1", "1e+30"]
