# SPDX-License-Identifier: Apache-2.0
"""What the globals of a pickle stand for: a table of names, and nothing else.

No name is ever imported. A name leads to a function of this module, which checks its
arguments and makes plain data, or to an error that says what to save instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from flaxnn.interop._dtypes import BY_STORAGE, BY_TORCH, refuse_dtype
from flaxnn.interop._errors import FileFormatError
from flaxnn.interop._numpy_pickles import frombuffer, make_dtype, reconstruct, scalar
from flaxnn.interop._tensors import Piece, StorageClass

if TYPE_CHECKING:
    from flaxnn.interop._unpickle import Machine

# Bytes of memory for an array and its shape.
_ARRAY = 250


class Callee(NamedTuple):
    """A global that a pickle may call."""

    name: str
    call: Callable[[Machine, tuple], object]


class TypeName(NamedTuple):
    """A global that a pickle may only hand on as an argument."""

    name: str


def _refused(name: str) -> FileFormatError:
    return FileFormatError(f"the pickle calls {name} with arguments it does not take")


def _rebuild_tensor(machine: Machine, args: tuple) -> object:
    match args:
        case (Piece() as piece, int(offset), tuple(shape), tuple(strides)):
            machine.charge(_ARRAY + 16 * len(shape))
            return machine.tensors.tensor(piece, offset, shape, strides)
    raise _refused("_rebuild_tensor")


def _rebuild_tensor_v2(machine: Machine, args: tuple) -> object:
    if len(args) not in (6, 7):
        raise _refused("_rebuild_tensor_v2")
    return _rebuild_marked(machine, args[:4], None, *args[6:])


def _rebuild_tensor_v3(machine: Machine, args: tuple) -> object:
    if len(args) not in (7, 8) or not isinstance(args[6], np.dtype):
        raise _refused("_rebuild_tensor_v3")
    return _rebuild_marked(machine, args[:4], args[6], *args[7:])


def _rebuild_marked(
    machine: Machine, args: tuple, dtype: np.dtype | None, marks: object = None
) -> object:
    """Returns a tensor that may be marked as the conjugate or negative of its data."""
    match args:
        case (Piece() as piece, int(offset), tuple(shape), tuple(strides)):
            pass
        case _:
            raise _refused("_rebuild_tensor_v2")
    marks = {} if marks is None else marks
    if type(marks) is not dict or not marks.keys() <= {"conj", "neg"}:
        raise FileFormatError("a tensor has metadata that are not known")
    machine.charge(_ARRAY + 16 * len(shape))
    conj, neg = marks.get("conj") is True, marks.get("neg") is True
    return machine.tensors.tensor(
        piece, offset, shape, strides, dtype=dtype, conj=conj, neg=neg
    )


def _rebuild_parameter(_machine: Machine, args: tuple) -> object:
    if len(args) in (3, 4) and type(args[0]) is np.ndarray:
        return args[0]
    raise _refused("_rebuild_parameter")


def _rebuild_from_type(machine: Machine, args: tuple) -> object:
    """A tensor with attributes of its own, which are dropped: a Buffer has one."""
    match args:
        case (Callee() as callee, TypeName() as kind, tuple(inner), _):
            if callee.name.startswith("torch._utils._rebuild") and (
                kind.name in _TENSOR_TYPES
            ):
                return callee.call(machine, inner)
    raise _refused("_rebuild_from_type_v2")


def _ordered_dict(machine: Machine, args: tuple) -> object:
    result: dict = {}
    match args:
        case ():
            pass
        case ([*pairs],):
            for pair in pairs:
                if type(pair) not in (list, tuple) or len(pair) != 2:
                    raise _refused("OrderedDict")
                machine.set_item(result, pair[0], pair[1])
        case _:
            raise _refused("OrderedDict")
    machine.charge(100)
    return result


def _counter(machine: Machine, args: tuple) -> object:
    match args:
        case () | ({},):
            result: dict = {}
            for key, value in (args[0] if args else result).items():
                machine.set_item(result, key, value)
            return result
    raise _refused("Counter")


def _defaultdict(machine: Machine, args: tuple) -> object:
    match args:
        case () | (None,) | (TypeName() | Callee(),):
            machine.charge(200)
            return {}
    raise _refused("defaultdict")


def _set(machine: Machine, args: tuple) -> set:
    result: set = set()
    machine.charge(240)
    match args:
        case () | ([*_],) | (set() | frozenset(),):
            for item in args[0] if args else ():
                machine.add_item(result, item)
            return result
    raise _refused("set")


def _frozenset(machine: Machine, args: tuple) -> object:
    return frozenset(_set(machine, args))


def _bytes(machine: Machine, args: tuple) -> bytes:
    """`bytes()`, and text that stands for bytes, as in protocols below 3."""
    match args:
        case ():
            return b""
        case (bytes(raw),):
            return raw
        case (str(text), str(codec)) if codec in ("latin1", "latin-1"):
            machine.charge(64 + len(text))
            try:
                return text.encode("latin1")
            except UnicodeEncodeError:
                raise _refused("bytes") from None
    raise _refused("bytes")


def _bytearray(machine: Machine, args: tuple) -> object:
    raw = _bytes(machine, args)
    machine.charge(64 + len(raw))
    return bytearray(raw)


def _complex(_machine: Machine, args: tuple) -> object:
    match args:
        case (float(real), float(imaginary)):
            return complex(real, imaginary)
    raise _refused("complex")


def _size(machine: Machine, args: tuple) -> object:
    match args:
        case ([*lengths],):
            machine.charge(64 + 8 * len(lengths))
            return tuple(lengths)
    raise _refused("torch.Size")


def _device(_machine: Machine, args: tuple) -> object:
    match args:
        case (str(kind),):
            return kind
        case (str(kind), int(index)):
            return f"{kind[:64]}:{index}"
    raise _refused("torch.device")


_TENSOR_TYPES = (
    "torch.Tensor",
    "torch._tensor.Tensor",
    "torch.nn.parameter.Parameter",
    "torch.nn.parameter.Buffer",
)

_CALLS: dict[str, Callable[[Machine, tuple], object]] = {
    "torch._utils._rebuild_tensor": _rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor_v2,
    "torch._utils._rebuild_tensor_v3": _rebuild_tensor_v3,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": _rebuild_parameter,
    "torch._tensor._rebuild_from_type_v2": _rebuild_from_type,
    "torch.Size": _size,
    "torch.device": _device,
    "collections.OrderedDict": _ordered_dict,
    "collections.Counter": _counter,
    "collections.defaultdict": _defaultdict,
    "_codecs.encode": _bytes,
    **{
        f"{module}.{name}": call
        for module in ("builtins", "__builtin__")
        for name, call in {
            "set": _set,
            "frozenset": _frozenset,
            "bytes": _bytes,
            "bytearray": _bytearray,
            "complex": _complex,
        }.items()
    },
    "numpy.dtype": make_dtype,
    **{
        f"numpy.{core}.{name}": call
        for core in ("core", "_core")
        for name, call in {
            "multiarray.scalar": scalar,
            "multiarray._reconstruct": reconstruct,
            "numeric._frombuffer": frombuffer,
        }.items()
    },
}

_TYPES = (
    *_TENSOR_TYPES,
    "numpy.ndarray",
    *(
        f"{module}.{name}"
        for module in ("builtins", "__builtin__")
        for name in ("list", "dict", "int", "float", "str", "bool", "tuple")
    ),
)

_TABLE: dict[str, object] = {
    **{name: Callee(name, call) for name, call in _CALLS.items()},
    **{name: TypeName(name) for name in _TYPES},
    **{f"torch.{name}": row.numpy for name, row in BY_TORCH.items()},
    **{
        f"{module}.{name}": StorageClass(name, row.numpy)
        for module in ("torch", "torch.cuda", "torch.storage")
        for name, row in BY_STORAGE.items()
    },
    **{
        f"{module}.{name}": StorageClass(name, BY_TORCH["uint8"].numpy)
        for module in ("torch", "torch.storage")
        for name in ("UntypedStorage", "_UntypedStorage")
    },
}

_DTYPE = re.compile(r"complex32|(quint|qint|bits|float|u?int)\w*|\w+Storage")
_INSTEAD = {
    "torch._utils._rebuild_sparse_tensor": "a sparse tensor: save tensor.to_dense()",
    "torch._utils._rebuild_qtensor": "a quantized tensor: save tensor.dequantize()",
    "torch._utils._rebuild_nested_tensor": "a nested tensor: save tensor.unbind()",
    "torch._utils._rebuild_meta_tensor_no_storage": (
        "a tensor of the meta device, which has no data: save a real one"
    ),
}


def resolve(module: str, name: str) -> object:
    """Returns what a global stands for.

    Args:
        module: The module's name.
        name: The name in it.

    Returns:
        A `Callee`, a `TypeName`, a `StorageClass` or a NumPy dtype.

    Raises:
        FileFormatError: The table has no such name.
    """
    full = f"{module}.{name}"
    found = _TABLE.get(full)
    if found is not None:
        return found
    if full in _INSTEAD:
        raise FileFormatError(f"the file holds {_INSTEAD[full]} in PyTorch instead")
    if module in ("torch", "torch.cuda", "torch.storage") and _DTYPE.fullmatch(name):
        raise refuse_dtype(name)
    raise FileFormatError(
        f"the pickle asks for {full[:200]!r}, which is no tensor, number or container, "
        "and nothing that a file names is run. Where a whole model or object of a "
        "program was saved, load it in PyTorch, if you trust it, and save "
        "model.state_dict() instead"
    )
