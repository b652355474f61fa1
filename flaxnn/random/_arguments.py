# SPDX-License-Identifier: Apache-2.0
"""Arguments turned into plain values, or refused.

The exceptions are of the types PyTorch raises, with its wording first. Everything is
checked before the stream is touched.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from flaxnn.random._types import Array

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
INTEGERS = (
    *map(np.dtype, ("bool", "int8", "int16", "int32", "int64")),
    *map(np.dtype, ("uint8", "uint16", "uint32", "uint64")),
    *FLOATS,
)
REALS = (*INTEGERS, np.dtype(np.float16))

_INT64_MAX = (1 << 63) - 1
_INT64_MIN = -(1 << 63)
_OLDEST_VERSION = (1, 7)

# What PyTorch's messages call the types.
SCALAR_TYPES = {
    "bool": "Bool", "uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int",
    "int64": "Long", "uint16": "UInt16", "uint32": "UInt32", "uint64": "UInt64",
    "float16": "Half", "float32": "Float", "float64": "Double",
    "complex64": "ComplexFloat", "complex128": "ComplexDouble",
}  # fmt: skip


def seed_of(seed: Any) -> int:
    """Returns a seed as an unsigned 64-bit number, negative in two's complement."""
    if isinstance(seed, (bool, np.bool_)) or not _is_real(seed):
        raise RuntimeError(
            f"manual_seed expected a long, but got {kind_of(seed)}: pass an integer "
            "from -2**63 to 2**64 - 1"
        )
    try:
        number = operator.index(seed)
    except TypeError:  # a float, which torch.manual_seed truncates
        number = int(seed)
    if not _INT64_MIN <= number < 1 << 64:
        raise ValueError(
            f"Overflow when unpacking long long: the seed is {number}, expected one "
            "from -2**63 to 2**64 - 1"
        )
    return number & 0xFFFFFFFFFFFFFFFF


def version_of(torch_version: Any) -> tuple[int, int]:
    """Returns the release that a string such as ``"2.13.0+cpu"`` begins with."""
    match = isinstance(torch_version, str) and re.match(r"(\d+)\.(\d+)", torch_version)
    if not match:
        raise ValueError(
            f"torch_version must be a string such as '2.13', got {torch_version!r}"
        )
    version = int(match[1]), int(match[2])
    if version < _OLDEST_VERSION:
        raise ValueError(
            f"torch_version must be 1.7 or later, got {torch_version!r}: the streams "
            "of older releases are not reproduced"
        )
    return version


def is_fused(cpu_capability: Any) -> bool:
    """Says whether the kernels of a CPU capability fuse multiply and add."""
    if cpu_capability not in ("avx2", "default"):
        raise ValueError(
            "cpu_capability must be 'avx2' (for AVX-512 too) or 'default', got "
            f"{cpu_capability!r}"
        )
    return cpu_capability == "avx2"


def shape_of(shape: Any, itemsize: int, name: str) -> tuple[int, ...]:
    """Returns a shape given as a sequence, or as one integer, as a tuple."""
    listlike = isinstance(shape, Sequence) and not isinstance(shape, str)
    sizes = tuple(shape) if listlike or getattr(shape, "ndim", 0) else (shape,)
    shape = tuple(integer_of(size, name, "shape") for size in sizes)
    listed = ", ".join(map(str, shape))
    if any(size < 0 for size in shape):
        raise RuntimeError(
            f"Trying to create tensor with negative dimension {min(shape)}: [{listed}]"
        )
    if math.prod(shape) * itemsize > _INT64_MAX:
        raise RuntimeError(f"Storage size calculation overflowed with sizes=[{listed}]")
    return shape


def integer_of(value: Any, name: str, argument: str) -> int:
    """Returns an integer that fits 64 bits; no bool, and no float however whole."""
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise TypeError(
            f"{name}(): argument '{argument}' must be int, not {kind_of(value)}"
        )
    number = operator.index(value)
    if not _INT64_MIN <= number <= _INT64_MAX:
        raise ValueError(
            f"Overflow when unpacking long long: {name}(): argument '{argument}' is "
            f"{number}, expected one from -2**63 to 2**63 - 1"
        )
    return number


def real_of(value: Any, name: str, argument: str) -> float:
    """Returns a real number as a float."""
    if not _is_real(value):
        raise TypeError(
            f"{name}(): argument '{argument}' must be float, not {kind_of(value)}"
        )
    return float(value)


def dtype_of(
    dtype: Any, allowed: Sequence[np.dtype], kernel: str, name: str
) -> np.dtype:
    """Returns a data type that a draw knows."""
    known = None if dtype is None else np.dtype(dtype)
    if known is not None and known in allowed:
        return known
    shown = "None" if known is None else SCALAR_TYPES.get(known.name, known.name)
    names = ", ".join(str(other) for other in allowed)
    raise NotImplementedError(
        f"\"{kernel}\" not implemented for '{shown}': {name}() draws {names}"
    )


def state_of(state: Any, size: int) -> Array:
    """Returns a state as an array of ``size`` bytes."""
    if not hasattr(state, "__array__"):
        raise TypeError(
            f"expected a torch.ByteTensor, but got {kind_of(state)}: pass the uint8 "
            "array of get_state()"
        )
    state = np.asarray(state)
    if state.dtype != np.uint8:
        raise TypeError(
            f"RNG state must be a torch.ByteTensor: expected uint8, got {state.dtype}"
        )
    if state.shape != (size,):
        raise RuntimeError(
            f"Expected a CPUGeneratorImplState of size {size} but found the input RNG "
            f"state size to be {state.size}: expected shape ({size},), got "
            f"{state.shape}"
        )
    return state


def _is_real(value: Any) -> bool:
    """Says whether a value is one real number."""
    return (
        hasattr(value, "__float__")
        and not isinstance(value, (str, np.complexfloating))
        and getattr(value, "ndim", 0) == 0
    )


def kind_of(value: Any) -> str:
    """Returns what an error message calls a value."""
    return type(value).__name__
