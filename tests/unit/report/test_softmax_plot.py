# SPDX-License-Identifier: Apache-2.0
"""Softmax at several temperatures: the bars are the probabilities."""

import jax.numpy as jnp
import numpy as np
import pytest

from flaxnn import functional as F
from flaxnn import report

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

LOGITS = np.array([2.0, 1.0, 0.1], np.float32)


def bars(axes):
    return np.array([patch.get_width() for patch in axes.patches])


def shown(figure):
    return [axes for axes in figure.axes if axes.get_visible()]


def test_bars_are_the_softmax_of_the_logits_over_the_temperature():
    temperatures = (0.1, 0.5, 1.0, 2.0, 10.0)
    panels = shown(report.plot_softmax(jnp.array(LOGITS), temperatures))
    assert [axes.get_title(loc="left") for axes in panels] == [
        "T = 0.1",
        "T = 0.5",
        "T = 1",
        "T = 2",
        "T = 10",
    ]
    for axes, temperature in zip(panels, temperatures, strict=True):
        wanted = F.softmax(LOGITS / np.float32(temperature), dim=0)
        np.testing.assert_allclose(bars(axes), wanted, rtol=1e-5, atol=1e-7)
        written = [text.get_text() for text in axes.texts]
        assert written[0] == f"{bars(axes)[0]:.2f}"


def test_what_rounds_to_nothing_is_not_written_as_nothing():
    (axes,) = shown(report.plot_softmax([0.0, 9.0], (1.0,)))
    assert [text.get_text() for text in axes.texts] == ["<.01", "1.00"]


def test_large_logits_and_small_temperatures_do_not_overflow():
    (axes,) = shown(report.plot_softmax([1000.0, 1001.0], (1e-3,)))
    np.testing.assert_array_equal(bars(axes), [0, 1])


def test_classes_go_down_under_their_names():
    names = ["cat", "$dog$", "bird"]
    axes = shown(report.plot_softmax(LOGITS, (1, 2), class_names=names))[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == names
    assert axes.yaxis_inverted()
    assert [patch.get_y() + patch.get_height() / 2 for patch in axes.patches] == [
        pytest.approx(k) for k in range(3)
    ]


def test_many_classes_have_bars_without_numbers():
    logits = np.linspace(0, 3, 200)
    axes = shown(report.plot_softmax(logits))[0]
    assert len(axes.patches) == 200
    assert not axes.texts


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([],), {}, "logits: expected numbers, got an empty array"),
        (([[1, 2], [3, 4]],), {}, "logits: expected one number for each"),
        (([1, np.inf],), {}, "logits: expected finite numbers"),
        (([1, 2], (1, 0)), {}, "temperatures: expected numbers above 0, got 0"),
        (([1, 2], (-1,)), {}, "temperatures: expected numbers above 0, got -1"),
        (([1, 2], ()), {}, "temperatures: expected numbers, got an empty array"),
        (([1, 2], range(1, 14)), {}, "temperatures: expected at most 12, got 13"),
        (([1, 2],), {"class_names": ["a"]}, "class_names: expected 2 names, got 1"),
    ],
)
def test_bad_input_is_explained(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        report.plot_softmax(*arguments, **options)
