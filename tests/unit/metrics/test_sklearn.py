# SPDX-License-Identifier: Apache-2.0
"""Streaming metrics against scikit-learn's on the same predictions."""

import functools
import warnings

import jax
import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn import metrics as theirs
from sklearn.calibration import calibration_curve
from sklearn.exceptions import UndefinedMetricWarning

from flaxnn import metrics

RATIOS = {
    metrics.Precision: theirs.precision_score,
    metrics.Recall: theirs.recall_score,
    metrics.F1: theirs.f1_score,
}
BATCH = 16


def value(metric, output, target):
    """The metric over padded batches, computed in float64."""
    return computed(metric, state_of(metric, output, target))


def state_of(metric, output, target):
    rows = len(target)
    missing = -rows % BATCH
    output = np.pad(output, [(0, missing), *[(0, 0)] * (output.ndim - 1)])
    target = np.pad(target, (0, missing))
    mask = np.arange(len(target)) < rows
    with jax.enable_x64(True):
        state = metric.init()
        for start in range(0, len(target), BATCH):
            part = slice(start, start + BATCH)
            state = metric.update(state, output[part], target[part], mask[part])
    return state


def computed(metric, state):
    with jax.enable_x64(True):
        return np.asarray(metric.compute(state))


def classes(rows=203, C=5, seed=0, present=None):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(rows, C))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return probabilities, rng.choice(present or C, rows)


