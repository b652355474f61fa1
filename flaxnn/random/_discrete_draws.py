# SPDX-License-Identifier: Apache-2.0
"""The generator's draws of integers, permutations and choices."""

from __future__ import annotations

import math

import numpy as np

from flaxnn.random import _domains as domains
from flaxnn.random._arguments import (
    INTEGERS,
    REALS,
    dtype_of,
    integer_of,
    real_of,
    shape_of,
)
from flaxnn.random._bernoulli import bernoulli_array, bernoulli_scalar
from flaxnn.random._integers import RANDOM_DTYPES, full_range, integers
from flaxnn.random._multinomial import multinomial
from flaxnn.random._permutation import permutation
from flaxnn.random._stream import Stream
from flaxnn.random._types import Array, ArrayIn, DType, Int64, Real, Shape, Size


class DiscreteDraws(Stream):
    """Integers, permutations, coin flips and weighted choices."""

    def randint(
        self, low: Size, high: Size, shape: Shape, dtype: DType = np.int64
    ) -> Array:
        """Returns integers from ``low`` to ``high - 1``.

        Args:
            low: The smallest integer.
            high: One more than the largest.
            shape: The sizes.
            dtype: An integer type, bool, float32 or float64.

        Returns:
            An array of that shape and dtype.

        Raises:
            TypeError: A bound or a size is no integer.
            ValueError: A bound does not fit 64 bits.
            RuntimeError: ``low >= high``, the dtype does not hold a bound exactly, or
                as for `rand`.
            NotImplementedError: The dtype is another.

        Torch:
            ``torch.randint``, checked with 2.13.0, T0. For bounds that a floating dtype
            cannot hold exactly it only warns. A number takes two words from a range of
            2^28 on; before 2.7 it was 2^32.

        Example:
            >>> from flaxnn.random import Generator
            >>> Generator(0).randint(0, 10, (5,))
            array([4, 9, 3, 0, 3])
        """
        known = dtype_of(dtype, INTEGERS, "random_from_to_kernel_cpu", "randint")
        sizes = shape_of(shape, known.itemsize, "randint")
        start = integer_of(low, "randint", "low")
        stop = integer_of(high, "randint", "high")
        domains.check_integers(start, stop, known)
        offset, count = self.words_drawn, math.prod(sizes)
        drawn = integers(self._engine, count, start, stop, known, self._version)
        return self._noted("randint", drawn.reshape(sizes), offset)

    def random(self, shape: Shape = (), dtype: DType = np.int64) -> Array:
        """Returns integers over all that a dtype holds, from 0.

        Args:
            shape: The sizes.
            dtype: int64 (below 2^63), int32, int16, int8, uint8, bool, float32 (to
                2^24) or float64 (to 2^53).

        Returns:
            An array of that shape and dtype.

        Raises:
            TypeError: A size is no integer.
            RuntimeError: As for `rand`.
            NotImplementedError: The dtype is another.

        Torch:
            ``Tensor.random_()``, checked with 2.13.0, T0. A DataLoader draws its base
            seed by it.

        Example:
            >>> from flaxnn.random import Generator
            >>> int(Generator(0).random())
            900450186894289455
        """
        known = dtype_of(dtype, RANDOM_DTYPES, "random_kernel_cpu", "random")
        sizes = shape_of(shape, known.itemsize, "random")
        offset = self.words_drawn
        drawn = full_range(self._engine, math.prod(sizes), known)
        return self._noted("random", drawn.reshape(sizes), offset)

    def randperm(self, n: Size) -> Int64:
        """Returns a permutation of the integers from 0 to ``n - 1``.

        Args:
            n: How many.

        Returns:
            ``(n,)`` int64.

        Raises:
            TypeError: ``n`` is no integer.
            RuntimeError: ``n`` is negative.

        Torch:
            ``torch.randperm``, checked with 2.13.0, T0.

        Example:
            >>> from flaxnn.random import Generator
            >>> Generator(0).randperm(4)
            array([0, 1, 3, 2])
        """
        number = integer_of(n, "randperm", "n")
        shape_of(number, np.dtype(np.int64).itemsize, "randperm")
        offset = self.words_drawn
        return self._noted("randperm", permutation(self._engine, number), offset)

    def bernoulli(
        self,
        p: Real | ArrayIn,
        shape: Shape | None = None,
        dtype: DType | None = None,
    ) -> Array:
        """Returns ones with probability ``p`` and zeros otherwise.

        Args:
            p: One probability, or a float32 or float64 array of them, whose dtype
                decides how many words a number takes.
            shape: The sizes; for an array, its own shape if not given.
            dtype: Any real type; float32, or an array's own, if not given.

        Returns:
            An array of that shape and dtype.

        Raises:
            TypeError: ``p`` is no number, a size no integer, or there is no shape.
            RuntimeError: ``p`` is not in [0, 1], or an array cannot be broadcast to
                ``shape``, or as for `rand`.
            NotImplementedError: The dtype is another.

        Torch:
            ``Tensor.bernoulli_(p)`` for a number, ``torch.bernoulli(p)`` for an array,
            checked with 2.13.0, T0. Dropout draws its mask by the first. Up to 2.6 on
            Intel processors a number goes through MKL, one word for the whole array.

        Example:
            >>> from flaxnn.random import Generator
            >>> Generator(0).bernoulli(0.5, (6,))
            array([0., 0., 1., 0., 0., 0.], dtype=float32)
        """
        if isinstance(p, np.ndarray) or getattr(p, "ndim", 0):
            return self._bernoulli_array(np.asarray(p), shape, dtype)
        if shape is None:
            raise TypeError(
                "bernoulli() of one probability needs a shape: bernoulli(p, shape)"
            )
        probability = real_of(p, "bernoulli", "p")
        domains.check_probability(probability)
        dtype = np.float32 if dtype is None else dtype
        known = dtype_of(dtype, REALS, "bernoulli_scalar_cpu_", "bernoulli")
        sizes = shape_of(shape, known.itemsize, "bernoulli")
        offset, count = self.words_drawn, math.prod(sizes)
        drawn = bernoulli_scalar(self._engine, count, probability, known, self._version)
        return self._noted("bernoulli", drawn.reshape(sizes), offset)

    def multinomial(
        self, weights: ArrayIn, num_samples: Size, replacement: bool = False
    ) -> Int64:
        """Returns indices drawn in proportion to weights.

        Args:
            weights: ``(categories,)`` or ``(rows, categories)`` float32 or float64, not
                negative; each row is a distribution of its own and need not sum to 1.
            num_samples: How many indices to draw from each row.
            replacement: Whether an index can be drawn more than once.

        Returns:
            ``(num_samples,)`` or ``(rows, num_samples)`` int64.

        Raises:
            TypeError: ``weights`` is no array, or ``num_samples`` no integer.
            RuntimeError: A weight is negative, infinite or nan, a row is all zero, or
                the number of samples or the shape is not one that can be drawn.

        Torch:
            ``torch.multinomial``, checked with 2.13.0, T0, also in the order in which
            its C++ library (libstdc++) leaves equal keys. Before 2.0 a single draw with
            replacement took another way. From 2.0 to 2.6 see `exponential`.

        Example:
            >>> from flaxnn.random import Generator
            >>> import numpy as np
            >>> Generator(0).multinomial(np.array([0.1, 0.2, 0.7]), 2)
            array([2, 1])
        """
        count = integer_of(num_samples, "multinomial", "num_samples")
        rows = domains.weights_of(weights, count, replacement)
        offset = self.words_drawn
        drawn = multinomial(self._engine, rows, count, replacement, self._version)
        return self._noted(
            "multinomial", drawn if np.ndim(weights) == 2 else drawn[0], offset
        )

    def _bernoulli_array(
        self, p: Array, shape: Shape | None, dtype: DType | None
    ) -> Array:
        dtype = p.dtype if dtype is None else dtype
        known = dtype_of(dtype, REALS, "bernoulli_tensor_cpu_self_", "bernoulli")
        sizes = None
        if shape is not None:
            sizes = shape_of(shape, known.itemsize, "bernoulli")
        spread = domains.probabilities_of(p, sizes)
        offset = self.words_drawn
        drawn = bernoulli_array(self._engine, spread, known)
        return self._noted("bernoulli", drawn.reshape(spread.shape), offset)
