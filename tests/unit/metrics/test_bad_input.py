# SPDX-License-Identifier: Apache-2.0
"""What metrics refuse: options, shapes, dtypes, labels, probabilities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from flaxnn import metrics as M

THREE = np.full((2, 3), 1 / 3, np.float32)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: M.F1(num_classes=3), ValueError, "multiclass but average='binary'"),
        (lambda: M.F1(average="micro"), ValueError, "give num_classes"),
        (lambda: M.F1(num_classes=3, average="mean"), ValueError, "has to be one of"),
        (lambda: M.Recall(zero_division=0.5), ValueError, "0, 1, nan or None"),
        (lambda: M.Precision(num_classes=1), ValueError, "at least 2, got 1"),
        (lambda: M.ConfusionMatrix(num_classes=2.0), TypeError, "int or None"),
        (lambda: M.ConfusionMatrix(normalize="rows"), ValueError, "normalize must be"),
        (lambda: M.TopKAccuracy(0), ValueError, "k must be at least 1"),
        (lambda: M.TopKAccuracy(1.5), TypeError, "k must be an int"),
        (lambda: M.AUROC(from_logits=10), TypeError, "True or False, got 10"),
        (lambda: M.AUROC(), TypeError, "from_logits"),
        (lambda: M.CalibrationError(), TypeError, "from_logits"),
        (lambda: M.AUROC(from_logits=True, average=None), ValueError, "num_classes"),
        (
            lambda: M.AUROC(from_logits=True, num_classes=3, average="micro"),
            ValueError,
            "has to be one of",
        ),
        (lambda: M.AUROC(from_logits=True).init(), ValueError, "give capacity="),
        (
            lambda: M.AUROC(from_logits=True, capacity=2**24 + 1),
            ValueError,
            "BinnedAUROC",
        ),
        (lambda: M.BinnedAUROC(from_logits=True, n_bins=0), ValueError, "n_bins"),
        (lambda: M.CalibrationError(from_logits=False, n_bins=-1), ValueError, "n_bin"),
        (lambda: M.Mean(3), TypeError, "Mean needs a function"),
        (lambda: M.Mean(dict), TypeError, "Mean needs a function"),
    ],
)
def test_options(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("metric", "output", "target", "error", "message"),
    [
        (M.Accuracy(), THREE, [0, 1, 2], ValueError, r"\(2, 3\) and \(3,\)"),
        (M.Accuracy(), THREE, [0, 3], IndexError, "Target 3 is out of bounds"),
        (M.Accuracy(), THREE, [-1, 0], IndexError, "Target -1 .* row 0"),
        (M.Accuracy(), THREE, [0.0, 1.0], TypeError, "integers"),
        (M.Accuracy(), THREE, np.array([0, 2**32]), IndexError, "Target 4294967296"),
        (M.Accuracy(), [0.5], [2], ValueError, "0 or 1, got 2 in row 0"),
        (M.Accuracy(), [0.5], [0.3], ValueError, "0 or 1, got 0.3"),
        (M.Accuracy(), [np.nan], [1], ValueError, "outputs are nan"),
        (M.Accuracy(), np.ones((2, 3, 4)), [1, 1], ValueError, "expected outputs"),
        (M.Accuracy(), 0.5, 1, ValueError, "expected outputs"),
        (M.Accuracy(), ["a"], [1], TypeError, "array of numbers"),
        (M.Accuracy(), np.array([1j]), [1], TypeError, "real numbers"),
        (M.F1(), THREE, [0, 1], ValueError, "give num_classes"),
        (M.F1(num_classes=4, average=None), THREE, [0, 1], ValueError, r"\(N, 4\)"),
        (M.TopKAccuracy(4), THREE, [0, 1], ValueError, "at least k=4"),
        (
            M.CalibrationError(from_logits=False),
            [0.5, 3.0],
            [0, 1],
            ValueError,
            r"1 row\(s\), the first is row 1: 3.0; for logits .* from_logits=True",
        ),
        (
            M.BinnedAUROC(from_logits=True, num_classes=3),
            [[0, 1, np.inf]],
            [0],
            ValueError,
            "have no softmax",
        ),
        (M.Mean(lambda o, t: o), THREE, [0, 1], ValueError, "one value for each"),
    ],
)
def test_batches(metric, output, target, error, message):
    with pytest.raises(error, match=message):
        metric.update(metric.init(), output, target)


def test_a_mask_needs_values_of_samples():
    mean = M.Mean(lambda output, target: output.mean())
    with pytest.raises(ValueError, match="reduction='none'"):
        mean.update(mean.init(), jnp.ones(3), jnp.ones(3), np.array([True] * 3))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint32, np.int64])
def test_labels_of_any_integer_dtype(dtype):
    output = np.zeros((2, 300), np.float32)
    output[:, 100] = 1
    metric = M.Accuracy()
    state = metric.update(metric.init(), output, np.array([100, 1], dtype))
    assert metric.compute(state) == 0.5


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16, jnp.int32, jnp.bool_])
def test_outputs_of_any_real_dtype(dtype):
    metric = M.CalibrationError(from_logits=False, num_classes=2, n_bins=2)
    output = jnp.array([[1, 0], [0, 1]], dtype)
    assert metric.compute(metric.update(metric.init(), output, [0, 0])) == 0.5


def test_more_samples_than_capacity_are_refused_and_nan_under_jit():
    metric = M.AUROC(from_logits=False, capacity=3)
    state = metric.update(metric.init(), [0.1, 0.4], [0, 1])
    state = metric.update(state, [0.2, 0.3], [0, 1])
    with pytest.raises(ValueError, match="capacity=3 samples but saw 4"):
        metric.compute(state)
    assert np.isnan(jax.jit(metric.compute)(state))
