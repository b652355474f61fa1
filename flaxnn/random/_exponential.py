# SPDX-License-Identifier: Apache-2.0
"""Waiting times: ``Tensor.exponential_``."""

from __future__ import annotations

import math

import numpy as np

from flaxnn.random import _libm, _mcg31
from flaxnn.random._chunks import chunks
from flaxnn.random._engine import Engine
from flaxnn.random._types import Array, Float64
from flaxnn.random._uniform import unit64


def exponential(
    engine: Engine,
    count: int,
    lambd: float,
    dtype: np.dtype,
    version: tuple[int, int],
) -> Array:
    """Returns waiting times of rate ``lambd``."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # extreme rates
        through_mkl = (2, 0) <= version < (2, 7) and math.isfinite(lambd)
        if through_mkl and (count or _mcg31.seeds_for_nothing(version)):
            return _through_mkl(engine, count, lambd, dtype)
        out = unit64(engine, count)
        scale = -1.0 / np.float64(lambd)
        for piece in chunks(count):
            x = out[piece]
            x[...] = scale * (
                _libm.log1p(-x) if version >= (2, 0) else _libm.log(1.0 - x)
            )
        return out.astype(dtype, copy=False)


def _through_mkl(engine: Engine, count: int, lambd: float, dtype: np.dtype) -> Array:
    """Returns waiting times to MKL's accuracy: its logarithm is not published."""
    x: Float64
    if dtype == np.float32:
        x = _mcg31.uniform32(int(engine.words(1)[0]), count)
    else:
        # PyTorch draws a 64-bit seed, of which MKL takes the low half.
        x = _mcg31.uniform64(int(engine.words(2)[1]), count)
    smallest = float(np.finfo(dtype).tiny)  # what keeps PyTorch's result off zero
    return (-np.log(x) / lambd + smallest).astype(dtype)
