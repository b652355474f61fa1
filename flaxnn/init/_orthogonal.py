# SPDX-License-Identifier: Apache-2.0
"""The orthogonal initialiser."""

from __future__ import annotations

import math

import jax
import numpy as np
from numpy.typing import DTypeLike

from flaxnn.init import _half
from flaxnn.init._constant import zeros
from flaxnn.init._source import Source, check, host_normal, in_x64, key_of, to_jax
from flaxnn.random import Generator


def orthogonal(
    shape: tuple[int, ...],
    gain: float = 1,
    *,
    rngs: Source,
    dtype: DTypeLike = np.float32,
) -> jax.Array:
    """Returns a weight whose rows, or columns if they are fewer, are orthonormal.

    Args:
        shape: ``(out, *in)``; the dimensions after the first are taken as one. With a
            size of 0 nothing is drawn.
        gain: Factor of the whole weight.
        rngs: A `Generator` for PyTorch's numbers or `nnx.Rngs` for JAX's.
        dtype: float32 or float64.

    Raises:
        TypeError: ``rngs`` is neither a `Generator` nor `nnx.Rngs`.
        ValueError: The shape has fewer than two dimensions.
        NotImplementedError: The dtype is another.

    Torch:
        ``torch.nn.init.orthogonal_``, 2.13.0. With a `Generator` the stream is T0. The
        values are a QR factor, ours computed in float64 and rounded once; PyTorch's
        float32 factor is off by up to 4e-7 for a rectangular weight and 5e-6 for a
        square one, whose last columns are ill-conditioned (sizes up to 512).

    Example:
        >>> from flaxnn.random import Generator
        >>> weight = orthogonal((2, 3), rngs=Generator(0))
        >>> abs(weight @ weight.T).round(5)
        Array([[1., 0.],
               [0., 1.]], dtype=float32)

    References:
        Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep
        linear neural networks", 2014. Mezzadri, "How to generate random matrices from
        the classical compact groups", 2007, for the signs.
    """
    known = np.dtype(dtype)
    if len(shape) < 2:
        raise ValueError(
            "Only tensors with 2 or more dimensions are supported; got shape "
            f"{tuple(shape)}"
        )
    if 0 in shape:
        return zeros(shape, dtype=known)
    if known in _half.TYPES:
        raise NotImplementedError(
            f"\"geqrf_cpu\" not implemented for '{_half.TYPES[known][0]}': draw in "
            "float32 and cast"
        )
    rows, columns = shape[0], math.prod(shape[1:])
    if isinstance(rngs, Generator):
        drawn = host_normal(rngs, (rows, columns), 0.0, 1.0, known)
        factor = _orthonormal(drawn).astype(known)
        weight = np.multiply(factor, float(gain), dtype=known)
        return to_jax(weight.reshape(shape))
    check(host_normal, 0.0, 1.0, known)
    with in_x64(known):
        factor = jax.random.orthogonal(key_of(rngs), rows, (), known, columns)
        return (factor * gain).astype(known).reshape(shape)


def _orthonormal(drawn: np.ndarray) -> np.ndarray:
    """Returns Q of the tall matrix's QR, with the signs that make R's diagonal > 0."""
    wide = drawn.shape[0] < drawn.shape[1]
    q, r = np.linalg.qr((drawn.T if wide else drawn).astype(np.float64))
    q *= np.sign(np.diagonal(r))
    return q.T if wide else q
