# SPDX-License-Identifier: Apache-2.0
"""Draws that a forward pass asks the host for."""

import jax.numpy as jnp
import numpy as np
import pytest

from flaxnn import nn
from flaxnn.random import Generator


def test_requests_are_recorded_in_order_and_can_be_drawn():
    with nn.recording() as requests:
        zeros = nn.host_draw("rand", 3, shape=(3,))
        nn.host_draw("bernoulli", 0.5, (2,), shape=(2,), dtype="bool")
    np.testing.assert_array_equal(zeros, np.zeros(3))
    assert [r.method for r in requests] == ["rand", "bernoulli"]
    generator, expected = Generator(0), Generator(0)
    np.testing.assert_array_equal(requests[0].draw(generator), expected.rand(3))
    mask = requests[1].draw(generator)
    assert mask.dtype == bool
    np.testing.assert_array_equal(mask, expected.bernoulli(0.5, (2,)).astype(bool))


def test_asking_outside_a_run_says_what_to_do():
    with pytest.raises(RuntimeError, match=r"outside flaxnn\.fit"):
        nn.host_draw("rand", 1, shape=(1,))


def test_too_few_or_wrong_arrays_are_refused():
    with nn.providing([]), pytest.raises(RuntimeError, match="no array is left"):
        nn.host_draw("rand", 1, shape=(1,))
    with nn.providing([jnp.ones(2)]), pytest.raises(RuntimeError, match="got"):
        nn.host_draw("rand", 1, shape=(1,))
