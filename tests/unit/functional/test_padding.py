# SPDX-License-Identifier: Apache-2.0
"""pad: the constant, dtypes, which dimension comes first."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import flaxnn.functional as F


def test_the_last_dimension_comes_first():
    x = np.ones((2, 3, 4), np.float32)
    assert F.pad(x, (1, 2)).shape == (2, 3, 7)
    assert F.pad(x, (1, 2, 0, 3)).shape == (2, 6, 7)


def test_the_constant_is_cast_as_pytorch_casts_it():
    np.testing.assert_array_equal(F.pad(np.array([5]), (1, 0), value=1.7), [1, 5])
    padded = F.pad(np.array([False]), (1, 0), value=1.7)
    assert padded.dtype == jnp.bool_
    assert padded[0]


def test_the_constant_may_be_traced_and_differentiated():
    def loss(value: jax.Array) -> jax.Array:
        return F.pad(jnp.ones(3), (2, 1), value=value).sum()

    value, gradient = jax.jit(jax.value_and_grad(loss))(jnp.float32(4.0))
    assert (value, gradient) == (15.0, 3.0)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("reflect", [3, 2, 1, 2, 3, 2]),
        ("replicate", [1, 1, 1, 2, 3, 3]),
        ("circular", [2, 3, 1, 2, 3, 1]),
    ],
)
def test_integers_in_every_mode(mode: str, expected: list[int]):
    np.testing.assert_array_equal(F.pad([[1, 2, 3]], (2, 1), mode), [expected])


def test_what_is_cut_off_takes_no_part_in_the_period():
    x = np.arange(5.0, dtype=np.float32)[None]
    np.testing.assert_array_equal(F.pad(x, (2, -3), "circular"), [[0, 1, 0, 1]])
    with pytest.raises(RuntimeError, match="wrapping around more than once"):
        F.pad(x, (3, -3), "circular")


def test_no_gather_and_no_scatter():
    def loss(x: jax.Array) -> jax.Array:
        return sum(
            jnp.sum(F.pad(x, (2, 1, 1, 3), mode) ** 2)
            for mode in ("reflect", "replicate", "circular")
        )

    text = jax.jit(jax.grad(loss)).lower(jnp.ones((1, 4, 5))).as_text()
    assert "gather" not in text
    assert "scatter" not in text
