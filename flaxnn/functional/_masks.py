# SPDX-License-Identifier: Apache-2.0
"""What the dropouts share: their masks, which are handed in, since nothing here draws.

PyTorch's functions draw their mask from its global generator, by ``bernoulli_(1 - p)``
over a noise tensor: two 32-bit words for each element, whatever the dtype, in row-major
order. With the run's `flaxnn.random.Generator` it is PyTorch's where PyTorch's input is
contiguous (it fills a transposed or channels-last one in the order of its memory):

    mask = generator.bernoulli(1 - p, shape_of_the_noise)

Neither draws in evaluation, for an empty input or where p is 0 or 1. A function in
place of a mask is called with the noise's shape only where PyTorch draws, so it is
right in all cases: ``mask=lambda shape: generator.bernoulli(1 - p, shape)``.
`flaxnn.nn.Dropout` and its kin do this by themselves.
"""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

from flaxnn._typing import Array, ArrayLike, Bool, Float, Shaped
from flaxnn.functional._checks import (
    as_array,
    check_inplace,
    dtype_name,
    host_value,
    widen,
)
from flaxnn.functional._options import Option, check_options, poison

# SELU's scale times its alpha, minus which is its value far left; PyTorch's digits.
_SATURATION = 1.7580993408473766

Shape = tuple[int, ...]
Mask = ArrayLike | Callable[[Shape], ArrayLike] | None


def channels(shape: Shape, *, batched: bool) -> Shape | None:
    """Returns the shape of one number for each channel; None if there is none."""
    kept = 2 if batched else 1
    if len(shape) < kept:
        return None
    return (*shape[:kept], *(1,) * (len(shape) - kept))


def dropped(
    input: ArrayLike,
    p: Option,
    training: bool,
    inplace: bool,
    mask: Mask,
    noise: Shape | None,
    *,
    alpha: bool = False,
) -> Shaped[Array, "..."]:
    """Returns the input under a mask of the noise's shape, where one is due."""
    x = as_array(input, "input")
    check_inplace(inplace)
    valid = check_options(lambda p: (p >= 0) & (p <= 1), _no_probability, p)
    known = host_value(p)
    if not training or x.size == 0 or known == 0:
        return x
    if known == 1:
        # Not zeros: the sign of 0, infinity and nan come through.
        return x * jnp.zeros((), x.dtype)
    kept = _as_mask(mask, noise, p)
    _check_number(input, x.dtype)
    wide = widen(x)
    p = jnp.asarray(p, wide.dtype) if known is None else float(known)
    if alpha:
        scale = 1 / ((_SATURATION**2 * p + 1) * (1 - p)) ** 0.5
        saturated = _SATURATION * scale
        y = wide * _either(kept, scale, 0, wide.dtype)
        y = y + _either(kept, saturated * p, saturated * (p - 1), wide.dtype)
    else:
        # PyTorch divides the noise, in the input's dtype.
        scale = 1 / jnp.asarray(1 - p, wide.dtype)
        y = wide * widen(_either(kept, scale, 0, x.dtype))
    return poison(y.astype(x.dtype), valid)


def _no_probability(p: np.ndarray) -> Exception:
    """Returns PyTorch's error: only C++ finds out about nan."""
    kind = RuntimeError if np.isnan(p) else ValueError
    return kind(f"dropout probability has to be between 0 and 1, but got {p}")


def _either(
    kept: Bool[Array, "*noise"],
    then: Option,
    otherwise: Option,
    dtype: np.dtype,
) -> Float[Array, "*noise"]:
    """Returns one of two numbers for each element of the noise."""
    return jnp.where(kept, jnp.asarray(then, dtype), jnp.asarray(otherwise, dtype))


def _as_mask(mask: Mask, noise: Shape | None, p: Option) -> Bool[Array, "..."]:
    """Returns the mask, made now if it is a function."""
    if noise is None:
        raise RuntimeError(
            "Feature dropout requires at least 2 dimensions in the input, (N, C, *)"
        )
    if mask is None:
        raise TypeError(
            "dropout in training needs a mask, since nothing is drawn here: pass "
            f"mask=generator.bernoulli({1 - p}, {noise}) for PyTorch's, or use "
            "flaxnn.nn.Dropout"
        )
    array = as_array(mask(noise) if callable(mask) else mask, "mask")
    if array.shape != noise:
        raise ValueError(f"mask must have shape {noise}, got {array.shape}")
    return array.astype(bool)


def _check_number(input: ArrayLike, dtype: np.dtype) -> None:
    """Raises what PyTorch does of a noise that is not floating point."""
    if jnp.issubdtype(dtype, jnp.complexfloating):
        raise NotImplementedError(
            f'"bernoulli_scalar_cpu_" not implemented for {dtype_name(input)!r}'
        )
    if not jnp.issubdtype(dtype, jnp.floating):
        raise RuntimeError(
            "result type Float can't be cast to the desired output type "
            f"{dtype_name(input)}: expected a floating-point input"
        )
