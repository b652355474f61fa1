# SPDX-License-Identifier: Apache-2.0
"""Where PyTorch is not installed, a recorded run takes its place."""

import copy
import json

import pytest

from flaxnn import bench

ONCE = {"repeats": 1, "processes": 1}


@pytest.fixture
def reference(univariate, stand_in):
    """A reference made by a stand-in for PyTorch, as a file gives it back."""
    result = bench.measure([univariate], sides=[stand_in("torch")], **ONCE)
    result["machine"]["versions"]["torch"] = "2.13.0"
    result["machine"]["processor"] = "Another Processor"
    return json.loads(json.dumps(bench.reference_of(result)))


def test_a_recorded_side_is_compared_with_and_marked(
    univariate, stand_in, without_torch, reference
):
    sides = [stand_in("ours"), "torch"]
    result = bench.measure([univariate], sides=sides, reference=reference, **ONCE)
    case = result["cases"]["univariate"]
    assert case["missing"] == {"torch": "torch is not installed; pip install torch"}
    recorded = case["sides"]["torch"]
    assert recorded["kind"] == "recorded reference"
    assert (
        recorded["run_s"] == reference["cases"]["univariate"]["sides"]["torch"]["run_s"]
    )
    ratio = case["ratios"]["torch"]
    assert ratio["kind"] == "recorded reference"
    assert ratio["run_s"]["median"] == pytest.approx(
        recorded["run_s"]["median"] / case["sides"]["ours"]["run_s"]["median"], rel=1e-3
    )
    assert case["agreement"]["against"] == "PyTorch 2.13.0, recorded"
    assert result["reference"]["machine"]["processor"] == "Another Processor"
    for text in (bench.markdown(result), _printed(result)):
        assert "from another run" in text
        assert "Another Processor" in text
        assert "(recorded)" in text
        assert "torch is not installed" in text


def test_recorded_losses_stop_a_wrong_side(univariate, stand_in, reference):
    sides = [stand_in("ours", lr_factor=1.5)]
    with pytest.raises(
        bench.DifferentResultsError, match=r"than PyTorch 2\.13\.0, rec"
    ):
        bench.measure([univariate], sides=sides, reference=reference, **ONCE)


def test_a_reference_of_another_run_is_not_used(
    univariate, stand_in, without_torch, reference
):
    reference["cases"]["univariate"]["problem"]["steps"] = 21
    sides = [stand_in("ours"), "torch"]
    result = bench.measure([univariate], sides=sides, reference=reference, **ONCE)
    assert list(result["cases"]["univariate"]["sides"]) == ["ours"]
    assert result["reference"] is None


def test_pytorch_itself_goes_before_its_record(univariate, stand_in, reference):
    sides = [stand_in("ours"), stand_in("torch")]
    result = bench.measure([univariate], sides=sides, reference=reference, **ONCE)
    case = result["cases"]["univariate"]
    assert case["ratios"]["torch"]["kind"] == "side by side"
    assert result["reference"] is None


def test_only_pytorch_in_full_runs_is_recorded(univariate, stand_in):
    result = bench.measure([univariate], sides=[stand_in("ours")], **ONCE)
    with pytest.raises(ValueError, match="no PyTorch side ran"):
        bench.reference_of(result)
    quick = copy.deepcopy(result)
    quick["options"]["quick"] = True
    with pytest.raises(ValueError, match="quick"):
        bench.reference_of(quick)


def test_a_reference_is_read_from_its_file(tmp_path, reference):
    path = tmp_path / "reference.json"
    assert bench.read_reference(path) is None
    path.write_text(json.dumps(reference))
    assert bench.read_reference(path) == reference
    for text in ("not JSON", "[]", '{"cases": {"a": {}}}'):
        path.write_text(text)
        with pytest.raises(ValueError, match="is no recorded reference"):
            bench.read_reference(path)


def _printed(result):
    import io

    from rich.console import Console

    console = Console(width=160, file=io.StringIO(), record=True)
    for piece in bench.tables(result):
        console.print(piece)
    return console.export_text()
