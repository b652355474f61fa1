# SPDX-License-Identifier: Apache-2.0
"""The rounds, on sides that need NumPy only."""

import dataclasses
import json

import pytest

from flaxnn import bench

MEASURES = {
    "import_s",
    "setup_s",
    "compile_s",
    "first_step_s",
    "step_s",
    "run_s",
    "process_s",
    "warm_s",
    "peak_mib",
}


def test_sides_take_turns_and_everything_is_measured(univariate, stand_in):
    said = []
    sides = [stand_in("first"), stand_in("torch"), stand_in("third")]
    result = bench.measure(
        [univariate], sides=sides, repeats=2, processes=2, threads=1, watch=said.append
    )
    steady = [what for what in said if "steady" in what]
    names = [what.split("the ")[1].split(",")[0] for what in steady]
    assert names == ["first", "torch", "third", "torch", "third", "first"]
    new = [what.split("the ")[1] for what in said if "new" in what]
    cold = [f"{name}, new process" for name in names]
    assert new == [*cold, *(f"{what}, warm cache" for what in cold)]

    assert json.loads(json.dumps(result)) == result
    assert set(result) == {
        "schema",
        "date",
        "machine",
        "options",
        "reference",
        "wins",
        "cases",
        "skipped",
    }
    case = result["cases"]["univariate"]
    assert set(case) == {
        "title",
        "problem",
        "agreement",
        "sides",
        "missing",
        "base",
        "ratios",
        "other_load",
    }
    assert case["base"] == "first"
    assert case["agreement"]["against"] == "the torch"
    assert case["agreement"]["largest_difference"] == {
        "first": 0.0,
        "torch": 0.0,
        "third": 0.0,
    }
    for side in case["sides"].values():
        assert set(side) == {"title", "kind", *MEASURES}
        assert side["kind"] == "measured"
        for name in MEASURES:
            assert side[name]["min"] <= side[name]["median"] <= side[name]["max"]
        counts = {name: len(side[name]["samples"]) for name in MEASURES}
        assert counts == dict.fromkeys(MEASURES, 2) | {"first_step_s": 1}
        assert side["process_s"]["min"] > side["import_s"]["min"] > 0
        assert side["run_s"]["min"] > side["step_s"]["min"] > 0
        assert 5 < side["peak_mib"]["min"] < 1000
    ratio = case["ratios"]["torch"]
    assert ratio["kind"] == "side by side"
    expected = [
        a / b
        for a, b in zip(
            case["sides"]["torch"]["run_s"]["samples"],
            case["sides"]["first"]["run_s"]["samples"],
            strict=True,
        )
    ]
    assert ratio["run_s"]["samples"] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        ("descent", {"lr_factor": 1.5}, "at step 1 0.938.* against 0.943"),
        ("descent", {"last_step_off": 1e-3}, "at step 19 .* 0.001 apart where 1e-05"),
        ("nan", {}, "at step 0 nan"),
        ("one_loss_short", {}, r"shape \(19,\), where the torch has \(20,\)"),
    ],
)
def test_a_wrong_side_stops_the_benchmark(
    univariate, stand_in, function, options, message
):
    said = []
    sides = [stand_in("wrong", function, **options), stand_in("torch")]
    with pytest.raises(bench.DifferentResultsError, match=message):
        bench.measure([univariate], sides=sides, watch=said.append)
    assert [what for what in said if "steady" in what or "new" in what] == []


def test_a_failing_worker_says_what_it_printed(univariate, stand_in):
    with pytest.raises(RuntimeError, match="the worker of the crashing ended") as error:
        bench.measure([univariate], sides=[stand_in("crashing", "crashing")])
    assert "last words" in str(error.value)
    assert "ZeroDivisionError: planted" in str(error.value)


