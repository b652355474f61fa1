# SPDX-License-Identifier: Apache-2.0
"""Sizes that grow, and where peers are faster."""

import copy
import xml.etree.ElementTree as ET

import pytest

from flaxnn import bench
from flaxnn.bench import _growth
from flaxnn.bench._problem import prepare


@pytest.fixture
def grown(monkeypatch, stand_in):
    """Two sizes, in which a stand-in takes other times than ours."""
    growth = bench.Growth(
        "rows",
        "A title",
        "rows in all",
        (10, 1_000),
        lambda size: bench.Recipe((3, 2), "cross_entropy", "sgd", 0.1, 0, steps=5),
        lambda size: size,
    )
    monkeypatch.setattr(_growth, "GROWTHS", (growth,))
    sides = [stand_in("ours", "nothing"), stand_in("theirs", "nothing")]
    result = bench.measure_growth("rows", sides=sides, repeats=1, threads=1)
    for name, ratio, seconds in (("rows-10", 2.0, 0.02), ("rows-1000", 0.5, 0.5)):
        case = result["cases"][name]
        case["ratios"]["theirs"]["run_s"]["median"] = ratio
        case["sides"]["ours"]["step_s"] |= dict.fromkeys(("median", "min", "max"), 1.0)
        case["sides"]["theirs"]["step_s"]["median"] = seconds
    return result


def test_every_growth_varies_one_size_of_small_cases():
    names = [growth.name for growth in bench.GROWTHS]
    assert names == ["batch", "width", "rows", "runs"]
    for growth in bench.GROWTHS:
        assert list(growth.sizes) == sorted(growth.sizes)
        smallest, *_ = cases = growth.cases()
        assert len({case.name for case in cases}) == len(growth.sizes)
        problem = prepare(smallest, None, quick=True)
        assert len(problem.x) == len(problem.y)
        assert sum(map(sum, problem.shares())) == pytest.approx(
            problem.recipe.epochs * problem.recipe.runs
        )


def test_a_growth_has_a_case_for_each_size_and_no_new_processes(grown):
    assert grown["growth"] == {
        "name": "rows",
        "title": "A title",
        "axis": "rows in all",
        "sizes": {"rows-10": 10, "rows-1000": 1000},
    }
    assert grown["options"]["processes"] == 0
    assert [case["problem"]["rows"] for case in grown["cases"].values()] == [10, 1000]


def test_sizes_at_which_a_peer_is_faster_come_first_in_words(grown):
    text = bench.markdown(grown)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert rows[0] == "| rows in all | the ours | the theirs | faster than ours |"
    assert [row.split("|")[1].strip() for row in rows[2:]] == ["1,000", "10"]
    assert rows[2].endswith("0.50 × | the theirs |")
    assert rows[3].endswith("2.00 × | no peer |")
    assert "a peer is faster in 1 of 2 cases: A title, rows in all 1,000" in text


def test_the_picture_has_a_line_for_each_side(grown):
    root = ET.fromstring(bench.growth_chart(grown))
    space = "{http://www.w3.org/2000/svg}"
    lines = [line.get("points", "").split() for line in root.iter(f"{space}polyline")]
    assert [len(points) for points in lines] == [2, 2]
    ours, theirs = (
        [float(point.split(",")[1]) for point in points] for points in lines
    )
    # One second at both sizes; theirs takes longer at the larger one.
    assert ours[0] == ours[1] < theirs[1] < theirs[0]
    words = [text.text for text in root.iter(f"{space}text")]
    assert {"● the ours", "■ the theirs", "10", "1,000", "rows in all"} <= set(words)


def test_an_unknown_growth_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match="no growth 'widht'; did you mean 'width'"):
        bench.measure_growth("widht")


@pytest.fixture
def compared(univariate, stand_in):
    sides = [stand_in("ours"), stand_in("torch"), stand_in("scan")]
    result = bench.measure([univariate], sides=sides, repeats=1, processes=0)
    case = result["cases"]["univariate"]
    for side in ("torch", "scan"):
        case["ratios"][side]["run_s"]["median"] = 2.0
    lost = copy.deepcopy(case) | {"title": "Another case"}
    lost["ratios"]["torch"]["run_s"]["median"] = 0.8
    lost["ratios"]["scan"]["run_s"]["median"] = 0.5
    return result | {"cases": {"univariate": case, "another": lost}}


def test_cases_in_which_a_peer_is_faster_come_first_in_words(compared):
    (win,) = bench.wins(compared["cases"])
    assert win == {
        "case": "another",
        "side": "torch",
        "title": "the torch",
        "measure": "run_s",
        "ratio": 0.8,
        "kind": "side by side",
    }
    text = bench.markdown(compared)
    assert text.index("### Another case") < text.index("### Document 002")
    assert "**the torch is faster here: the steady run (0.80 × our time).**" in text
    assert "a peer is faster in 1 of 2 cases: Another case" in text


def test_targets_name_what_is_missed_first():
    ratio = {"median": 1.5, "min": 1.4, "max": 1.6}
    sides = {
        "flax": {"kind": "side by side", "run_s": ratio},
        "scan": {"kind": "side by side", "run_s": ratio},
    }
    table = bench.targets({"cases": {"fashion-mnist-epoch-64": {"ratios": sides}}})
    rows = table.splitlines()[2:]
    assert "`flax` | steady run | ≥ 1.6 × | 1.500 (1.400–1.600) | **missed**" in rows[0]
    assert "`keras`" in rows[1]
    assert rows[1].endswith("| not measured |")
    assert "`scan`" in rows[-1]
    assert rows[-1].endswith("| reached, side by side |")
