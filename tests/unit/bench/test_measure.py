"""The rounds, on sides that need NumPy only."""

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
    new = [what.split("the ")[1].split(",")[0] for what in said if "new" in what]
    assert new == names

    assert json.loads(json.dumps(result)) == result
    assert set(result) == {
        "schema",
        "date",
        "machine",
        "options",
        "reference",
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
        "torch": "no_such_package is not installed",
    }
    assert list(case["sides"]) == ["ours"]
    assert case["ratios"] == {}
    assert case["agreement"]["against"] == "the ours"


def test_missing_data_skip_a_case(tmp_path):
    result = bench.measure(bench.find(["fashion-mnist-epoch-512"]), data=tmp_path)
    assert result["cases"] == {}
    assert "fashion_mnist" in result["skipped"]["fashion-mnist-epoch-512"]


@pytest.mark.parametrize("name", ["repeats", "processes", "threads"])
def test_numbers_out_of_range_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        bench.measure([], **{name: 0})


def test_more_threads_than_processors_are_refused():
    with pytest.raises(ValueError, match="threads must be at most"):
        bench.measure([], threads=100_000)


def test_workers_get_the_threads_that_were_asked_for(tmp_path):
    from flaxnn.bench._process import environment

    given = environment(3, str(tmp_path))
    assert given["OMP_NUM_THREADS"] == given["MKL_NUM_THREADS"] == "3"
    assert given["JAX_PLATFORMS"] == "cpu"
