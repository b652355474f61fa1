# SPDX-License-Identifier: Apache-2.0
"""Batch norm: its modes and statistics."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import flaxnn
from flaxnn import nn

X = np.array([[1.0, -2.0], [3.0, 4.0], [5.0, 0.0]], np.float32)


def test_momentum_is_the_weight_of_the_new_batch():
    layer = nn.BatchNorm1d(2, momentum=0.25)
    layer(X)
    layer(3 * X)
    state = layer.state_dict()
    mean = 0.75 * 0.25 * X.mean(0) + 0.25 * 3 * X.mean(0)
    np.testing.assert_allclose(state["running_mean"], mean, rtol=1e-6)
    var = 0.75 * (0.75 + 0.25 * X.var(0, ddof=1)) + 0.25 * 9 * X.var(0, ddof=1)
    np.testing.assert_allclose(state["running_var"], var, rtol=1e-6)
    assert int(state["num_batches_tracked"]) == 2


def test_no_momentum_is_the_mean_over_all_batches():
    layer = nn.BatchNorm1d(2, momentum=None)
    for factor in (1, 2, 6):
        layer(factor * X)
    state = layer.state_dict()
    np.testing.assert_allclose(state["running_mean"], 3 * X.mean(0), rtol=1e-6)


def test_evaluation_uses_the_statistics_and_leaves_them():
    layer = nn.BatchNorm1d(2)
    layer(X)
    layer.eval()
    before = layer.state_dict()
    y = layer(X)
    mean, var = (np.asarray(before[f"running_{name}"]) for name in ("mean", "var"))
    np.testing.assert_allclose(y, (X - mean) / np.sqrt(var + 1e-5), rtol=1e-6)
    for name, value in layer.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_evaluation_without_statistics_uses_the_batch():
    layer = nn.BatchNorm1d(2, track_running_stats=False).eval()
    np.testing.assert_allclose(np.mean(layer(X), axis=0), np.zeros(2), atol=1e-6)
    assert list(layer.state_dict()) == ["weight", "bias"]


def test_statistics_are_reset():
    layer = nn.BatchNorm1d(2)
    layer(X)
    layer.reset_running_stats()
    fresh = nn.BatchNorm1d(2).state_dict()
    for name, value in layer.state_dict().items():
        np.testing.assert_array_equal(value, fresh[name])
        assert value.dtype == fresh[name].dtype
    nn.BatchNorm1d(2, track_running_stats=False).reset_running_stats()


def test_a_refused_batch_leaves_the_statistics():
    layer = nn.BatchNorm1d(2)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        layer(X[:1])
    assert int(layer.state_dict()["num_batches_tracked"]) == 0


def test_another_dtype_takes_the_statistics_along_but_not_the_count():
    layer = flaxnn.astype(nn.BatchNorm1d(2), "float64")
    with jax.enable_x64(True):
        layer(jnp.asarray(X, jnp.float64))
        state = layer.state_dict()
    dtypes = {name: str(value.dtype) for name, value in state.items()}
    assert dtypes.pop("num_batches_tracked") == "int32"
    assert set(dtypes.values()) == {"float64"}
    half = flaxnn.astype(nn.BatchNorm1d(2), "bfloat16")
    assert half(jnp.asarray(X, jnp.bfloat16)).dtype == jnp.bfloat16
    assert half.state_dict()["running_var"].dtype == jnp.bfloat16


def test_a_pure_call_leaves_the_module_as_it_is():
    layer = nn.BatchNorm1d(2)
    flaxnn.functional_call(layer, {"weight": np.full(2, 2.0, np.float32)}, X)
    assert int(layer.state_dict()["num_batches_tracked"]) == 0


def test_nnx_jit_moves_the_statistics():
    eager, jitted = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
    eager(X)
    nnx.jit(lambda layer, x: layer(x))(jitted, X)
    for name, value in eager.state_dict().items():
        np.testing.assert_allclose(jitted.state_dict()[name], value, rtol=1e-6)


def test_instance_norm_warns_of_channels_it_does_not_use():
    with pytest.warns(UserWarning, match="does not match num_features") as caught:
        nn.InstanceNorm1d(3)(np.ones((2, 4, 5), np.float32))
    assert caught[0].filename == __file__
