# SPDX-License-Identifier: Apache-2.0
"""PyTorch's generator, put together."""

from __future__ import annotations

from flaxnn.random._continuous_draws import ContinuousDraws
from flaxnn.random._discrete_draws import DiscreteDraws
from flaxnn.random._interleaved_draws import InterleavedDraws


class Generator(ContinuousDraws, DiscreteDraws, InterleavedDraws):
    """PyTorch's CPU random number generator: the same seed, the same numbers.

    All arrays are NumPy's. A generator is an explicit value; there is no global one.
    Bad arguments raise before anything is drawn: the state is then what it was.

    Args:
        seed: As for `manual_seed`.
        torch_version: The PyTorch release whose numbers are wanted, ``"1.7"`` or later.
            The stream itself never changed, but see `uniform`, `randint`, `bernoulli`,
            `exponential` and `multinomial`.
        cpu_capability: ``"avx2"`` for the kernels PyTorch runs on x86-64 with AVX2 or
            AVX-512, ``"default"`` for those under ``ATEN_CPU_CAPABILITY=default``,
            which round differently in `uniform` and `normal`.
        ledger: Whether to record every draw in `ledger`.

    Raises:
        RuntimeError: The seed is no number, or a bool.
        ValueError: The seed is out of range, or an option is unknown.

    Torch:
        ``torch.Generator`` on Linux x86-64, checked with 2.13.0: T0 in every draw, and
        in the 5056 bytes of the state after it. 1.13.1, 2.0.1 and 2.6.0 were checked on
        an Intel processor, T0 but for `exponential` of 2.0 to 2.6; what changed at 2.1,
        2.7 and 2.12 is from the sources. ``cpu_capability="default"`` was checked with
        all four and glibc 2.36. float64 normal numbers and `exponential` call the C
        library's functions and are T0 where PyTorch calls the same library.

    Example:
        >>> from flaxnn.random import Generator
        >>> generator = Generator(0)
        >>> generator.rand(2, 3)
        array([[0.4962566 , 0.7682218 , 0.08847743],
               [0.13203049, 0.30742282, 0.6340787 ]], dtype=float32)

    References:
        Matsumoto and Nishimura, "Mersenne Twister", ACM TOMACS 8(1), 1998.
        PyTorch, ``aten/src/ATen/native/cpu/DistributionTemplates.h``.
    """
