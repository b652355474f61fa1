# SPDX-License-Identifier: Apache-2.0
"""Texts cut to the room they have."""

import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from flaxnn.report._text_fit import fit_text, text_width


def test_what_fits_is_left_alone():
    assert fit_text("two words", 1000, size=10) == "two words"
    assert fit_text("", 10, size=10) == ""


def test_lines_break_between_words_and_end_in_an_ellipsis():
    room = text_width("some words", 10) + 1
    assert fit_text("some words here", room, size=10, lines=2) == "some words\nhere"
    cut = fit_text("some words here", room, size=10)
    assert cut == "some wor…"
    assert text_width(cut, 10) <= room


@pytest.mark.parametrize("room", [20, 40, 80])
@pytest.mark.parametrize("bold", [False, True])
def test_no_line_is_wider_than_the_room(room, bold):
    text = "Antidisestablishmentarianism and other long words"
    for line in fit_text(text, room, size=9, bold=bold, lines=3).split("\n"):
        assert text_width(line, 9, bold) <= room
