# SPDX-License-Identifier: Apache-2.0
"""What every function checks about its arguments, in PyTorch's words."""

from __future__ import annotations

import operator
import sys
import warnings
from collections.abc import Sequence
from types import FrameType

import jax
import jax.core
import jax.numpy as jnp
import numpy as np

from flaxnn._typing import Array, ArrayLike, Float, Shaped

# PyTorch's names of the dtypes, as its messages spell them.
_TORCH_NAMES = {
    "bool": "Bool",
    "uint8": "Byte",
    "int8": "Char",
    "int16": "Short",
    "int32": "Int",
    "int64": "Long",
    "uint16": "UInt16",
    "uint32": "UInt32",
    "uint64": "UInt64",
    "float16": "Half",
    "bfloat16": "BFloat16",
    "float32": "Float",
    "float64": "Double",
    "complex64": "ComplexFloat",
    "complex128": "ComplexDouble",
}
# A warning is shown at the first frame outside these: the user's line.
_LIBRARIES = frozenset({"flaxnn", "jax", "flax", "jaxtyping", "beartype"})


def as_array(value: ArrayLike, name: str) -> Shaped[Array, "..."]:
    """Returns anything array-like as a JAX array; `name` is for the error."""
    if isinstance(value, jax.Array):
        return value
    if not hasattr(value, "__jax_array__"):
        host = _as_numpy(value)
        if host.dtype.name not in _TORCH_NAMES:
            raise TypeError(
                f"argument {name!r} must be an array of numbers, got "
                f"{type(value).__name__} (dtype {host.dtype})"
            )
        value = host
    return jnp.asarray(value)


def _as_numpy(value: ArrayLike) -> np.ndarray:
    """Returns the value as NumPy sees it; a ragged list becomes an object array."""
    try:
        return np.asarray(value)
    except ValueError:
        return np.asarray(None)


def host_value(value: ArrayLike) -> np.ndarray | None:
    """Returns the numbers where they can be read now, else None.

    They cannot inside a transformation, nor where other processes hold a part.
    """
    if hasattr(value, "__jax_array__"):
        value = jnp.asarray(value)
    if isinstance(value, jax.core.Tracer):
        return None
    if isinstance(value, jax.Array) and not value.is_fully_addressable:
        return None
    return np.asarray(value)


def dtype_name(value: ArrayLike | np.dtype) -> str:
    """Returns PyTorch's name of a dtype, or of an array's dtype before JAX's x64 rule.

    A NumPy int64 array is a 'Long' here although JAX would make it int32.
    """
    dtype = value if isinstance(value, np.dtype) else getattr(value, "dtype", None)
    if not isinstance(dtype, np.dtype):
        dtype = np.asarray(value).dtype
    return _TORCH_NAMES.get(dtype.name, dtype.name)


def check_floating(kernel: str, value: ArrayLike | np.dtype, dtype: np.dtype) -> None:
    """Raises as PyTorch does when a kernel knows real floating-point numbers only."""
    if not jnp.issubdtype(dtype, jnp.floating):
        raise NotImplementedError(
            f'"{kernel}" not implemented for {dtype_name(value)!r}: expected a '
            "floating-point input; convert it, for example with .astype('float32')"
        )


def real_floating(kernel: str, input: ArrayLike) -> Float[Array, "..."]:
    """Returns the input; integers and bools become float32, PyTorch's default."""
    x = as_array(input, "input")
    if jnp.issubdtype(x.dtype, jnp.integer) or x.dtype == jnp.bool_:
        return x.astype(jnp.float32)
    check_floating(kernel, input, x.dtype)
    return x


def check_dim(dim: int, ndim: int) -> int:
    """Returns the dimension counted from the front; a scalar has one, as in PyTorch."""
    dim = operator.index(dim)
    extent = max(ndim, 1)
    if not -extent <= dim < extent:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-extent}, "
            f"{extent - 1}], but got {dim})"
        )
    return dim % extent


def check_inplace(inplace: bool) -> None:
    """Raises where a caller counts on its array being changed."""
    if inplace:
        raise ValueError(
            "inplace=True: JAX arrays cannot be changed; drop the argument and use "
            "the returned array"
        )


def torch_size(shape: Sequence[int]) -> str:
    """Returns a shape as PyTorch prints it."""
    return f"torch.Size([{', '.join(map(str, shape))}])"


def _package_of(frame: FrameType) -> str:
    """Returns the top-level package whose code the frame runs."""
    return frame.f_globals.get("__name__", "").partition(".")[0]


def warn_caller(message: str) -> None:
    """Warns at the line outside this library from which it was called."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _package_of(frame) in _LIBRARIES:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, UserWarning, stacklevel=level)


def widen(x: Shaped[Array, "*shape"]) -> Shaped[Array, "*shape"]:
    """Returns half-precision numbers as float32.

    PyTorch's CPU kernels compute in float32 and round once, at the end.
    """
    half = x.dtype in (jnp.float16, jnp.bfloat16)
    return x.astype(jnp.float32) if half else x
