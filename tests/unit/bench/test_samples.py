# SPDX-License-Identifier: Apache-2.0
import pytest

from flaxnn.bench._samples import ratios, rounded, summary, turn


def test_every_side_begins_a_round_in_its_turn():
    rounds = ["".join(turn("ABC", number)) for number in range(4)]
    assert rounds == ["ABC", "BCA", "CAB", "ABC"]
    assert turn([], 3) == []


def test_a_summary_is_the_median_and_the_spread():
    assert summary([3.0, 1.0, 2.0, 10.0]) == {
        "median": 2.5,
        "min": 1.0,
        "max": 10.0,
        "samples": [3.0, 1.0, 2.0, 10.0],
    }


def test_ratios_are_taken_round_by_round():
    assert ratios([2.0, 9.0], [1.0, 3.0]) == [2.0, 3.0]
    with pytest.raises(ValueError, match="zip"):
        ratios([2.0, 9.0], [1.0])


def test_figures_have_five_digits():
    assert rounded(1.23456789e-5) == 1.2346e-5
