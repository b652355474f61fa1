# SPDX-License-Identifier: Apache-2.0
"""The sparse initialiser."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import DTypeLike

from flaxnn.init._source import Source, draw_normal, key_of, noted
from flaxnn.random import Generator


def sparse(
    shape: tuple[int, ...],
    sparsity: float,
    std: float = 0.01,
    *,
    rngs: Source,
    dtype: DTypeLike = np.float32,
) -> jax.Array:
    """Returns normal numbers with a fraction of every column set to zero.

    Args:
        shape: ``(out, in)``.
        sparsity: Fraction of each column that is zero, rounded up to whole elements.
        std: Standard deviation of the others.
        rngs: A `Generator` for PyTorch's numbers or `nnx.Rngs` for JAX's.
        dtype: float32, float64, float16 or bfloat16.

    Raises:
        TypeError: ``rngs`` is neither a `Generator` nor `nnx.Rngs`.
        ValueError: The shape has not two dimensions, or ``sparsity`` is nan.
        RuntimeError: ``std`` is negative or nan.
        NotImplementedError: The dtype is another.

    Torch:
        ``torch.nn.init.sparse_`` without its ``generator``, 2.13.0, T0 with a
        `Generator`, which stands for the global one. (Given its own, PyTorch draws the
        numbers from that and the rows still from the global one.)

    Example:
        >>> from flaxnn.random import Generator
        >>> sparse((3, 2), 0.5, rngs=Generator(0)) == 0
        Array([[ True,  True],
               [False,  True],
               [ True, False]], dtype=bool)

    References:
        Martens, "Deep learning via Hessian-free optimization", 2010.
    """
    if len(shape) != 2:
        raise ValueError(
            f"Only tensors with 2 dimensions are supported; got shape {tuple(shape)}"
        )
    rows, columns = shape
    zeros = math.ceil(sparsity * rows)
    dense = draw_normal(rngs, shape, 0.0, std, np.dtype(dtype))
    if isinstance(rngs, Generator):
        empty = np.zeros(shape, bool)
        with noted(rngs):
            for column in range(columns):
                empty[rngs.randperm(rows)[:zeros], column] = True
    else:
        unshuffled = np.zeros(shape, bool)
        unshuffled[:zeros] = True
        empty = jax.random.permutation(
            key_of(rngs), unshuffled, axis=0, independent=True
        )
    return jnp.where(empty, jnp.zeros_like(dense), dense)
