# SPDX-License-Identifier: Apache-2.0
"""Batch normalisation: each channel by its mean and variance over all samples.

PyTorch changes the running statistics in place; here they are arguments only, and a
second function returns the new ones.
"""

from __future__ import annotations

import math

from jax import lax

from flaxnn._typing import Array, ArrayLike, Bool, Float
from flaxnn.functional._channel_norm import moved, normalized, spread, with_channels
from flaxnn.functional._checks import torch_size, widen
from flaxnn.functional._moments import moments
from flaxnn.functional._options import Option, check_options, poison


def batch_norm(
    input: ArrayLike,
    running_mean: ArrayLike | None,
    running_var: ArrayLike | None,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    training: bool = False,
    momentum: Option = 0.1,
    eps: Option = 1e-5,
) -> Float[Array, "..."]:
    """Returns ``(x - mean) / sqrt(var + eps) * weight + bias`` for each channel.

    Args:
        input: ``(N, C)`` or ``(N, C, *)``; floating point.
        running_mean: ``(C,)`` mean that is used in evaluation.
        running_var: ``(C,)`` variance that is used in evaluation.
        weight: ``(C,)``; 1 if not given.
        bias: ``(C,)``; 0 if not given.
        training: Whether mean and (biased) variance are the batch's own. The running
            ones are then neither read nor changed: `batch_norm_running_stats` returns
            the new ones.
        momentum: Not used; it stands where PyTorch has it.
        eps: Added to the variance.

    Returns:
        The input's shape and dtype.

    Raises:
        ValueError: A channel has one value only in training, ``eps`` is negative, or
            one of the running statistics is given without the other.
        NotImplementedError: The input is not floating point.
        RuntimeError: A size or a dtype does not fit, or statistics are missing.

    Torch:
        ``torch.nn.functional.batch_norm``, 2.13.0. T1 in float64; in float32 the sums
        differ in their order, which is T2's noise; T3 in half precision. PyTorch
        changes `running_mean` and `running_var` in place.

    Example:
        >>> batch_norm([[1.0], [3.0]], None, None, training=True, eps=1e-12)
        Array([[-1.],
               [ 1.]], dtype=float32)

    References:
        Ioffe and Szegedy, "Batch Normalization", 2015.
    """
    del momentum
    x = with_channels(input, running_mean, running_var, weight, bias)
    valid = _check_eps(eps, training)
    # Once, so that the two ways of its gradient are added before they are rounded.
    wide = widen(x)
    if training:
        _check_values_per_channel(x.shape)
        mean, var = moments(wide, _all_but_channel(x))
    elif running_mean is None or running_var is None:
        raise RuntimeError(
            "running_mean must be defined in evaluation mode: pass the running "
            "statistics, or training=True for the batch's own"
        )
    else:
        mean, var = spread(running_mean, x), spread(running_var, x)
    return poison(normalized(wide, x.dtype, mean, var, weight, bias, eps), valid)


def batch_norm_running_stats(
    input: ArrayLike,
    running_mean: ArrayLike,
    running_var: ArrayLike,
    *,
    momentum: Option = 0.1,
) -> tuple[Float[Array, " C"], Float[Array, " C"]]:
    """Returns the running mean and variance after a batch was seen in training.

    Args:
        input: ``(N, C)`` or ``(N, C, *)``; floating point.
        running_mean: ``(C,)`` mean before.
        running_var: ``(C,)`` variance before.
        momentum: Weight of the batch, in [0, 1]; Flax's momentum is one minus it.

    Returns:
        ``(1 - momentum) * running + momentum * batch``, each ``(C,)`` in its own dtype.
        The batch's variance is the unbiased one, although the biased one normalises.
        An empty batch changes nothing. No gradient flows through them.

    Raises:
        ValueError: A channel has one value only.
        NotImplementedError: The input is not floating point.
        RuntimeError: A size or a dtype does not fit.

    Torch:
        What ``torch.nn.functional.batch_norm`` with ``training=True`` leaves in
        ``running_mean`` and ``running_var``, 2.13.0. T1 in float64; float32 within 1e-6
        relative; T3 in half precision.

    Example:
        >>> mean, var = batch_norm_running_stats([[1.0], [3.0]], [0.0], [1.0])
        >>> round(float(mean[0]), 4), round(float(var[0]), 4)
        (0.2, 1.1)
    """
    x = with_channels(input, running_mean, running_var)
    _check_values_per_channel(x.shape)
    wide = lax.stop_gradient(widen(x))
    mean, var = moments(wide, _all_but_channel(x), correction=1)
    return (
        moved(running_mean, mean.reshape(-1), momentum, x.size),
        moved(running_var, var.reshape(-1), momentum, x.size),
    )


def _check_eps(eps: Option, training: bool) -> Bool[Array, ""] | None:
    """Raises where a number that is known now cannot be added to a variance."""
    word = "positive during training" if training else "non-negative"
    return check_options(
        lambda eps: eps > 0 if training else eps >= 0,
        lambda eps: ValueError(f"batch_norm eps must be {word}, but got {eps}"),
        eps,
    )


def _check_values_per_channel(shape: tuple[int, ...]) -> None:
    """Raises where a channel's variance would be that of a single number."""
    if math.prod(shape) // max(shape[1], 1) == 1:
        raise ValueError(
            "Expected more than 1 value per channel when training, got input size "
            f"{torch_size(shape)}: leave a last batch of one sample out with "
            "drop_last=True, or normalise by the running statistics (model.eval())"
        )


def _all_but_channel(x: Float[Array, "N C *d"]) -> tuple[int, ...]:
    """Returns the axes of a channel's numbers."""
    return (0, *range(2, x.ndim))