def test_a_side_that_cannot_run_is_named_with_the_reason(univariate, stand_in):
    sides = [
        stand_in("ours"),
        stand_in("absent", "absent"),
        stand_in("torch", packages=("no_such_package.inside",)),
    ]
    result = bench.measure([univariate], sides=sides, repeats=1, processes=1)
    case = result["cases"]["univariate"]
    assert case["missing"] == {
        "absent": "a thing is not here",
        "torch": "no_such_package is not installed; pip install no_such_package",
    }
    assert list(case["sides"]) == ["ours"]
    assert case["ratios"] == {}
    assert case["agreement"]["against"] == "the ours"


def test_missing_data_skip_a_case(tmp_path):
    result = bench.measure(bench.find(["fashion-mnist-epoch-512"]), data=tmp_path)
    assert result["cases"] == {}
    assert "fashion_mnist" in result["skipped"]["fashion-mnist-epoch-512"]


@pytest.mark.parametrize(("name", "least"), [("repeats", 1), ("processes", 0)])
def test_numbers_out_of_range_are_refused(name, least):
    message = f"{name} must be at least {least}, got {least - 1}"
    with pytest.raises(ValueError, match=message):
        bench.measure([], **{name: least - 1})


def test_no_threads_are_refused():
    with pytest.raises(ValueError, match="threads must be at least 1, got 0"):
        bench.measure([], threads=0)


def test_more_threads_than_processors_are_refused():
    with pytest.raises(ValueError, match="threads must be at most"):
        bench.measure([], threads=100_000)


def test_workers_get_the_threads_that_were_asked_for(tmp_path):
    from flaxnn.bench._process import environment

    given = environment(bench.SIDES[0], 3, str(tmp_path), None)
    assert given["OMP_NUM_THREADS"] == given["MKL_NUM_THREADS"] == "3"
    assert given["JAX_PLATFORMS"] == "cpu"


@pytest.mark.parametrize("side", bench.SIDES, ids=lambda side: side.name)
def test_a_cold_process_keeps_no_programs_and_a_warm_one_its_side_s(
    side, tmp_path, monkeypatch
):
    from flaxnn.bench._process import environment

    monkeypatch.setenv("FLAXNN_COMPILATION_CACHE", "of the user")
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "of the user")
    cold = environment(side, 1, "scratch", None)
    assert "of the user" not in cold.values()
    assert cold["JAX_ENABLE_COMPILATION_CACHE"] == "false"
    warm = environment(side, 1, "scratch", tmp_path)
    named = {name for name, value in warm.items() if value == str(tmp_path)}
    assert named == set(side.cache)
    assert set(side.variables.items()) <= set(warm.items())


def test_new_processes_can_be_left_out(univariate, stand_in):
    sides = [stand_in("ours"), stand_in("torch")]
    result = bench.measure([univariate], sides=sides, repeats=1, processes=0)
    case = result["cases"]["univariate"]
    assert set(case["sides"]["ours"]) == {
        "title",
        "kind",
        "first_step_s",
        "step_s",
        "run_s",
    }
    assert set(case["ratios"]["torch"]) == {"kind", "run_s"}
    assert "new process" not in bench.markdown(result)


def test_a_side_of_averages_is_held_to_averages(univariate, stand_in):
    torch = stand_in("torch")
    averaging = stand_in("averaging", "averaged")
    averaging = dataclasses.replace(averaging, averages=True)
    once = {"repeats": 1, "processes": 0}
    result = bench.measure([univariate], sides=[torch, averaging], **once)
    differences = result["cases"]["univariate"]["agreement"]["largest_difference"]
    assert differences["averaging"] < 1e-7
    wrong = dataclasses.replace(averaging, options={"lr_factor": 1.5})
    with pytest.raises(bench.DifferentResultsError, match="than the torch, averaged"):
        bench.measure([univariate], sides=[torch, wrong], **once)
    silent = dataclasses.replace(averaging, averages=False)
    with pytest.raises(bench.DifferentResultsError, match="losses of shape"):
        bench.measure([univariate], sides=[torch, silent], **once)
