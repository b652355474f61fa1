# SPDX-License-Identifier: Apache-2.0
"""The uniform initialiser."""

from __future__ import annotations

import jax
import numpy as np
from numpy.typing import DTypeLike

from flaxnn.init._source import Source, draw_uniform


def uniform(
    shape: tuple[int, ...],
    a: float = 0.0,
    b: float = 1.0,
    *,
    rngs: Source,
    dtype: DTypeLike = np.float32,
) -> jax.Array:
    """Returns an array filled from the uniform distribution on [a, b).

    Args:
        shape: Shape of the result.
        a: Lower bound.
        b: Upper bound.
        rngs: A `Generator` for PyTorch's numbers or `nnx.Rngs` for JAX's.
        dtype: float32, float64, float16 or bfloat16; each consumes the stream as
            PyTorch's does.

    Returns:
        An array of ``shape`` and ``dtype``.

    Raises:
        TypeError: ``rngs`` is neither a `Generator` nor `nnx.Rngs`.
        RuntimeError: ``a > b``, or an end is beyond the dtype.
        NotImplementedError: The dtype is another.

    Torch:
        ``torch.nn.init.uniform_``, 2.13.0, T0 with a `Generator`. It also draws complex
        numbers.

    Example:
        >>> from flaxnn.random import Generator
        >>> uniform((2,), -1.0, 1.0, rngs=Generator(0))
        Array([-0.00748682,  0.5364436 ], dtype=float32)
    """
    return draw_uniform(rngs, shape, a, b, np.dtype(dtype))
