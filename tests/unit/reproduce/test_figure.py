# SPDX-License-Identifier: Apache-2.0
"""Figures: what passes, what fails, and how many digits agree."""

import math

import numpy as np
import pytest

from flaxnn.reproduce import exact, printed, series_within, within


def one(text, value, **options):
    (figure,) = printed("group", text, value, names=["x"], **options)
    return figure


@pytest.mark.parametrize(
    ("text", "value", "passed"),
    [
        ("0.8341", 0.83414999, True),
        ("0.8341", 0.83416, False),
        ("2.5770e-09", 2.57704e-09, True),
        ("2.5770e-09", 2.5771e-09, False),
        ("-3.2885e-02", 0.032885, False),
        ("1.", 1.0, True),
        ("1.", 0.4, False),
        ("nan", math.nan, True),
        ("nan", 1.0, False),
        ("0.8341", math.nan, False),
    ],
)
def test_every_printed_digit_must_agree(text, value, passed):
    assert one(text, value).passed is passed


def test_a_tolerance_may_be_given_instead():
    assert one("0.655569", 0.6555701, tolerance=1.5e-6).passed
    assert not one("0.655569", 0.6555711, tolerance=1.5e-6).passed
    assert not one("0.655569", math.nan, tolerance=1.5e-6).passed


@pytest.mark.parametrize(
    ("text", "value", "digits"),
    [("0.8341", 0.8341, 4), ("0.8341", 0.8349, 3), ("2.0", 3.0, 0), ("1.5e-9", 1, 0)],
)
def test_digits_that_agree(text, value, digits):
    assert one(text, value).digits == digits


def test_texts_are_compared_whole():
    assert exact("group", "x", [1, 2], "[1, 2]").passed
    figure = exact("group", "x", "a", "b")
    assert not figure.passed
    assert figure.digits is None
    assert math.isnan(figure.error)


def test_an_array_is_judged_by_its_worst_element():
    figure = within("g", "x", [1.0, 2.0], [1.0, 2.5], tolerance=0.1, grade="T2")
    assert not figure.passed
    assert (figure.reference, figure.value, figure.error) == ("2.0", "2.5", 0.5)
    assert figure.count == 2
    assert not within("g", "x", [1.0], [math.nan], tolerance=0.1, grade="T2").passed
    relative = within(
        "g", "x", [1, 8.0], [1, 9.0], tolerance=0.2, grade="T1", relative=True
    )
    assert relative.passed
    assert relative.error == 1 / 8


def test_a_running_maximum_keeps_an_early_error():
    reference, value = np.zeros(3), np.array([0.0, 0.5, 0.1])
    floor = np.array([0.0, 0.6, 0.4])
    arguments = ("g", "x", reference, value)
    assert series_within(*arguments, tolerances=floor, grade="T2").passed
    running = series_within(*arguments, tolerances=floor, grade="T2", running=True)
    assert not running.passed
    assert running.error == 0.5


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match=r"prints \(2,\), got \(3,\)"):
        list(printed("g", ["1", "2"], np.ones(3)))
    with pytest.raises(ValueError, match="must be the same"):
        series_within(
            "g", "x", np.ones(2), np.ones(3), tolerances=np.ones(2), grade="T2"
        )
