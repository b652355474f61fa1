# SPDX-License-Identifier: Apache-2.0
"""Grades: one row for a group and grade, told by its worst figure."""

import math

import pytest

from flaxnn.reproduce import Entry, Result, exact, grades, totals, within


def result(*figures, document="002", name="wine"):
    entry = Entry(name, document, "", lambda settings: figures)
    passed = all(figure.passed for figure in figures)
    return Result(entry, "passed" if passed else "failed", figures, 0.0)


def loss(value, *, grade="T2", tolerance=0.1):
    return within(
        "losses", "x", [0.0, 0.0], [0.0, value], tolerance=tolerance, grade=grade
    )


def test_a_group_has_a_row_for_each_grade():
    rows = grades([result(exact("losses", "y", 1, 1), loss(0.05), loss(0.02))])
    assert [(row["grade"], row["numbers"]) for row in rows] == [("T0", 1), ("T2", 4)]
    assert {row["entry"] for row in rows} == {"wine"}
    assert rows[0]["error"] is rows[0]["tolerance"] is rows[0]["margin"] is None
    assert rows[1]["error"] == 0.05
    assert rows[1]["margin"] == pytest.approx(2)


def test_the_figure_nearest_to_its_tolerance_is_told():
    (row,) = grades([result(loss(0.05, tolerance=0.5), loss(0.04, tolerance=0.05))])
    assert (row["error"], row["tolerance"]) == (0.04, 0.05)


def test_one_wrong_figure_fails_its_row_and_total():
    (row,) = grades([result(loss(0.2), loss(0.01, tolerance=0.0100001))])
    assert not row["passed"]
    assert row["margin"] == pytest.approx(0.5)
    (total,) = totals([row])
    assert not total["passed"]


def test_nan_is_different_and_not_hidden_by_a_good_figure():
    (row,) = grades([result(loss(0.01), loss(math.nan))])
    assert not row["passed"]
    assert row["error"] is None


def test_no_error_and_printed_figures_have_no_margin():
    rows = grades([result(loss(0.0), loss(0.05, grade="printed"))])
    assert [row["margin"] for row in rows] == [None, None]


def test_totals_are_of_documents_and_grades():
    rows = grades(
        [
            result(loss(0.05), exact("split", "x", 1, 1)),
            result(loss(0.01), name="other"),
            result(loss(0.01, grade="T1"), document="000"),
        ]
    )
    found = [
        (t["document"], t["grade"], t["groups"], t["numbers"]) for t in totals(rows)
    ]
    assert found == [("000", "T1", 1, 2), ("002", "T0", 1, 1), ("002", "T2", 2, 4)]
    assert totals(rows)[2]["margin"] == pytest.approx(2)
