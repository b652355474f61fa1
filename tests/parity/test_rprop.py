# SPDX-License-Identifier: Apache-2.0
"""Rprop, which reads signs only, is PyTorch's to the bit at every size of gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from flaxnn import optim

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

# Products of two gradients are subnormal, and round to zero, in the smallest of them.
SIZES = {
    "float16": np.array([1.0, 1e-2, 1e-3, 1e-4, 1e3]),
    "bfloat16": np.array([1.0, 1e-18, 1e-20, 1e-24, 1e18]),
    "float32": np.array([1.0, 1e-18, 1e-20, 3e-23, 1e-24, 1e18]),
    "float64": np.array([1.0, 1e-153, 1e-160, 3e-162, 1e-163, 1e150]),
}


@pytest.mark.parametrize("dtype", SIZES)
@pytest.mark.parametrize("etas", [(0.5, 1.2), (0.3, 1.5)])
def test_200_steps(dtype, etas):
    rng = np.random.default_rng(0)
    sizes = SIZES[dtype]
    grads = torch.from_numpy(rng.normal(size=(200, len(sizes))) * sizes)
    grads[rng.random(grads.shape) < 0.1] = 0.0
    grads = grads.to(getattr(torch, dtype))
    param = torch.nn.Parameter(torch.zeros(len(sizes)).to(grads.dtype))
    optimizer = torch.optim.Rprop([param], lr=1e-3, etas=etas, foreach=False)
    sizes_of_steps = []
    for grad in grads:
        param.grad = grad.clone()
        optimizer.step()
        sizes_of_steps.append(optimizer.state[param]["step_size"].double().clone())
    with jax.enable_x64(True):
        transform = optim.rprop(lr=1e-3, etas=etas)
        ours = jnp.zeros(len(sizes), dtype)

        def step(carry, grad):
            params, state = carry
            updates, state = transform.update(grad, state, params)
            return (optax.apply_updates(params, updates), state), state.step_size

        (ours, _), steps = jax.lax.scan(
            step,
            (ours, transform.init(ours)),
            jnp.asarray(grads.double().numpy()).astype(dtype),
        )
        steps = np.asarray(steps.astype(float))
        ours = np.asarray(ours.astype(float))
    expected, theirs = (
        torch.stack(sizes_of_steps).numpy(),
        param.detach().double().numpy(),
    )
    if dtype in ("float32", "float64"):
        np.testing.assert_array_equal(steps, expected)
        np.testing.assert_array_equal(ours, theirs)
    else:
        # Half-precision parameters move by steps that PyTorch rounds first.
        np.testing.assert_allclose(steps, expected, rtol=2**-7)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=0.02 * abs(theirs).max())
