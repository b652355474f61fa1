# SPDX-License-Identifier: Apache-2.0
"""The pickle of a PyTorch file, written opcode by opcode."""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np

from flaxnn.interop._storages import View

_HEAD, _STOP = b"\x80\x02", b"."
_MARK, _TUPLE, _REDUCE = b"(", b"t", b"R"
# As many as `load` reads; PyTorch reads 255.
_INTEGER_BYTES = 40


class PickleOut:
    """Writes protocol 2, which every version of PyTorch reads, without a memo.

    Args:
        views: The view of each array, by its ``id``.
    """

    def __init__(self, views: Mapping[int, View]):
        self._views = views

    def whole(self, value: Any) -> bytes:
        """The whole pickle of a value.

        Raises:
            TypeError: It holds something that PyTorch's safe reader would refuse.
            ValueError: An integer is too large.
        """
        return _HEAD + self._value(value, "") + _STOP

    def _value(self, value: Any, where: str) -> bytes:
        if value is None:
            return b"N"
        if isinstance(value, bool | np.bool_):
            return b"\x88" if value else b"\x89"
        if isinstance(value, int | np.integer):
            return _integer(int(value))
        if isinstance(value, float | np.floating):
            return b"G" + struct.pack(">d", value)
        if isinstance(value, str):
            return _text(value)
        if isinstance(value, np.ndarray):
            return self._tensor(self._views[id(value)])
        if isinstance(value, Mapping):
            return self._mapping(value, where)
        if isinstance(value, list | tuple):
            items = b"".join(
                self._value(one, f"{where}[{index}]") for index, one in enumerate(value)
            )
            if isinstance(value, list):
                return b"]" + _MARK + items + b"e"
            return _MARK + items + _TUPLE
        raise TypeError(
            f"{where or 'the value'} is of type {_name(value)}: a PyTorch file holds "
            "arrays, numbers, strings, None, and lists, tuples and dictionaries of them"
        )

    def _mapping(self, value: Mapping[Any, Any], where: str) -> bytes:
        for key in value:
            if not isinstance(key, str | int | float):
                raise TypeError(
                    f"the key {key!r} {f'of {where} ' if where else ''}is of type "
                    f"{_name(key)}: keys are strings and numbers"
                )
        items = b"".join(
            self._value(key, where) + self._value(one, f"{where}[{key!r}]")
            for key, one in value.items()
        )
        filled = b"}" + _MARK + items + b"u"
        if isinstance(value, Counter):
            return _global("collections", "Counter") + filled + b"\x85" + _REDUCE
        if isinstance(value, OrderedDict):
            made = _global("collections", "OrderedDict") + b")" + _REDUCE
            return made + _MARK + items + b"u"
        return filled

    def _tensor(self, view: View) -> bytes:
        dtype, storage = view.storage.dtype, view.storage
        if dtype.storage is not None:
            kind, size = _global("torch", dtype.storage), storage.data.size
            rebuild, behind = "_rebuild_tensor_v2", b""
        else:
            kind = _global("torch.storage", "UntypedStorage")
            size = storage.data.nbytes
            rebuild, behind = "_rebuild_tensor_v3", _global("torch", dtype.torch)
        identity = (
            _MARK
            + _text("storage")
            + kind
            + _text(storage.key)
            + _text("cpu")
            + _integer(size)
            + _TUPLE
            + b"Q"
        )
        placed = _integer(view.offset) + _integers(view.shape) + _integers(view.strides)
        hooks = _global("collections", "OrderedDict") + b")" + _REDUCE
        arguments = _MARK + identity + placed + b"\x89" + hooks + behind + _TUPLE
        return _global("torch._utils", rebuild) + arguments + _REDUCE


def _name(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _integer(value: int) -> bytes:
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    if len(data) > _INTEGER_BYTES:
        raise ValueError(
            f"an integer of {value.bit_length()} bits is too large: at most "
            f"{8 * _INTEGER_BYTES - 1} are written"
        )
    return b"\x8a" + bytes([len(data)]) + data


def _integers(values: tuple[int, ...]) -> bytes:
    return _MARK + b"".join(map(_integer, values)) + _TUPLE


def _text(value: str) -> bytes:
    data = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(data)) + data


def _global(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()
