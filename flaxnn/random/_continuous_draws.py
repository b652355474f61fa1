# SPDX-License-Identifier: Apache-2.0
"""The generator's draws of real numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from flaxnn.random import _domains as domains
from flaxnn.random._arguments import FLOATS, dtype_of, real_of, shape_of
from flaxnn.random._exponential import exponential
from flaxnn.random._normal import normal
from flaxnn.random._stream import Stream
from flaxnn.random._types import Array, DType, Real, Shape
from flaxnn.random._uniform import uniform


class ContinuousDraws(Stream):
    """Uniform, normal and exponential numbers."""

    def rand(self, *shape: Shape, dtype: DType = np.float32) -> Array:
        """Returns uniform numbers in [0, 1).

        Args:
            *shape: The sizes, or one sequence of them. None at all is ``()``.
            dtype: float32 or float64.

        Returns:
            An array of that shape and dtype.

        Raises:
            TypeError: A size is no integer.
            RuntimeError: A size is negative, or the array would be too large.
            NotImplementedError: The dtype is another.

        Torch:
            ``torch.rand``, checked with 2.13.0, T0. It draws float16, bfloat16 and
            complex numbers too, and refuses an empty argument list.

        Example:
            >>> from flaxnn.random import Generator
            >>> Generator(0).rand(2, dtype="float64")
            array([0.970053  , 0.70781986])
        """
        return self._uniform("rand", _sizes(shape), 0.0, 1.0, dtype)

    def randn(self, *shape: Shape, dtype: DType = np.float32) -> Array:
        """Returns standard normal numbers.

        Args:
            *shape: The sizes, or one sequence of them. None at all is ``()``.
            dtype: float32 or float64.

        Returns:
            An array of that shape and dtype.

        Raises:
            TypeError: A size is no integer.
            RuntimeError: A size is negative, or the array would be too large.
            NotImplementedError: The dtype is another.

        Torch:
            ``torch.randn``, checked with 2.13.0, T0; see `normal`.

        Example:
            >>> from flaxnn.random import Generator
            >>> Generator(0).randn(3)
            array([ 1.5409961, -0.2934289, -2.1787894], dtype=float32)
        """
        return self._normal("randn", _sizes(shape), 0.0, 1.0, dtype)

    def uniform(
        self, shape: Shape, low: Real = 0.0, high: Real = 1.0, dtype: DType = np.float32
    ) -> Array:
        """Returns uniform numbers between ``low`` and ``high``.

        Args:
            shape: The sizes.
            low: The lower end, included.
            high: The upper end, excluded; before 2.12, rounding could reach it.
            dtype: float32 or float64.

        Returns:
            An array of that shape and dtype.

        Raises:
            TypeError: A size is no integer, or an end no number.
            RuntimeError: ``low > high``, an end is beyond the dtype, or as for `rand`.
            NotImplementedError: The dtype is another.

        Torch:
            ``Tensor.uniform_``, checked with 2.13.0, T0.

        Example:
            >>> from flaxnn.random import Generator
            >>> Generator(0).uniform((3,), -1, 1)
            array([-0.00748682,  0.5364436 , -0.82304513], dtype=float32)
        """
        return self._uniform("uniform", shape, low, high, dtype)

    def normal(
        self, shape: Shape, mean: Real = 0.0, std: Real = 1.0, dtype: DType = np.float32
    ) -> Array:
        """Returns normal numbers.

        Fewer than 16 are computed in pairs, the second of which is kept for the next
        such call, of either dtype; 16 or more in blocks, past what is kept.

        Args:
            shape: The sizes.
            mean: The mean.
            std: The standard deviation, not negative.
            dtype: float32 or float64.

        Returns:
            An array of that shape and dtype.

        Raises:
            TypeError: A size is no integer, or a parameter no number.
            RuntimeError: ``std`` is negative or nan, or as for `rand`.
            NotImplementedError: The dtype is another.

        Torch:
            ``Tensor.normal_`` of a contiguous tensor, checked with 2.13.0, T0.

        Example:
            >>> from flaxnn.random import Generator
            >>> Generator(0).normal((3,), mean=10, std=0.1)
            array([10.154099,  9.970657,  9.782121], dtype=float32)
        """
        return self._normal("normal", shape, mean, std, dtype)

    def exponential(
        self, shape: Shape, lambd: Real = 1.0, dtype: DType = np.float32
    ) -> Array:
        """Returns exponentially distributed numbers.

        Args:
            shape: The sizes.
            lambd: The rate, positive; the mean is its inverse.
            dtype: float32 or float64.

        Returns:
            An array of that shape and dtype.

        Raises:
            TypeError: A size is no integer, or the rate no number.
            RuntimeError: The rate is not positive, or as for `rand`.
            NotImplementedError: The dtype is another.

        Torch:
            ``Tensor.exponential_``, checked with 2.13.0, T0. From 2.0 to 2.6 on Intel
            processors it goes through MKL, whose logarithm is not published: the stream
            is T0, but the numbers agree only to about 3 units in the last place of
            float32, and to 1e-9 of themselves in float64.

        Example:
            >>> from flaxnn.random import Generator
            >>> Generator(0).exponential((3,), lambd=2)
            array([1.7541631 , 0.61519235, 0.30752206], dtype=float32)
        """
        known = dtype_of(dtype, FLOATS, "exponential_cpu", "exponential")
        sizes = shape_of(shape, known.itemsize, "exponential")
        rate = real_of(lambd, "exponential", "lambd")
        domains.check_exponential(rate)
        offset, count = self.words_drawn, math.prod(sizes)
        drawn = exponential(self._engine, count, rate, known, self._version)
        return self._noted("exponential", drawn.reshape(sizes), offset)

    def _uniform(
        self, kind: str, shape: Shape, low: Real, high: Real, dtype: DType
    ) -> Array:
        known = dtype_of(dtype, FLOATS, "check_uniform_bounds", kind)
        sizes = shape_of(shape, known.itemsize, kind)
        start = real_of(low, kind, "low")
        end = real_of(high, kind, "high")
        domains.check_uniform(start, end, known)
        offset = self.words_drawn
        drawn = uniform(
            self._engine,
            math.prod(sizes),
            start,
            end,
            known,
            fused=self._fused,
            half_open=self._version >= (2, 12),
        )
        return self._noted(kind, drawn.reshape(sizes), offset)

    def _normal(
        self, kind: str, shape: Shape, mean: Real, std: Real, dtype: DType
    ) -> Array:
        known = dtype_of(dtype, FLOATS, "normal_kernel_cpu", kind)
        sizes = shape_of(shape, known.itemsize, kind)
        centre = real_of(mean, kind, "mean")
        scale = real_of(std, kind, "std")
        domains.check_normal(scale)
        offset, count = self.words_drawn, math.prod(sizes)
        drawn = normal(
            self._engine, count, centre, scale, known, self._version, fused=self._fused
        )
        return self._noted(kind, drawn.reshape(sizes), offset)


def _sizes(shape: tuple[Shape, ...]) -> Shape:
    """Returns the shape of ``rand(2, 3)`` and of ``rand((2, 3))``."""
    alone = len(shape) == 1 and isinstance(shape[0], Sequence)
    return shape[0] if alone else shape  # pyright: ignore[reportReturnType]
