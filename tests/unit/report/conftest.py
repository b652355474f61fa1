# SPDX-License-Identifier: Apache-2.0
"""What the tests of pictures share."""

from __future__ import annotations

import io
import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def drawn_texts(monkeypatch) -> Callable[[Any], list[Any]]:
    """What draws a figure and returns the texts that were drawn, with their boxes."""
    from matplotlib.text import Text

    seen: list[Any] = []
    draw = Text.draw

    def recording(self, renderer, *arguments, **options):
        if self.get_visible() and self.get_text().strip():
            seen.append(self)
        return draw(self, renderer, *arguments, **options)

    def texts(figure):
        seen.clear()
        with monkeypatch.context() as patch:
            patch.setattr(Text, "draw", recording)
            figure.savefig(io.BytesIO(), dpi=figure.dpi)
        # A constrained layout draws twice.
        return list(dict.fromkeys(seen))

    return texts


@pytest.fixture
def legible(drawn_texts) -> Callable[[Any], None]:
    """What asserts that all texts lie in the figure, and none on another."""

    def check(figure):
        texts = drawn_texts(figure)
        boxes = [(text, text.get_window_extent()) for text in texts]
        width, height = figure.bbox.size
        for text, box in boxes:
            inside = box.x0 > -1 and box.y0 > -1 and box.x1 < width + 1
            assert inside, f"{text.get_text()!r} is cut off: {box}"
            assert box.y1 < height + 1, f"{text.get_text()!r} is cut off: {box}"
        upright = [pair for pair in boxes if pair[0].get_rotation() % 90 == 0]
        for (one, a), (other, b) in itertools.combinations(upright, 2):
            apart = (
                a.x1 <= b.x0 + 1
                or b.x1 <= a.x0 + 1
                or a.y1 <= b.y0 + 1
                or b.y1 <= a.y0 + 1
            )
            assert apart, f"{one.get_text()!r} lies on {other.get_text()!r}"
        _turned_texts_are_apart([t for t in texts if t.get_rotation() % 90])

    return check


def _turned_texts_are_apart(texts):
    """The boxes of turned texts overlap; their baselines must be a letter apart."""
    anchors = [text.get_transform().transform(text.get_position()) for text in texts]
    for (text, (x, _)), (_, (following, _)) in itertools.pairwise(
        zip(texts, anchors, strict=True)
    ):
        distance = (following - x) * math.sin(math.radians(text.get_rotation()))
        assert distance >= text.get_fontsize() * text.get_figure().dpi / 72
