# SPDX-License-Identifier: Apache-2.0
"""Divergences and likelihoods of distributions other than the categorical."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn._typing import Array, ArrayLike, Float
from flaxnn.functional._checks import as_array, dtype_name, host_value, warn_caller
from flaxnn.functional._promotion import broadcast, promote
from flaxnn.functional._reduction import check_reduction, reduce


def kl_div(
    input: ArrayLike,
    target: ArrayLike,
    *,
    reduction: str = "mean",
    log_target: bool = False,
) -> Float[Array, "..."]:
    """Returns ``t (log t - input)``, the Kullback-Leibler divergence's terms.

    Args:
        input: Log-probabilities, any shape, floating point.
        target: Probabilities t, or their logarithms with `log_target`; broadcast
            against the input.
        reduction: 'batchmean' (the sum divided by the size of the first dimension,
            which is the divergence), 'mean' (over all elements; warns), 'sum' or
            'none'.
        log_target: Whether the target holds logarithms.

    Returns:
        A scalar, or for 'none' the broadcast shape; in the promoted dtype.

    Raises:
        RuntimeError: An argument is not floating point, or shapes do not broadcast.
        ValueError: `reduction` is unknown.

    Torch:
        ``torch.nn.functional.kl_div``, 2.13.0, with its warning about 'mean'. T1 in
        float64; float32 within 1e-6 relative; T3 in half precision. PyTorch's
        derivative by a target of 0 is nan, ours -inf. Two deprecated arguments stand
        before `reduction` there.

    Example:
        >>> kl_div([[-1.0, -2.0]], [[1.0, 0.0]], reduction="batchmean")
        Array(1., dtype=float32)
    """
    if reduction == "mean":
        warn_caller(
            "reduction: 'mean' divides the total loss by both the batch size and the "
            "support size. 'batchmean' divides only by the batch size, and aligns with "
            "the KL div math definition."
        )
    if reduction != "batchmean":
        check_reduction(reduction)
    for value, name in ((input, "input"), (target, "target")):
        if not jnp.issubdtype(as_array(value, name).dtype, jnp.floating):
            raise RuntimeError(
                f"kl_div: Integral inputs not supported. Got {name} of "
                f"{dtype_name(value)}; convert it to floating point"
            )
    dtype, (x, t) = promote(input=input, target=target)
    batch = x.shape[0] if x.ndim else 1
    x, t = broadcast(x, t)
    losses = jnp.exp(t) * (t - x) if log_target else _xlogx(t) - t * x
    if reduction == "batchmean":
        return (jnp.sum(losses) / batch).astype(dtype)
    return reduce(losses, reduction).astype(dtype)


def poisson_nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    log_input: bool = True,
    full: bool = False,
    *,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Float[Array, "..."]:
    """Returns the negative log-likelihood of counts under a Poisson distribution.

    Args:
        input: The logarithm of the expectation, or with ``log_input=False`` the
            expectation itself; any shape.
        target: The counts; broadcast against the input. At least one of the two is
            floating point.
        log_input: Whether the input is a logarithm.
        full: Whether to add Stirling's approximation of ``log(target!)`` where the
            target is above 1.
        eps: Added to an expectation before its logarithm.
        reduction: 'mean', 'sum' or 'none'.

    Returns:
        A scalar, or for 'none' the broadcast shape; in the promoted dtype.

    Raises:
        RuntimeError: Neither is floating point, or the shapes do not broadcast.
        ValueError: `reduction` is unknown.

    Torch:
        ``torch.nn.functional.poisson_nll_loss``, 2.13.0. T1 in float64; float32
        within 1e-6 relative; T3 in half precision. With `full`, PyTorch's derivative
        by a target of 0 is nan, ours is that without the term it leaves out. `eps`
        and `reduction` are keyword-only here, as a deprecated argument stands before
        either there.

    Example:
        >>> poisson_nll_loss([0.0], [2.0])
        Array(1., dtype=float32)
    """
    check_reduction(reduction)
    dtype, (x, t) = promote(input=input, target=target)
    x, t = broadcast(x, t)
    losses = jnp.exp(x) - t * x if log_input else x - t * jnp.log(x + eps)
    if full:
        above = jnp.where(t > 1, t, 2)
        stirling = above * jnp.log(above) - above + 0.5 * jnp.log(2 * math.pi * above)
        losses += jnp.where(t > 1, stirling, 0)
    return reduce(losses, reduction).astype(dtype)


def gaussian_nll_loss(
    input: ArrayLike,
    target: ArrayLike,
    var: ArrayLike,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Float[Array, "..."]:
    """Returns ``(log v + (input - target)² / v) / 2`` with v = max(var, eps).

    Args:
        input: Expectations, any shape.
        target: Observations; broadcast against the input.
        var: Variances of the input's shape, or of that shape with the last dimension
            left out or one dimension of size 1; or one number for all.
        full: Whether to add the constant ``log(2π) / 2``.
        eps: The least variance; the derivative by `var` ignores it.
        reduction: 'mean', 'sum' or 'none'.

    Returns:
        A scalar, or for 'none' the broadcast shape; in the promoted dtype.

    Raises:
        ValueError: A variance is negative (inside ``jax.jit``, where nothing can
            raise, the loss is nan there), `var` has another shape, or `reduction` is
            unknown.
        RuntimeError: Nothing is floating point, or shapes do not broadcast.

    Torch:
        ``torch.nn.functional.gaussian_nll_loss``, 2.13.0. T1 in float64; float32
        within 1e-6 relative; T3 in half precision.

    Example:
        >>> gaussian_nll_loss([0.0], [3.0], [1.0])
        Array(4.5, dtype=float32)

    References:
        Nix and Weigend, "Estimating the mean and variance of the target probability
        distribution", 1994.
    """
    check_reduction(reduction)
    dtype, (x, t, v) = promote(input=input, target=target, var=var)
    if v.ndim == 0:
        v = jnp.broadcast_to(v, x.shape)
    v = _fitting_variance(v, x.shape)
    x, t, v = broadcast(x, t, v)
    numbers = host_value(var)
    if numbers is None:
        v = jnp.where(v < 0, jnp.nan, v)
    elif np.any(numbers < 0):
        raise ValueError(
            "var has negative entry/entries: expected variances, 0 or more, got "
            f"{np.min(numbers)}"
        )
    v = v + jax.lax.stop_gradient(jnp.maximum(v, eps) - v)
    losses = 0.5 * (jnp.log(v) + jnp.square(x - t) / v)
    if full:
        losses += 0.5 * math.log(2 * math.pi)
    return reduce(losses, reduction).astype(dtype)


def _fitting_variance(
    var: Float[Array, "..."], shape: tuple[int, ...]
) -> Float[Array, "..."]:
    """Returns variances that broadcast to the input in one of PyTorch's three ways."""
    if var.shape == shape:
        return var
    if var.shape == shape[:-1]:
        return var[..., None]
    if len(var.shape) == len(shape):
        sizes = [n for m, n in zip(shape, var.shape, strict=True) if m != n]
        if sizes == [1]:
            return var
    raise ValueError(
        f"var is of incorrect size: expected {shape}, {shape[:-1]} or {shape} with one "
        f"dimension of size 1, got {var.shape}"
    )


# JAX calls functions with a derivative of their own with NumPy arrays and Python
# numbers too: hence Any in their annotations.
@jax.custom_jvp
def _xlogx(x: Any) -> Float[Array, "..."]:
    """Returns x log x, 0 at 0."""
    return jnp.where(x == 0, 0, x * jnp.log(jnp.where(x == 0, 1, x)))


@_xlogx.defjvp
def _xlogx_jvp(
    primals: tuple[Any], tangents: tuple[Any]
) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
    (x,), (dx,) = primals, tangents
    return _xlogx(x), (jnp.log(x) + 1) * dx
