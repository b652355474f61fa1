# SPDX-License-Identifier: Apache-2.0
"""The reliability diagram: bins, shares, counts and the error."""

import re

import jax.numpy as jnp
import numpy as np
import pytest

from flaxnn import metrics, report

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

RANDOM = np.random.default_rng(0)
CHANCES = RANDOM.dirichlet(np.full(4, 0.5), 500)
LABELS = np.array(
    [RANDOM.choice(4, p=np.roll(row, k % 5 == 0)) for k, row in enumerate(CHANCES)]
)
ONE, CAME_TRUE = CHANCES[:, 1], LABELS == 1


def points(figure):
    (line,) = (line for line in figure.axes[0].lines if line.get_label() == "bins")
    return line.get_data()


def counts(figure):
    return [patch.get_height() for patch in figure.axes[1].patches]


def written_error(figure):
    (text,) = (t.get_text() for t in figure.axes[0].texts if "ECE" in t.get_text())
    return float(re.findall(r"ECE ([\d.]+)", text)[0]), text


@pytest.mark.parametrize("n_bins", [1, 5, 15])
@pytest.mark.parametrize("classes", [None, 4])
def test_the_error_is_that_of_the_metric(n_bins, classes):
    given = (CHANCES, LABELS) if classes else (ONE, CAME_TRUE)
    metric = metrics.CalibrationError(
        from_logits=False, n_bins=n_bins, num_classes=classes
    )
    output = np.asarray(given[0], np.float32)
    wanted = metric.compute(metric.update(metric.init(), output, given[1].astype(int)))
    error, _ = written_error(report.plot_calibration(output, given[1], n_bins=n_bins))
    assert error == pytest.approx(float(wanted), abs=6e-5)


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
def test_points_are_those_of_scikit_learn(strategy):
    calibration = pytest.importorskip("sklearn.calibration", reason="no scikit-learn")
    share, mean = calibration.calibration_curve(
        CAME_TRUE, ONE, n_bins=7, strategy=strategy
    )
    figure = report.plot_calibration(ONE, CAME_TRUE, n_bins=7, strategy=strategy)
    x, y = points(figure)
    np.testing.assert_allclose(x, mean, rtol=1e-12)
    np.testing.assert_allclose(y, share, rtol=1e-12)


def test_counts_and_bounds_are_those_of_the_bins():
    # A bound belongs to the bin below it.
    chances, labels = [0.1, 0.25, 0.26, 0.9, 1.0], [0, 1, 0, 1, 1]
    figure = report.plot_calibration(jnp.array(chances), labels, n_bins=4)
    assert counts(figure) == [2, 1, 0, 2]
    assert [patch.get_x() for patch in figure.axes[1].patches] == [0, 0.25, 0.5, 0.75]
    x, y = points(figure)
    np.testing.assert_allclose(x, [0.175, 0.26, 0.95], rtol=1e-6)
    np.testing.assert_allclose(y, [0.5, 0, 1])
    error, text = written_error(figure)
    assert error == pytest.approx((2 * 0.325 + 0.26 + 2 * 0.05) / 5, abs=6e-5)
    assert "5 samples, 4 bins of equal width" in text


def test_quantile_bins_have_equally_many_samples():
    figure = report.plot_calibration(ONE, CAME_TRUE, n_bins=10, strategy="quantile")
    assert counts(figure) == [50] * 10
    assert "equal numbers" in written_error(figure)[1]


def test_the_largest_probability_counts_of_several():
    figure = report.plot_calibration([[0.2, 0.8], [0.6, 0.4]], [1, 1], n_bins=2)
    x, y = points(figure)
    np.testing.assert_allclose(x, [0.7])
    np.testing.assert_allclose(y, [0.5])
    assert figure.axes[1].get_xlabel() == "probability of the predicted class"
    one = report.plot_calibration([[0.2], [0.6]], [1, 1])
    assert one.axes[1].get_xlabel() == "probability of class 1"


def test_intervals_are_wilsons():
    stats = pytest.importorskip("scipy.stats", reason="SciPy is not installed")
    figure = report.plot_calibration(ONE, CAME_TRUE, n_bins=3)
    (intervals,) = figure.axes[0].collections
    shares = points(figure)[1]
    for segment, share, many in zip(
        intervals.get_segments(), shares, counts(figure), strict=True
    ):
        tested = stats.binomtest(round(share * many), int(many))
        interval = tested.proportion_ci(0.95, method="wilson")
        np.testing.assert_allclose(segment[:, 1], interval, rtol=1e-6)


def test_equal_probabilities_leave_quantile_bins_empty():
    figure = report.plot_calibration([0.5] * 8, [0, 1] * 4, strategy="quantile")
    assert sum(counts(figure)) == 8
    assert written_error(figure)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([0.5, 2.0], [0, 1]), {}, "probabilities: expected numbers from 0 to 1"),
        (([0.5, np.nan], [0, 1]), {}, "probabilities: expected finite numbers"),
        (([], []), {}, "probabilities: expected numbers, got an empty array"),
        (([0.5], [0, 1]), {}, "got probabilities 1, labels 2"),
        (([0.5], [2]), {}, "labels: class 2 at index 0 is out of range"),
        (([[0.5, 0.5]], [2]), {}, "labels: class 2 at index 0 is out of range"),
        (([0.5], [1]), {"n_bins": 0}, "n_bins: expected a number of bins, 1 or more"),
        (([0.5], [1]), {"n_bins": 2.5}, "n_bins: expected a number of bins"),
        (([0.5], [1]), {"strategy": "equal"}, "expected 'uniform' or 'quantile'"),
        ((np.zeros((2, 2, 2)), [0, 1]), {}, "probabilities: expected two dimensions"),
        ((np.zeros((2, 2, 1)), [0, 1]), {}, "probabilities: expected one number"),
    ],
)
def test_bad_input_is_explained(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        report.plot_calibration(*arguments, **options)