def scores(rows=203, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random(rows), rng.integers(0, 2, rows)


def quiet(function, *args, **options):
    """What scikit-learn gives; its warnings are documented, not given here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, **options)


def assert_equal(ours, expected):
    np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-14)


def test_accuracy():
    output, target = classes()
    expected = theirs.accuracy_score(target, output.argmax(axis=1))
    assert value(metrics.Accuracy(), output, target) == expected
    output, target = scores()
    expected = theirs.accuracy_score(target, output >= 0.5)
    assert value(metrics.Accuracy(), output, target) == expected


@pytest.mark.parametrize("k", [1, 2, 4])
def test_top_k(k):
    output, target = classes()
    expected = theirs.top_k_accuracy_score(target, output, k=k)
    assert value(metrics.TopKAccuracy(k), output, target) == expected


def test_of_equal_scores_the_lower_class_comes_first():
    output, target = np.full((3, 4), 0.25), np.arange(3)
    assert value(metrics.TopKAccuracy(2), output, target) == 2 / 3
    assert theirs.top_k_accuracy_score(target, output, k=2, labels=range(4)) == 1 / 3


@functools.cache
def counted(ours, rows, present):
    """Outputs, targets and the state, which no option of the value changes."""
    output, target = classes(rows, 6, present=present)
    return output, target, state_of(ours(num_classes=6, average=None), output, target)


@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
@pytest.mark.parametrize("zero_division", [0, 1, np.nan])
@pytest.mark.parametrize("ours", RATIOS)
def test_ratios_of_classes(ours, average, zero_division):
    metric = ours(num_classes=6, average=average, zero_division=zero_division)
    for rows, present in ((203, None), (9, (0, 1, 4)), (2, (3,))):
        output, target, state = counted(ours, rows, present)
        # Without labels it averages over the classes there are; with them it has all.
        labels = {"labels": range(6)} if average is None else {}
        expected = quiet(
            RATIOS[ours],
            target,
            output.argmax(axis=1),
            average=average,
            zero_division=zero_division,
            **labels,
        )
        assert_equal(computed(metric, state), expected)


@pytest.mark.parametrize("ours", RATIOS)
def test_a_class_that_is_nowhere_is_left_out_of_macro(ours):
    output, target = np.eye(4)[[0, 1, 1, 0]], np.array([0, 1, 0, 0])
    metric = ours(num_classes=4, average="macro")
    expected = RATIOS[ours](target, output.argmax(axis=1), average="macro")
    halved = quiet(
        RATIOS[ours], target, output.argmax(axis=1), labels=range(4), average="macro"
    )
    assert_equal(value(metric, output, target), expected)
    assert halved == pytest.approx(expected / 2)


@pytest.mark.parametrize("ours", RATIOS)
@pytest.mark.parametrize("zero_division", [0, 1, np.nan])
def test_ratios_of_class_one(ours, zero_division):
    metric = ours(zero_division=zero_division)
    for output, target in (
        scores(),
        (np.full(4, 0.1), np.array([0, 1, 1, 0])),
        (np.full(4, 0.9), np.zeros(4, int)),
        (np.full(4, 0.1), np.zeros(4, int)),
    ):
        expected = quiet(
            RATIOS[ours], target, output >= 0.5, zero_division=zero_division
        )
        assert_equal(value(metric, output, target), expected)


def test_zero_division_is_zero_without_a_warning():
    target, output = np.array([0, 0, 1]), np.full(3, 0.1)
    with pytest.warns(UndefinedMetricWarning):
        assert theirs.precision_score(target, output >= 0.5) == 0
    assert value(metrics.Precision(), output, target) == 0


@pytest.mark.parametrize("normalize", [None, "true", "pred", "all"])
def test_confusion_matrix(normalize):
    # Class 2 is neither a target nor a prediction, class 3 no target.
    rng = np.random.default_rng(0)
    output, target = np.eye(4)[rng.choice([0, 1, 3], 50)], rng.choice([0, 1], 50)
    metric = metrics.ConfusionMatrix(num_classes=4, normalize=normalize)
    expected = theirs.confusion_matrix(
        target, output.argmax(axis=1), labels=range(4), normalize=normalize
    )
    assert_equal(value(metric, output, target), expected)
    output, target = scores()
    expected = theirs.confusion_matrix(target, output >= 0.5, normalize=normalize)
    binary = metrics.ConfusionMatrix(normalize=normalize)
    assert_equal(value(binary, output, target), expected)


@pytest.mark.parametrize("decimals", [0, 1, 15])
def test_auroc_and_its_ties(decimals):
    output, target = scores()
    output = output.round(decimals)
    metric = metrics.AUROC(from_logits=False, capacity=len(target))
    expected = theirs.roc_auc_score(target, output)
    assert_equal(value(metric, output, target), expected)
    # Any scores rank, and from_logits makes no ties of large ones.
    logits = 100 * (output - 0.3)
    metric = metrics.AUROC(from_logits=True, capacity=len(target))
    assert_equal(value(metric, logits, target), theirs.roc_auc_score(target, logits))


def test_auroc_of_infinities_and_zeros():
    output = np.array([-0.0, 0.0, np.inf, -np.inf, np.inf, 0.0, -0.0, 1.0])
    target = np.array([0, 1, 0, 0, 1, 1, 0, 1])
    ranks = np.array([1, 1, 3, 0, 3, 1, 1, 2])
    metric = metrics.AUROC(from_logits=False, capacity=203)
    expected = theirs.roc_auc_score(target, ranks)
    assert_equal(value(metric, output, target), expected)


@pytest.mark.parametrize("average", [None, "macro", "weighted"])
def test_auroc_of_classes(average):
    for present in (None, [0, 2, 3]):
        output, target = classes(C=4, present=present)
        metric = metrics.AUROC(
            from_logits=False, num_classes=4, average=average, capacity=len(target)
        )
        expected = quiet(
            theirs.roc_auc_score,
            target,
            output,
            multi_class="ovr",
            average=average,
            labels=range(4),
        )
        assert_equal(value(metric, output, target), expected)


def test_auroc_of_logits_ranks_their_softmax():
    output, target = classes(C=4)
    logits = np.log(output) + np.random.default_rng(1).normal(size=(len(target), 1))
    metric = metrics.AUROC(from_logits=True, num_classes=4, capacity=len(target))
    expected = theirs.roc_auc_score(target, output, multi_class="ovr")
    assert_equal(value(metric, logits, target), expected)
    raw = metrics.AUROC(from_logits=False, num_classes=4, capacity=len(target))
    assert abs(value(raw, logits, target) - expected) > 1e-3


@pytest.mark.parametrize("label", [0, 1])
def test_auroc_of_one_class_is_nan(label):
    output, target = scores()[0], np.full(203, label)
    with pytest.warns(UndefinedMetricWarning):
        assert np.isnan(theirs.roc_auc_score(target, output))
    exact = metrics.AUROC(from_logits=False, capacity=203)
    binned = metrics.BinnedAUROC(from_logits=False)
    assert np.isnan(value(exact, output, target))
    assert np.isnan(value(binned, output, target))


@pytest.mark.parametrize("n_bins", [1, 7, 64])
def test_binned_auroc(n_bins):
    output, target = scores()
    output[:3] = [0, 1, 0.5]
    metric = metrics.BinnedAUROC(from_logits=False, n_bins=n_bins)
    binned = np.minimum(np.floor(output * n_bins), n_bins - 1)
    ours = value(metric, output, target)
    assert_equal(ours, theirs.roc_auc_score(target, binned))
    shares = [
        np.bincount(binned[target == k].astype(int), None, n_bins) for k in (0, 1)
    ]
    bound = np.prod(shares, axis=0).sum() / np.prod(np.sum(shares, axis=1)) / 2
    assert abs(ours - theirs.roc_auc_score(target, output)) <= bound + 1e-12


@pytest.mark.parametrize("average", [None, "macro", "weighted"])
def test_binned_auroc_of_classes(average):
    output, target = classes(C=4, present=[0, 2, 3])
    metric = metrics.BinnedAUROC(
        from_logits=False, n_bins=32, num_classes=4, average=average
    )
    ours = value(metric, output, target)
    areas = [
        quiet(theirs.roc_auc_score, target == k, np.floor(output[:, k] * 32))
        for k in range(4)
    ]
    support = np.bincount(target, minlength=4)
    expected = {
        None: areas,
        "macro": np.mean(areas),
        "weighted": np.nansum(areas * support) / support.sum(),
    }[average]
    assert_equal(ours, expected)


def calibration(output, target, n_bins):
    """The error from scikit-learn's curve and the same bins' sizes."""
    true, mean = calibration_curve(target, output, n_bins=n_bins)
    bounds = np.linspace(0, 1, n_bins + 1)[1:-1]
    sizes = np.bincount(np.searchsorted(bounds, output))
    return np.average(abs(true - mean), weights=sizes[sizes > 0])


@pytest.mark.parametrize("n_bins", [1, 5, 15])
def test_calibration_error(n_bins):
    output, target = scores()
    # Bounds of bins belong to the bin below.
    output[:40] = np.repeat(np.linspace(0, 1, 20), 2).round(1)
    metric = metrics.CalibrationError(from_logits=False, n_bins=n_bins)
    expected = calibration(output, target, n_bins)
    assert_equal(value(metric, output, target), expected)
    logits = np.log(output[40:]) - np.log1p(-output[40:])
    metric = metrics.CalibrationError(from_logits=True, n_bins=n_bins)
    expected = calibration(output[40:], target[40:], n_bins)
    assert_equal(value(metric, logits, target[40:]), expected)


def test_calibration_error_of_classes():
    output, target = classes()
    metric = metrics.CalibrationError(from_logits=False, num_classes=5)
    right = output.argmax(axis=1) == target
    expected = calibration(output.max(axis=1), right, 15)
    assert_equal(value(metric, output, target), expected)
    logits = metrics.CalibrationError(from_logits=True, num_classes=5)
    assert_equal(value(logits, np.log(output) - 7, target), expected)


def test_float32_probabilities_meet_the_bins_bounds_as_in_scikit_learn():
    bounds = np.linspace(0, 1, 11)[1:-1].astype(np.float32)
    output = np.concatenate(
        [bounds, np.nextafter(bounds, np.float32(0)), np.nextafter(bounds, 1)]
    ).astype(np.float32)
    target = np.random.default_rng(0).integers(0, 2, len(output))
    metric = metrics.CalibrationError(from_logits=False, n_bins=10)
    ours = metric.compute(metric.update(metric.init(), output, target))
    expected = calibration(output.astype(np.float64), target, 10)
    np.testing.assert_allclose(ours, expected, rtol=1e-6)
