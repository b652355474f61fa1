# SPDX-License-Identifier: Apache-2.0
"""Metrics of one batch."""

import numpy as np
import pytest

from flaxnn import metrics


def test_accuracy_has_one_value_for_each_sample():
    output = np.array([[0.1, 0.9], [0.8, 0.2], [0.5, 0.5]], np.float32)
    hits = metrics.accuracy(output, np.array([1, 1, 0]))
    np.testing.assert_array_equal(hits, [1, 0, 1])
    assert hits.dtype == np.float32


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_binary_accuracy_counts_one_half_as_the_positive_class(shape):
    output = np.array([0.5, 0.49, 0.9, 0.1], np.float32).reshape(shape)
    target = np.array([1, 1, 1, 0], np.float32).reshape(shape)
    hits = metrics.binary_accuracy(output, target)
    np.testing.assert_array_equal(hits, [1, 0, 1, 1])


@pytest.mark.parametrize(
    ("metric", "output", "target"),
    [
        (metrics.accuracy, (3,), (3,)),
        (metrics.accuracy, (3, 2), (3, 2)),
        (metrics.accuracy, (3, 2), (4,)),
        (metrics.binary_accuracy, (3, 2), (3, 2)),
        (metrics.binary_accuracy, (3, 1), (3,)),
        (metrics.binary_accuracy, (), ()),
    ],
)
def test_wrong_shapes_are_refused(metric, output, target):
    with pytest.raises(ValueError, match="needs outputs"):
        metric(np.zeros(output), np.zeros(target, int))
