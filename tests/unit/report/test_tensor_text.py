# SPDX-License-Identifier: Apache-2.0
"""Arrays printed as in the documents."""

import jax.numpy as jnp
import numpy as np
import pytest

from flaxnn.report import tensor_text


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.float32(1.9), "tensor(1.9000)"),
        (np.array([2.0, 1.0], np.float32), "tensor([2., 1.])"),
        (np.array([2]), "tensor([2])"),
        (
            np.array([[2.5770e-09, 5.5491e-02, 9.4451e-01]], np.float32),
            "tensor([[2.5770e-09, 5.5491e-02, 9.4451e-01]])",
        ),
        (np.zeros(0, np.float32), "tensor([])"),
        (
            jnp.array([0.5, -1], "bfloat16"),
            "tensor([ 0.5000, -1.0000], dtype=bfloat16)",
        ),
        (np.ones(1, np.float64), "tensor([1.], dtype=float64)"),
    ],
)
def test_text(array, text):
    assert tensor_text(array) == text


def test_large_arrays_are_summarised():
    text = tensor_text(np.zeros((600, 700), np.float32))
    assert text.count("...") == 7
    assert len(text.splitlines()) == 7
