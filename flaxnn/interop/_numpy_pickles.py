# SPDX-License-Identifier: Apache-2.0
"""NumPy's own arrays and scalars in a pickle, of plain numeric dtypes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from flaxnn.interop._errors import FileFormatError
from flaxnn.interop._tensors import checked_shape

if TYPE_CHECKING:
    from flaxnn.interop._unpickle import Machine

# bool, integers, float16 to float64, complex64 and complex128. No long doubles, whose
# bytes differ between machines, and no objects or text.
_PLAIN = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248]|c(8|16))")
_ARRAY = 400


class Pending:
    """An object that a pickle makes in two steps: a call, then its state.

    Attributes:
        finish: Makes the value of the state.
        value: The value, once it is there.
    """

    __slots__ = ("finish", "value")

    def __init__(self, finish: Callable[[Machine, object], object]) -> None:
        self.finish = finish
        self.value: object = None


def _refused(what: str) -> FileFormatError:
    return FileFormatError(
        f"the pickle holds {what} that is not of a plain numeric dtype, or is damaged: "
        "save it as a tensor, torch.from_numpy(array), instead"
    )


def make_dtype(machine: Machine, args: tuple) -> Pending:
    """Returns a dtype that still lacks its byte order."""
    match args:
        case (str(name), int(align), int(copy)) if _PLAIN.fullmatch(name) and (
            align,
            copy,
        ) == (0, 1):
            machine.charge(200)
            dtype = np.dtype(name)
        case _:
            raise _refused("a NumPy dtype")

    def finish(_machine: Machine, state: object) -> np.dtype:
        match state:
            case (int(), str(order), None, None, None, int(size), int(align), int()):
                if order in ("<", ">", "|", "=") and size == align == -1:
                    return dtype.newbyteorder(order if order in "<>" else "=")
        raise _refused("a NumPy dtype")

    return Pending(finish)


def scalar(machine: Machine, args: tuple) -> object:
    """Returns a NumPy number."""
    match args:
        case (np.dtype() as dtype, raw):
            array = _array(machine, (), dtype, raw, fortran=False)
            return array[()]
    raise _refused("a NumPy scalar")


def reconstruct(machine: Machine, args: tuple) -> Pending:
    """Returns an array that still lacks shape, dtype and data."""
    if len(args) != 3 or getattr(args[0], "name", None) != "numpy.ndarray":
        raise _refused("a NumPy array")
    machine.charge(200)
    return Pending(_finish_array)


def _finish_array(machine: Machine, state: object) -> np.ndarray:
    match state:
        case (int(), tuple(shape), np.dtype() as dtype, bool() | int() as fortran, raw):
            return _array(machine, shape, dtype, raw, fortran=bool(fortran))
    raise _refused("a NumPy array")


def frombuffer(machine: Machine, args: tuple) -> np.ndarray:
    """Returns an array as protocol 5 has it."""
    match args:
        case (raw, np.dtype() as dtype, tuple(shape), str(order)) if order in (
            "C",
            "F",
        ):
            return _array(machine, shape, dtype, raw, fortran=order == "F")
    raise _refused("a NumPy array")


def _array(
    machine: Machine, shape: tuple, dtype: np.dtype, raw: object, *, fortran: bool
) -> np.ndarray:
    """Returns a read-only array of native byte order over the bytes."""
    if isinstance(raw, str):
        # Python 2 has one type for text and bytes.
        machine.charge(4 * len(raw))
        raw = raw.encode("utf-8", "surrogatepass")
    if not isinstance(raw, bytes | bytearray) or not _PLAIN.fullmatch(dtype.str):
        raise _refused("a NumPy array")
    sizes = checked_shape(shape, dtype.itemsize)
    if math.prod(sizes) * dtype.itemsize != len(raw):
        raise FileFormatError(
            f"the pickle holds a NumPy array of shape {shape} and {dtype} with "
            f"{len(raw)} bytes: it is damaged"
        )
    machine.charge(_ARRAY + 16 * len(shape))
    array = np.ndarray(sizes, dtype, raw or None, order="F" if fortran else "C")
    if not dtype.isnative:
        machine.charge(len(raw))
        array = array.astype(dtype.newbyteorder("="))
    array.setflags(write=False)
    return array
