# SPDX-License-Identifier: Apache-2.0
"""The documents' arrays: shapes, types, and the sums their figures imply."""

from __future__ import annotations

import numpy as np
import pytest

from flaxnn.data import documents

SHAPES = {
    "softmax_inputs": [((3,), np.int64)] * 2,
    "output_layer_labels": [((4,), np.int64)],
    "neuron": [((3,), np.float32), ((3,), np.float32), ((), np.float32)],
    "univariate": [((8, 1), np.float32)] * 2,
    "univariate_query": [((1, 1), np.float32)],
    "multinomial": [((10, 4), np.float32), ((10,), np.int64)],
    "multinomial_query": [((1, 4), np.float32)],
}


def _call(name):
    got = getattr(documents, name)()
    return got if isinstance(got, tuple) else (got,)


def test_every_array_is_listed():
    assert sorted(SHAPES) == sorted(documents.__all__)


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_and_types(name):
    assert [(array.shape, array.dtype) for array in _call(name)] == SHAPES[name]


@pytest.mark.parametrize("name", SHAPES)
def test_arrays_are_new_each_time(name):
    for array in _call(name):
        array[...] = 99
    assert not any((array == 99).any() for array in _call(name))


def test_neuron_gives_the_printed_sum_and_sigmoid():
    x, w, b = documents.neuron()
    z = np.dot(w, x) + b
    assert f"{z:.4f}" == "1.9000"
    assert f"{1 / (1 + np.exp(-z)):.4f}" == "0.8699"


def test_univariate_gives_the_printed_predictions():
    """Document 002's printed weight and bias on its x."""
    x, y = documents.univariate()
    predictions = 1 / (1 + np.exp(-(x * 0.3699 + 0.8711)))
    printed = [0.7050, 0.7757, 0.8788, 0.9382, 0.9788, 0.9929, 0.9984, 0.9997]
    np.testing.assert_allclose(predictions.ravel(), printed, atol=1.5e-4)
    loss = -np.mean(np.log(np.where(y == 1, predictions, 1 - predictions)))
    assert abs(loss - 0.9551) < 1.5e-3


def test_multinomial_gives_the_printed_loss():
    """Document 002's printed initial weight and bias on its X and y: 1.9676."""
    x, y = documents.multinomial()
    weight = np.array(
        [
            [-0.2100, -0.1009, 0.2470, -0.4785],
            [-0.4346, 0.2855, -0.1117, 0.1340],
            [0.4447, -0.0227, -0.2139, -0.1113],
        ]
    )
    logits = x @ weight.T + [-0.3901, -0.1394, 0.3450]
    np.testing.assert_allclose(logits[0], [-1.0333, 0.0193, 0.4191], atol=1e-3)
    log_probabilities = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    assert abs(-log_probabilities[np.arange(10), y].mean() - 1.9676) < 1e-3
