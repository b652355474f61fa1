# SPDX-License-Identifier: Apache-2.0
"""The normal initialiser."""

from __future__ import annotations

import jax
import numpy as np
from numpy.typing import DTypeLike

from flaxnn.init._source import Source, draw_normal


def normal(
    shape: tuple[int, ...],
    mean: float = 0.0,
    std: float = 1.0,
    *,
    rngs: Source,
    dtype: DTypeLike = np.float32,
) -> jax.Array:
    """Returns an array filled from the normal distribution.

    Args:
        shape: Shape of the result.
        mean: Mean.
        std: Standard deviation, not negative.
        rngs: A `Generator` for PyTorch's numbers or `nnx.Rngs` for JAX's.
        dtype: float32, float64, float16 or bfloat16; each consumes the stream as
            PyTorch's does.

    Returns:
        An array of ``shape`` and ``dtype``.

    Raises:
        TypeError: ``rngs`` is neither a `Generator` nor `nnx.Rngs`.
        RuntimeError: ``std`` is negative or nan.
        NotImplementedError: The dtype is another.

    Torch:
        ``torch.nn.init.normal_`` of a contiguous tensor, 2.13.0, T0 with a `Generator`.
        It also draws complex numbers.

    Example:
        >>> from flaxnn.random import Generator
        >>> normal((2,), 10.0, 0.1, rngs=Generator(0))
        Array([10.154099,  9.970657], dtype=float32)
    """
    return draw_normal(rngs, shape, mean, std, np.dtype(dtype))
