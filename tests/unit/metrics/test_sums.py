# SPDX-License-Identifier: Apache-2.0
"""What is added up: counts above 2**24, long float32 sums, saturation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from flaxnn import metrics
from flaxnn.metrics._sums import (
    add_counts,
    add_pairs,
    overflowed,
    pair_value,
    sum_counts,
    sum_pairs,
)


def test_counts_above_the_integers_of_float32_are_kept():
    metric = metrics.Accuracy()
    big = jnp.asarray(2**24 + 1, jnp.int32)
    state = {"hits": big, "count": big, "bad": jnp.asarray(0)}
    state = metric.update(state, [[0.2, 0.8], [0.8, 0.2]], [1, 1])
    assert int(state["hits"]) == 2**24 + 2
    assert int(state["count"]) == 2**24 + 3
    matrix = metrics.ConfusionMatrix(num_classes=2)
    full = {"matrix": jnp.full((2, 2), 2**24 + 1), "bad": jnp.asarray(0)}
    full = matrix.update(full, [[0.2, 0.8]], [0])
    np.testing.assert_array_equal(
        matrix.compute(full), [[2**24 + 1, 2**24 + 2], [2**24 + 1] * 2]
    )


@pytest.mark.parametrize("batches", [1, 50])
def test_a_float32_mean_is_as_good_as_float64(batches):
    rng = np.random.default_rng(0)
    losses = rng.lognormal(sigma=3, size=(batches, 200_000 // batches))
    losses = losses.astype(np.float32)
    metric = metrics.Mean(lambda output, target: output)
    target = jnp.zeros(losses.shape[1])

    def body(state, output):
        return metric.update(state, output, target), None

    state, _ = jax.lax.scan(body, metric.init(), losses)
    exact = losses.mean(dtype=np.float64)
    assert state["sum"].dtype == np.float32
    with jax.enable_x64(True):
        np.testing.assert_allclose(metric.compute(state), exact, rtol=1e-11)
    # In float32 the sum is rounded, and its quotient; a running sum is off by more.
    np.testing.assert_allclose(metric.compute(state), exact, rtol=1.2e-7)
    assert abs(np.add.accumulate(losses.ravel())[-1] / losses.size / exact - 1) > 1e-6


def test_a_mean_of_infinities_is_infinite():
    metric = metrics.Mean(lambda output, target: output)
    state = metric.update(metric.init(), [1.0, np.inf], [0, 0])
    state = metric.update(state, [3.0, 2.0], [0, 0])
    assert metric.compute(state) == np.inf
    state = metric.update(state, [-np.inf, 2.0], [0, 0])
    assert np.isnan(metric.compute(state))


def test_pairs_hold_what_a_float_cannot():
    pairs = add_pairs(jnp.array([2.0**24, 0.0]), jnp.array([1.0, 0.0]))
    pairs = add_pairs(pairs, jnp.array([1.0, 0.0]))
    assert pair_value(pairs) == 2**24 + 2
    np.testing.assert_array_equal(sum_pairs(jnp.zeros((0, 3))), jnp.zeros((3, 2)))


def test_counts_saturate():
    largest = jnp.asarray(2**31 - 1, jnp.int32)
    total = add_counts(largest - 1, jnp.asarray(5, jnp.int32))
    assert total == largest
    assert overflowed(total)
    assert overflowed(jnp.asarray(-3))
    assert not overflowed(largest - 1)
    assert add_counts(largest - 3, jnp.asarray(2)) == largest - 1


def test_sums_of_counts_are_exact_before_one_rounding():
    counts = np.random.default_rng(0).integers(0, 2**26, 100_000).astype(np.uint32)
    exact = counts.sum(dtype=np.uint64)
    np.testing.assert_allclose(sum_counts(jnp.asarray(counts)), exact, rtol=1.2e-7)
    with jax.enable_x64(True):
        assert int(sum_counts(jnp.asarray(counts))) == exact


def test_a_large_exact_area():
    # 2.5e9 pairs: more than int32 counts, and a float32 sum would round each.
    half = 50_000
    scores = np.arange(2 * half, dtype=np.float32)
    target = (np.arange(2 * half) % 2 == 1).astype(int)
    metric = metrics.AUROC(from_logits=False, capacity=2 * half)
    area = metric.compute(metric.update(metric.init(), scores, target))
    assert area == np.float32((half + 1) / (2 * half))
