# SPDX-License-Identifier: Apache-2.0
"""Gradient clipping against a live PyTorch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from flaxnn import optim

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

SHAPES = {"a": (3, 4), "b": (5,), "c": ()}
NORM_TYPES = [2.0, 1, 0.5, 3.0, "inf", float("inf"), 0.0, -1.0, -float("inf")]
RTOL = {"float64": 1e-14, "float32": 5e-7}


def gradients(dtype, scale=1.0, seed=0):
    rng = np.random.default_rng(seed)
    tree = {k: scale * rng.normal(size=shape) for k, shape in SHAPES.items()}
    return {k: np.asarray(v, dtype) for k, v in tree.items()}


def theirs(grads, clip):
    """PyTorch's total norm and clipped gradients."""
    params = []
    for grad in grads.values():
        param = torch.nn.Parameter(torch.zeros(np.shape(grad)).to(torch.tensor(grad)))
        param.grad = torch.tensor(grad)
        params.append(param)
    total = clip(params)
    return total, {k: p.grad.numpy() for k, p in zip(grads, params, strict=True)}


def ours(grads, clip):
    with jax.enable_x64(True):
        tree = jax.tree.map(jnp.asarray, grads)
        state = clip.init(tree)
        return jax.jit(clip.update)(tree, state)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("norm_type", NORM_TYPES)
@pytest.mark.parametrize("max_norm", [0.0, 0.7, 1e6, -1.0])
def test_clip_grad_norm(dtype, norm_type, max_norm):
    grads = gradients(dtype)
    total, expected = theirs(
        grads,
        lambda params: torch.nn.utils.clip_grad_norm_(params, max_norm, norm_type),
    )
    clipped, state = ours(grads, optim.clip_grad_norm(max_norm, norm_type))
    assert state.total_norm.dtype == dtype
    np.testing.assert_allclose(state.total_norm, total.numpy(), rtol=RTOL[dtype])
    for name, array in expected.items():
        assert clipped[name].dtype == dtype
        np.testing.assert_allclose(clipped[name], array, rtol=RTOL[dtype])


@pytest.mark.parametrize("scale", [1e-7, 1e-6, 1e-3, 1e6])
def test_the_norm_is_increased_by_1e_6(scale):
    grads = gradients("float64", scale)
    max_norm = scale / 2
    _, expected = theirs(
        grads, lambda params: torch.nn.utils.clip_grad_norm_(params, max_norm)
    )
    clipped, _ = ours(grads, optim.clip_grad_norm(max_norm))
    for name, array in expected.items():
        np.testing.assert_allclose(clipped[name], array, rtol=1e-14)


@pytest.mark.parametrize("norm_type", [2.0, 1.0, float("inf"), 0.5])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_gradients_that_are_not_finite(norm_type, bad):
    grads = gradients("float64")
    grads["b"][2] = bad
    total, expected = theirs(
        grads, lambda params: torch.nn.utils.clip_grad_norm_(params, 1.0, norm_type)
    )
    clipped, state = ours(grads, optim.clip_grad_norm(1.0, norm_type))
    np.testing.assert_array_equal(state.total_norm, total.numpy())
    for name, array in expected.items():
        np.testing.assert_array_equal(clipped[name], array)


def test_a_norm_too_large_for_the_dtype():
    grads = gradients("float32", 1e25)
    total, expected = theirs(
        grads, lambda params: torch.nn.utils.clip_grad_norm_(params, 1.0)
    )
    clipped, state = ours(grads, optim.clip_grad_norm(1.0))
    assert np.isinf(total.numpy())
    assert np.isinf(state.total_norm)
    for name, array in expected.items():
        np.testing.assert_array_equal(clipped[name], array)


def test_the_error_is_pytorchs():
    grads = gradients("float32")
    grads["a"][0, 0] = np.nan
    with pytest.raises(RuntimeError) as expected:
        theirs(
            grads,
            lambda params: torch.nn.utils.clip_grad_norm_(
                params, 1.0, 1, error_if_nonfinite=True
            ),
        )
    clip = optim.clip_grad_norm(1.0, 1, error_if_nonfinite=True)
    with pytest.raises(RuntimeError) as caught:
        clip.update(jax.tree.map(jnp.asarray, grads), clip.init(grads))
    assert type(caught.value) is type(expected.value)
    assert str(caught.value) == str(expected.value)


def test_a_tree_of_two_dtypes():
    grads = gradients("float64")
    grads["b"] = grads["b"].astype("float32")
    total, expected = theirs(
        grads, lambda params: torch.nn.utils.clip_grad_norm_(params, 0.5)
    )
    clipped, state = ours(grads, optim.clip_grad_norm(0.5))
    assert state.total_norm.dtype == total.numpy().dtype == np.float64
    np.testing.assert_allclose(state.total_norm, total.numpy(), rtol=1e-7)
    for name, array in expected.items():
        assert clipped[name].dtype == array.dtype
        np.testing.assert_allclose(clipped[name], array, rtol=3e-7)


def test_no_gradient_at_all():
    total = torch.nn.utils.clip_grad_norm_([], 1.0)
    clipped, state = ours({}, optim.clip_grad_norm(1.0))
    assert clipped == {}
    assert state.total_norm == total.numpy() == 0


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision(dtype):
    theirs = torch.tensor([3.0, -4.0, 0.1]).to(getattr(torch, dtype))
    param = torch.nn.Parameter(torch.zeros_like(theirs))
    param.grad = theirs.clone()
    total = torch.nn.utils.clip_grad_norm_([param], 1.0)
    grads = jnp.asarray(theirs.float().numpy(), dtype)
    clip = optim.clip_grad_norm(1.0)
    clipped, state = clip.update(grads, clip.init(grads))
    assert clipped.dtype == dtype
    assert state.total_norm.dtype == np.float32
    np.testing.assert_allclose(state.total_norm, total.float().numpy(), rtol=2**-8)
    np.testing.assert_allclose(
        clipped.astype("float32"), param.grad.float().numpy(), rtol=2**-7
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("clip_value", [0, 0.3, 2, float("inf"), -0.5])
def test_clip_grad_value(dtype, clip_value):
    grads = gradients(dtype)
    grads["b"][:3] = [np.nan, np.inf, -np.inf]
    _, expected = theirs(
        grads, lambda params: torch.nn.utils.clip_grad_value_(params, clip_value)
    )
    clipped, _ = ours(grads, optim.clip_grad_value(clip_value))
    for name, array in expected.items():
        assert clipped[name].dtype == dtype
        np.testing.assert_array_equal(clipped[name], array)
