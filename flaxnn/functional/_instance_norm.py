# SPDX-License-Identifier: Apache-2.0
"""Instance normalisation: each channel of each sample by its own mean and variance."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax import lax

from flaxnn._typing import Array, ArrayLike, Float
from flaxnn.functional._channel_norm import moved, normalized, spread, with_channels
from flaxnn.functional._checks import as_array, torch_size, widen
from flaxnn.functional._moments import moments
from flaxnn.functional._options import Option


def instance_norm(
    input: ArrayLike,
    running_mean: ArrayLike | None = None,
    running_var: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    use_input_stats: bool = True,
    momentum: Option = 0.1,
    eps: Option = 1e-5,
) -> Float[Array, "..."]:
    """Returns each sample's channels over their own mean and standard deviation.

    Args:
        input: ``(N, C, *)``; floating point.
        running_mean: ``(C,)`` mean that is used without `use_input_stats`.
        running_var: ``(C,)`` variance that is used without `use_input_stats`.
        weight: ``(C,)``; 1 if not given.
        bias: ``(C,)``; 0 if not given.
        use_input_stats: Whether mean and (biased) variance are those of each sample and
            channel. The running ones are then neither read nor changed:
            `instance_norm_running_stats` returns the new ones.
        momentum: Not used; it stands where PyTorch has it.
        eps: Added to the variance. A channel without variance is 0 where ``eps`` is 0.

    Returns:
        The input's shape and dtype.

    Raises:
        ValueError: There is one value only in each channel, or one of the running
            statistics is given without the other.
        NotImplementedError: The input is not floating point.
        RuntimeError: A size or a dtype does not fit, or statistics are missing.

    Torch:
        ``torch.nn.functional.instance_norm``, 2.13.0. T1 in float64; in float32 the
        sums differ in their order, which is T2's noise; T3 in half precision. PyTorch
        changes `running_mean` and `running_var` in place.

    Example:
        >>> instance_norm([[[1.0, 3.0], [10.0, 30.0]]]).round(2)
        Array([[[-1.,  1.],
                [-1.,  1.]]], dtype=float32)

    References:
        Ulyanov, Vedaldi and Lempitsky, "Instance Normalization", 2016.
    """
    del momentum
    if use_input_stats:
        _check_values_per_instance(as_array(input, "input").shape)
    x = with_channels(input, running_mean, running_var, weight, bias)
    wide = widen(x)
    if use_input_stats:
        mean, var = moments(wide, tuple(range(2, x.ndim)))
        # PyTorch does not divide by 0 here, as it does by a running variance of 0.
        var = jnp.where((var == 0) & (jnp.asarray(eps) == 0), jnp.inf, var)
    elif running_mean is None or running_var is None:
        raise RuntimeError(
            "Expected running_mean and running_var to be defined when use_input_stats "
            "is false"
        )
    else:
        mean, var = spread(running_mean, x), spread(running_var, x)
    return normalized(wide, x.dtype, mean, var, weight, bias, eps)


def instance_norm_running_stats(
    input: ArrayLike,
    running_mean: ArrayLike,
    running_var: ArrayLike,
    *,
    momentum: Option = 0.1,
) -> tuple[Float[Array, " C"], Float[Array, " C"]]:
    """Returns the running mean and variance after samples were seen in training.

    Args:
        input: ``(N, C, *)``; floating point.
        running_mean: ``(C,)`` mean before.
        running_var: ``(C,)`` variance before.
        momentum: Weight of the samples, in [0, 1]; Flax's momentum is one minus it.

    Returns:
        ``(1 - momentum) * running + momentum * new``, each ``(C,)`` in its own dtype,
        where ``new`` is the mean over the samples of their means and of their unbiased
        variances. An empty batch changes nothing. No gradient flows through them.

    Raises:
        ValueError: There is one value only in each channel.
        NotImplementedError: The input is not floating point.
        RuntimeError: A size or a dtype does not fit.

    Torch:
        What ``torch.nn.functional.instance_norm`` leaves in ``running_mean`` and
        ``running_var``, 2.13.0, but for an empty batch, which makes them nan there. T1
        in float64; float32 within 1e-6 relative; T3 in half precision.

    Example:
        >>> mean, var = instance_norm_running_stats([[[1.0, 3.0]]], [0.0], [1.0])
        >>> round(float(mean[0]), 4), round(float(var[0]), 4)
        (0.2, 1.1)
    """
    _check_values_per_instance(as_array(input, "input").shape)
    x = with_channels(input, running_mean, running_var)
    wide = lax.stop_gradient(widen(x))
    mean, var = moments(wide, tuple(range(2, x.ndim)), correction=1)
    samples = x.shape[:2]
    return (
        moved(running_mean, mean.reshape(samples).mean(0), momentum, x.size),
        moved(running_var, var.reshape(samples).mean(0), momentum, x.size),
    )


def _check_values_per_instance(shape: tuple[int, ...]) -> None:
    """Raises where a sample's channel has a single number."""
    if math.prod(shape[2:]) == 1:
        raise ValueError(
            "Expected more than 1 spatial element when training, got input size "
            f"{torch_size(shape)}"
        )
