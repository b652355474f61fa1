# SPDX-License-Identifier: Apache-2.0
"""Pickles that run code in Python's own unpickler: each makes the directory `ran`."""

from __future__ import annotations

from tests.unit.interop.crafted import integer, persistent, text

RAN = "ran"
COMMAND = text(f"mkdir {RAN}")
SOURCE = text(f"import os; os.mkdir({RAN!r})")
EXPRESSION = text(f"__import__('os').mkdir({RAN!r})")


def name(module: str, attribute: str) -> bytes:
    """The opcodes that push a global."""
    return f"c{module}\n{attribute}\n".encode()


def call(callee: bytes, *args: bytes) -> bytes:
    """The opcodes that call what others push."""
    return callee + b"(" + b"".join(args) + b"tR"


def dotted(module: str, path: str) -> bytes:
    """The opcodes that push an attribute of an attribute (protocol 4)."""
    return text(module) + text(path) + b"\x93"


SYSTEM = call(name("os", "system"), COMMAND)
_PARTIAL = name("functools", "partial")
_GETATTR = name("builtins", "getattr")

# What runs with the standard library and NumPy alone; the tests show that it does.
LIVE = {
    "os.system": SYSTEM,
    "posix.system": call(name("posix", "system"), COMMAND),
    "subprocess": call(
        name("subprocess", "check_call"), b"](" + text("mkdir") + text(RAN) + b"e"
    ),
    "eval": call(name("builtins", "eval"), EXPRESSION),
    "exec": call(name("builtins", "exec"), SOURCE),
    "getattr chain": call(
        call(
            _GETATTR,
            call(name("importlib", "import_module"), text("os")),
            text("mkdir"),
        ),
        text(RAN),
    ),
    "getattr chain from an allowed module": call(
        call(
            _GETATTR,
            call(dotted("collections", "_sys.modules.get"), text("os")),
            text("mkdir"),
        ),
        text(RAN),
    ),
    "dotted name": call(dotted("os", "path.os.mkdir"), text(RAN)),
    "INST": b"(" + COMMAND + b"ios\nsystem\n",
    "OBJ": b"(" + name("os", "system") + COMMAND + b"o",
    "NEWOBJ": _PARTIAL + b"(" + name("os", "system") + COMMAND + b"t\x81)R",
    "NEWOBJ_EX": (
        _PARTIAL
        + b"("
        + name("os", "mkdir")
        + b"t}"
        + text("path")
        + text(RAN)
        + b"s\x92)R"
    ),
    "map": call(
        name("builtins", "list"),
        call(name("builtins", "map"), name("os", "mkdir"), text(RAN) + b"\x85"),
    ),
    "__setstate__": (
        name("types", "SimpleNamespace")
        + b")\x81}"
        + text("__setstate__")
        + name("os", "mkdir")
        + b"sb"
        + text(RAN)
        + b"b"
    ),
    "runpy": call(name("runpy", "_run_code"), SOURCE, b"}"),
    "timeit": call(
        name("timeit", "timeit"),
        SOURCE,
        text("pass"),
        name("time", "perf_counter"),
        integer(1),
    ),
    "pickle in a pickle": call(
        name("_pickle", "loads"), b"C" + bytes([len(SYSTEM) + 1]) + SYSTEM + b"."
    ),
    "NumPy's runstring": call(
        name("numpy.testing._private.utils", "runstring"), SOURCE, b"}"
    ),
    "NumPy's f2py": call(
        name("numpy.f2py.crackfortran", "myeval"),
        text(f"__import__('os').mkdir({RAN!r}) or 1"),
    ),
    "array of objects": (
        name("numpy._core.multiarray", "_reconstruct")
        + name("numpy", "ndarray")
        + integer(0)
        + b"\x85C\1b\x87R(K\1K\1\x85"
        + call(name("numpy", "dtype"), text("O"))
        + b"\x89]"
        + SYSTEM
        + b"atb"
    ),
}

_TENSOR = name("torch", "Tensor")
# What needs PyTorch, a network or Python 2 to run, or misuses what is allowed.
OTHER = {
    "eval of Python 2": call(name("__builtin__", "eval"), EXPRESSION),
    "torch's execWrapper": call(
        name("torch.jit.unsupported_tensor_ops", "execWrapper"), SOURCE, b"}}"
    ),
    "torch.load": call(name("torch", "load"), text("a.pt"), b"NNN\x89"),
    "torch.hub": call(name("torch.hub", "load"), text("user/project"), text("model")),
    "hooks of a tensor": call(
        name("torch._utils", "_rebuild_tensor_v2"),
        persistent(),
        b"K\0K\4\x85K\1\x85\x89](",
        SYSTEM,
        b"e",
    ),
    "type of a tensor": call(
        name("torch._tensor", "_rebuild_from_type_v2"),
        name("os", "system"),
        _TENSOR,
        COMMAND + b"\x85",
        b"}",
    ),
    "type of a tensor by an allowed function": call(
        name("torch._tensor", "_rebuild_from_type_v2"),
        name("_codecs", "encode"),
        _TENSOR,
        text("a") + text("latin1") + b"\x86",
        b"}",
    ),
    "module of a program": name("torch.nn.modules.linear", "Linear") + b")\x81",
    "allowed function with another codec": call(
        name("_codecs", "encode"), text("a"), text("rot13")
    ),
    "allowed type that is called": call(name("builtins", "dict")),
    "allowed function on a bound method": call(
        dotted("torch._utils", "_rebuild_tensor_v2.__globals__.get"), text("sys")
    ),
    "extension": b"\x82\1",
    "buffer outside": b"\x97",
}
