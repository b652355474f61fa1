# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from flaxnn.bench import DifferentResultsError
from flaxnn.bench._agreement import Standard

LOSSES = np.linspace(1, 0.5, 1000, dtype=np.float32)


def test_the_distance_is_the_largest_difference():
    moved = LOSSES.copy()
    moved[700] += 1e-3
    standard = Standard.of_run("PyTorch", LOSSES)
    assert standard.check("a case", "ours", LOSSES, 0.0) == 0.0
    assert standard.check("a case", "ours", moved, 2e-3) == pytest.approx(1e-3, 1e-3)


def test_a_difference_names_the_case_the_sides_and_the_first_step():
    moved = LOSSES.copy()
    moved[700:] += 0.25
    with pytest.raises(DifferentResultsError) as caught:
        Standard.of_run("PyTorch", LOSSES).check("a case", "ours", moved, 1e-3)
    message = str(caught.value)
    assert message.startswith("a case: ours computes other losses than PyTorch: at")
    assert "at step 700 0.8996" in message
    assert "0.001 is allowed" in message


def test_nan_is_a_difference():
    moved = LOSSES.copy()
    moved[3] = np.nan
    with pytest.raises(DifferentResultsError, match="at step 3 nan against"):
        Standard.of_run("PyTorch", LOSSES).check("a case", "ours", moved, 1e9)


def test_another_number_of_steps_is_a_difference():
    with pytest.raises(DifferentResultsError, match=r"\(999,\), where PyTorch has"):
        Standard.of_run("PyTorch", LOSSES).check("a case", "ours", LOSSES[1:], 1e9)


@pytest.mark.parametrize("length", [1, 5, 1000])
def test_kept_losses_hold_another_run(length):
    losses = LOSSES[:length]
    kept = Standard.of_run("PyTorch", losses).kept()
    assert kept["steps"][0] == 0
    assert kept["steps"][-1] == length - 1
    assert len(kept["steps"]) <= 65
    recorded = Standard.recorded("recorded", kept, length)
    assert recorded.check("a case", "ours", losses, 0.0) == 0.0
    assert recorded.kept() == kept
    with pytest.raises(DifferentResultsError):
        recorded.check("a case", "ours", losses + 0.1, 1e-3)
