# SPDX-License-Identifier: Apache-2.0
"""Normal numbers: ``torch.randn`` and ``Tensor.normal_``.

Fewer than 16 numbers are drawn one pair at a time in float64, and the second of a pair
waits in the generator for the next such draw. From 16 on, blocks of 16 uniform numbers
become 16 normal ones, eight pairs at a time.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from flaxnn.random import _cephes32, _libm, _libm32
from flaxnn.random._chunks import CHUNK, chunks
from flaxnn.random._engine import Engine
from flaxnn.random._fma import fma32, fma64
from flaxnn.random._types import Array, Float32, Float64
from flaxnn.random._uniform import unit, unit64

BLOCK = 16
_HALF = BLOCK // 2
_BLOCKS_AT_ONCE = CHUNK // _HALF
_TWO_PI = 2.0 * math.pi


def normal(
    engine: Engine,
    count: int,
    mean: float,
    std: float,
    dtype: np.dtype,
    version: tuple[int, int],
    *,
    fused: bool,
) -> Array:
    """Returns ``count`` normal numbers.

    ``fused`` stands for the kernels compiled for AVX2: they fuse multiply and add, and
    have their own float32 functions where the others call the C library. Since 2.13 the
    others fuse too, in blocks.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # an infinite mean or std
        if count < BLOCK:
            drawn = _serial(engine, count, version)
            return _scaled(drawn, mean, std, fused).astype(dtype)
        box_muller = _box_muller(dtype, fused)
        fused |= version >= (2, 13)
        out = unit(engine, count, dtype)
        _fill(out[: count - count % BLOCK], box_muller, mean, std, fused)
        if count % BLOCK:
            # The last 16 are drawn anew, over the end of the last whole block.
            out[-BLOCK:] = unit(engine, BLOCK, dtype)
            _fill(out[-BLOCK:], box_muller, mean, std, fused)
        return out


def _serial(engine: Engine, count: int, version: tuple[int, int]) -> Float64:
    """Returns at most 15 standard normal numbers, using and leaving the cached one."""
    values: list[float] = []
    if count and engine.cached_normal is not None:
        values.append(engine.cached_normal)
        engine.cached_normal = None
    uniforms = unit64(engine, 2 * math.ceil((count - len(values)) / 2)).tolist()
    for u1, u2 in zip(uniforms[::2], uniforms[1::2], strict=True):
        log = math.log1p(-u2) if version >= (2, 0) else math.log(1.0 - u2)
        radius = math.sqrt(-2.0 * log)
        theta = _TWO_PI * u1
        values += radius * math.cos(theta), radius * math.sin(theta)
    if len(values) > count:
        engine.cached_normal = values.pop()
    return np.array(values, np.float64)


def _fill(
    uniforms: Array,
    box_muller: Callable[[Array, Array], None],
    mean: float,
    std: float,
    fused: bool,
) -> None:
    """Replaces whole blocks of uniform numbers by normal ones."""
    # [block, half, number] as [half, block, number]: each half becomes one vector.
    blocks = uniforms.reshape(-1, 2, _HALF).transpose(1, 0, 2)
    halves = np.empty((2, min(blocks.shape[1], _BLOCKS_AT_ONCE), _HALF), uniforms.dtype)
    for piece in chunks(blocks.shape[1], _BLOCKS_AT_ONCE):
        source = blocks[:, piece]
        part = halves[:, : source.shape[1]]
        part[...] = source
        u1, u2 = part[0].reshape(-1), part[1].reshape(-1)
        np.subtract(1, u1, out=u1)  # (0, 1], for the logarithm
        box_muller(u1, u2)
        source[0] = _scaled(part[0], mean, std, fused)
        source[1] = _scaled(part[1], mean, std, fused)


def _scaled(x: Array, mean: float, std: float, fused: bool) -> Array:
    """Returns ``x * std + mean``."""
    if std == 1 and mean == 0:
        return x + x.dtype.type(0)  # exact; the sum drops the sign of -0
    if not fused:
        return x * x.dtype.type(std) + x.dtype.type(mean)
    if x.dtype == np.float64:
        return fma64(x, std, mean)
    return fma32(x, np.float32(std), np.float32(mean))


def _box_muller(dtype: np.dtype, fused: bool) -> Callable[[Array, Array], None]:
    """Returns the transform of PyTorch's kernel, working in place."""
    if dtype == np.float64:
        return _box_muller_64
    if not fused:
        return _box_muller_libm32
    return functools.partial(_box_muller_avx2, _cephes32.Workspace(CHUNK))


def _box_muller_avx2(work: _cephes32.Workspace, u1: Float32, u2: Float32) -> None:
    """Box-Muller in float32 as the AVX2 kernel computes it."""
    radius, theta = u1, u2
    _cephes32.log(radius, work)
    radius *= np.float32(-2)
    np.sqrt(radius, out=radius)
    theta *= np.float32(_TWO_PI)
    cosine = work.cosine(theta.size)
    _cephes32.sincos(theta, cosine, work)
    u2 *= radius
    u1 *= cosine


def _box_muller_libm32(u1: Float32, u2: Float32) -> None:
    """Box-Muller in float32 with the C library's functions."""
    radius = np.sqrt(np.float32(-2) * _libm32.log(u1))
    sine, cosine = _libm32.sincos((_TWO_PI * u2.astype(np.float64)).astype(np.float32))
    np.multiply(radius, cosine, out=u1)
    np.multiply(radius, sine, out=u2)


def _box_muller_64(u1: Float64, u2: Float64) -> None:
    """Box-Muller in float64, with the C library's functions."""
    radius = np.sqrt(-2.0 * _libm.log(u1))
    u1[...], u2[...] = _libm.polar(radius, _TWO_PI * u2)
