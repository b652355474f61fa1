# SPDX-License-Identifier: Apache-2.0
"""The names that PyTorch and safetensors have for NumPy's dtypes, in one table."""

from __future__ import annotations

from typing import NamedTuple

import ml_dtypes
import numpy as np
from numpy.typing import DTypeLike

from flaxnn.interop._errors import FileFormatError


class Dtype(NamedTuple):
    """One row of the table.

    Attributes:
        torch: PyTorch's name without `torch.`, such as `float32`.
        numpy: The NumPy dtype, of `ml_dtypes` where NumPy has none.
        storage: The storage class that `torch.save` names for it, without `torch.`;
            None for the newer dtypes, whose storages are `UntypedStorage`.
        safetensors: The name in a safetensors header; None where there is none.
    """

    torch: str
    numpy: np.dtype
    storage: str | None
    safetensors: str | None


def _row(
    torch: str, numpy: DTypeLike, storage: str | None, safetensors: str | None
) -> Dtype:
    return Dtype(torch, np.dtype(numpy), storage, safetensors)


TABLE = (
    _row("float64", np.float64, "DoubleStorage", "F64"),
    _row("float32", np.float32, "FloatStorage", "F32"),
    _row("float16", np.float16, "HalfStorage", "F16"),
    _row("bfloat16", ml_dtypes.bfloat16, "BFloat16Storage", "BF16"),
    _row("float8_e4m3fn", ml_dtypes.float8_e4m3fn, None, "F8_E4M3"),
    _row("float8_e5m2", ml_dtypes.float8_e5m2, None, "F8_E5M2"),
    _row("float8_e4m3fnuz", ml_dtypes.float8_e4m3fnuz, None, "F8_E4M3FNUZ"),
    _row("float8_e5m2fnuz", ml_dtypes.float8_e5m2fnuz, None, "F8_E5M2FNUZ"),
    _row("float8_e8m0fnu", ml_dtypes.float8_e8m0fnu, None, "F8_E8M0"),
    _row("int8", np.int8, "CharStorage", "I8"),
    _row("int16", np.int16, "ShortStorage", "I16"),
    _row("int32", np.int32, "IntStorage", "I32"),
    _row("int64", np.int64, "LongStorage", "I64"),
    _row("uint8", np.uint8, "ByteStorage", "U8"),
    _row("uint16", np.uint16, None, "U16"),
    _row("uint32", np.uint32, None, "U32"),
    _row("uint64", np.uint64, None, "U64"),
    _row("bool", np.bool_, "BoolStorage", "BOOL"),
    _row("complex64", np.complex64, "ComplexFloatStorage", "C64"),
    _row("complex128", np.complex128, "ComplexDoubleStorage", None),
)

BY_TORCH = {row.torch: row for row in TABLE}
BY_NUMPY = {row.numpy: row for row in TABLE}
BY_STORAGE = {row.storage: row for row in TABLE if row.storage is not None}
BY_SAFETENSORS = {row.safetensors: row for row in TABLE if row.safetensors is not None}

_QUANTIZED = ("qint", "quint", "QInt", "QUInt")


def refuse_dtype(name: str) -> FileFormatError:
    """Returns the error for a dtype, storage class or safetensors name without a row.

    Args:
        name: The name as the file has it, such as `complex32` or `QInt8Storage`.

    Returns:
        The error, to be raised.
    """
    if name.startswith(_QUANTIZED):
        remedy = "save tensor.dequantize() in PyTorch instead"
    elif name in ("complex32", "ComplexHalfStorage"):
        remedy = "save tensor.to(torch.complex64) in PyTorch instead"
    else:
        remedy = f"supported are {', '.join(row.torch for row in TABLE)}"
    return FileFormatError(f"the file holds {name}, which NumPy has not: {remedy}")


def of_array(dtype: np.dtype) -> Dtype:
    """Returns the row of an array's dtype, whatever its byte order.

    Args:
        dtype: A NumPy or `ml_dtypes` dtype.

    Returns:
        The row of the table.

    Raises:
        TypeError: PyTorch has no such dtype.
    """
    row = BY_NUMPY.get(dtype.newbyteorder("="))
    if row is None:
        raise TypeError(
            f"PyTorch has no dtype for NumPy's {dtype}: convert the array to one of "
            f"{', '.join(row.torch for row in TABLE)}"
        )
    return row
