# SPDX-License-Identifier: Apache-2.0
"""The documents' formulas: their figures, and agreement with the library's."""

from __future__ import annotations

import numpy as np
import pytest

import flaxnn.functional as F
from flaxnn.functional import from_scratch

Z = np.linspace(-3, 3, 13)


def test_the_documents_softmax():
    expected = "[0.09003057 0.24472847 0.66524096]"
    assert str(from_scratch.softmax(np.array([10, 11, 12]))) == expected
    assert str(from_scratch.stable_softmax(np.array([1000, 1001, 1002]))) == expected
    # Printed as 1.0 and 0.9999999999999999; exp's last digit is the machine's.
    assert np.sum(from_scratch.softmax([10, 11, 12])) == pytest.approx(1.0, abs=3e-16)
    stable = from_scratch.stable_softmax([1000, 1001, 1002])
    assert np.sum(stable) == pytest.approx(1.0, abs=3e-16)


def test_the_naive_softmax_overflows_as_printed():
    with (
        pytest.warns(RuntimeWarning, match="overflow encountered in exp"),
        pytest.warns(RuntimeWarning, match="invalid value"),
    ):
        assert np.isnan(from_scratch.softmax(np.array([1000, 1001, 1002]))).all()


def test_the_batched_softmax_is_one_per_row():
    z = Z[:12].reshape(4, 3)
    rows = from_scratch.softmax_rows(z)
    np.testing.assert_allclose(rows, [from_scratch.softmax(row) for row in z], 1e-15)
    np.testing.assert_allclose(rows, F.softmax(z, dim=1), rtol=1e-6)


@pytest.mark.parametrize(
    "name", ["sigmoid", "relu", "leaky_relu", "tanh", "elu", "binary_step"]
)
def test_the_activations_are_the_librarys(name: str):
    expected = getattr(F, name)(Z)
    np.testing.assert_allclose(getattr(from_scratch, name)(Z), expected, 1e-6)


def test_alpha():
    np.testing.assert_array_equal(from_scratch.leaky_relu([-1.0, 1.0], 0.5), [-0.5, 1])
    np.testing.assert_array_equal(from_scratch.elu([-np.inf, 1.0], 2.0), [-2, 1])


def test_cross_entropy_sums_over_the_one_hot_rows():
    y_pred = np.array([[0.5, 0.5], [0.25, 0.75]])
    loss = from_scratch.cross_entropy(y_pred, np.eye(2))
    np.testing.assert_allclose(loss, -np.log(0.5) - np.log(0.75), rtol=1e-15)
