# SPDX-License-Identifier: Apache-2.0
"""The noise floor of a recorded run, and what T2 lets pass."""

import numpy as np
import pytest

from flaxnn.reproduce._golden import losses_within_floor, noise_floor

LOSSES = np.array([2.0, 1.5, 1.0, 0.5], np.float32)
REFERENCE = {
    "losses": LOSSES,
    "noise_floor": np.array([0, 0, 1e-3, 1e-3], np.float32),
}


def test_the_floor_is_never_below_the_last_digit_of_a_loss():
    expected = [np.spacing(np.float32(2)), np.spacing(np.float32(2)), 1e-3, 1e-3]
    np.testing.assert_allclose(noise_floor(REFERENCE), expected, rtol=1e-6)


@pytest.mark.parametrize(("times", "passed"), [(3.9, True), (4.1, False)])
def test_t2_lets_four_times_the_floor_pass(times, passed):
    losses = LOSSES.astype(np.float64)
    losses[2] += times * 1e-3
    figure = losses_within_floor("losses", REFERENCE, losses)
    assert figure.passed is passed
    assert figure.grade == "T2"


def test_an_early_difference_counts_at_every_later_step():
    losses = LOSSES.astype(np.float64)
    losses[0] += 1e-6
    assert not losses_within_floor("losses", REFERENCE, losses).passed
