# SPDX-License-Identifier: Apache-2.0
"""The types of the generator's arguments and arrays.

Type checkers see what a method takes. At run time the argument types are ``object``,
so that a wrong argument meets the method's own error and not a type checker's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, SupportsFloat, SupportsIndex, SupportsInt

import numpy as np
from numpy.typing import DTypeLike, NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
UInt8 = NDArray[np.uint8]
UInt32 = NDArray[np.uint32]
UInt64 = NDArray[np.uint64]
Array = NDArray[Any]

if TYPE_CHECKING:
    Seed = SupportsInt
    Size = SupportsIndex
    Shape = SupportsIndex | Sequence[SupportsIndex]
    Real = SupportsFloat
    DType = DTypeLike
    ArrayIn = Array
else:
    Seed = Size = Shape = Real = DType = ArrayIn = object
