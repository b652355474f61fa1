# SPDX-License-Identifier: Apache-2.0
import xml.etree.ElementTree as ET

import pytest

from flaxnn import bench
from flaxnn.bench import _machine
from flaxnn.bench._samples import summary
from flaxnn.bench._tables import _seconds, _times


@pytest.fixture
def result(univariate, stand_in):
    sides = [stand_in("ours"), stand_in("torch"), stand_in("absent", "absent")]
    return bench.measure([univariate], sides=sides, repeats=2, processes=1)


@pytest.mark.parametrize(
    ("samples", "shown"),
    [
        ([1.25], "1.25 s"),
        ([0.02, 0.04, 0.03], "30.0 ms (20.0–40.0)"),
        ([4.2e-6, 4.2e-6], "4.20 µs"),
        ([123.4, 200.0], "162 s (123–200)"),
        ([0.0], "0.00 µs"),
    ],
)
def test_times_are_shown_in_a_unit_that_fits(samples, shown):
    assert _seconds(summary(samples)) == shown


def test_ratios_are_shown_with_their_spread():
    assert _times(summary([87.123, 80.0, 95.5])) == "87.1 (80.0–95.5)"


def test_the_guide_s_table_has_a_column_for_each_side(result):
    lines = bench.markdown(result).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert rows[0] == "|  | the ours | the torch |"
    assert all(row.count("|") == 4 for row in rows)
    measures = [row.split("|")[1].strip() for row in rows[2:]]
    assert measures == [
        "import",
        "set-up",
        "compile",
        "first step",
        "steady step",
        "steady run",
        "new process",
        "new process, warm cache",
        "peak memory",
        "steady run, × ours",
        "new process, × ours",
        "new process, warm cache, × ours",
    ]
    text = bench.markdown(result)
    assert "20 losses of each side within 0.0e+00 of those of the torch" in text
    assert "absent did not run: a thing is not here." in text


def test_the_picture_has_a_bar_for_each_side_on_one_scale(result):
    case = result["cases"]["univariate"]
    case["sides"]["ours"]["run_s"]["median"] = 0.25
    case["sides"]["torch"]["run_s"]["median"] = 0.5
    case["ratios"]["torch"]["run_s"]["median"] = 2.0
    root = ET.fromstring(bench.chart(result))
    space = "{http://www.w3.org/2000/svg}"
    _, *bars = root.iter(f"{space}rect")
    ours, theirs = (float(bar.get("width", "")) for bar in bars)
    assert theirs == pytest.approx(2 * ours, rel=1e-2)
    words = [text.text for text in root.iter(f"{space}text")]
    assert words == [
        case["title"],
        "the ours",
        "250.0 ms",
        "the torch",
        "500.0 ms, 2 ×",
    ]


def test_the_machine_is_described():
    facts = bench.machine()
    assert facts["cores"] >= 1
    assert facts["processor"]
    assert facts["versions"]["jax"]
    assert set(facts["versions"]) >= {"jaxlib", "flax", "optax", "numpy", "torch"}


def test_other_load_leaves_out_our_own(monkeypatch):
    busy, own, clock = iter([100.0, 108.0]), iter([10.0, 15.0]), iter([0.0, 10.0])
    monkeypatch.setattr(_machine, "_busy", lambda: next(busy))
    monkeypatch.setattr(_machine, "_own", lambda: next(own))
    monkeypatch.setattr(_machine.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(_machine.os, "cpu_count", lambda: 2)
    # Eight seconds of work in twenty that two processors had, five of them ours.
    assert _machine.OtherLoad().share() == pytest.approx(0.15)


def test_other_load_is_unknown_where_the_system_does_not_say(monkeypatch):
    monkeypatch.setattr(_machine, "_busy", lambda: None)
    assert _machine.OtherLoad().share() is None
