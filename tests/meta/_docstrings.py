# SPDX-License-Identifier: Apache-2.0
"""What a docstring of a public name has to say, and which of it is not said."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

_HEADING = re.compile(r"^(\w+):$", re.MULTILINE)
_ENTRY = re.compile(r"^    (\*{0,2}\w+(?:, \*{0,2}\w+)*)(?: \([^)]*\))?:", re.MULTILINE)
_GRADE = re.compile(r"\bT[0-3]\b|\bexact\b")
_VERSION = re.compile(r"\b\d+\.\d+(?:\.\d+)?\b")
# "(N, C)", "any shape", "the input's shape", "scalar", "a number".
_SHAPE = re.compile(
    r"\([^()]*[,*…][^()]*\)|shape|scalar|number|dimension|broadcast|\b[Tt]he same\b"
    r"|[Ll]ike\b",
)
# An array by its annotation; where jaxtyping says the shape, that is enough.
_ARRAY = re.compile(r"^(?:\w+\.)*(?:ArrayLike|Array|ndarray|NDArray)\b")


def sections(docstring: str) -> dict[str, str]:
    """The parts of a Google-style docstring by heading; the text before is ''."""
    parts = _HEADING.split(docstring)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def entries(section: str) -> dict[str, str]:
    """The entries of a part such as `Args`, each with what is said of it."""
    found = list(_ENTRY.finditer(section))
    ends = [*(match.start() for match in found[1:]), len(section)][: len(found)]
    return {
        name.strip().lstrip("*"): section[match.end() : end]
        for match, end in zip(found, ends, strict=True)
        for name in match[1].split(",")
    }


def faults(value: object, *, torch: bool) -> Iterator[str]:
    """What the docstring of a public class or function leaves out.

    With `torch` it has to name a counterpart in PyTorch, with version and grade.
    """
    if str(value.__module__).startswith(("flax.", "optax.")):
        return  # Flax's own, under a name of ours.
    docstring = inspect.getdoc(value)
    if not docstring or not docstring.strip():
        yield "has no docstring"
        return
    parts = sections(docstring)
    if inspect.isclass(value):
        yield from _class_faults(value, parts)
    else:
        yield from _function_faults(value, parts)
    if torch:
        yield from _torch_faults(parts)


def _function_faults(value: Any, parts: dict[str, str]) -> Iterator[str]:
    signature = inspect.signature(value)
    yield from _argument_faults(signature, entries(parts.get("Args", "")))
    returns = str(signature.return_annotation)
    says = re.search(r"\b(?:[Rr]eturns|[Yy]ields)\b", parts[""])
    silent = returns == "None" or "[None" in returns
    if not silent and not {"Returns", "Yields"} & set(parts) and not says:
        yield "does not say what it returns"
    yield from _error_faults(value, parts)


def _class_faults(value: type, parts: dict[str, str]) -> Iterator[str]:
    told = entries(parts.get("Args", "")) | entries(parts.get("Attributes", ""))
    if dataclasses.is_dataclass(value):
        names = {field.name for field in dataclasses.fields(value) if field.init}
    elif "__init__" in vars(value):
        names = None
    else:
        names = set()
    if names is None:
        start = vars(value)["__init__"]
        yield from _argument_faults(inspect.signature(start), told)
        yield from _error_faults(start, parts)
    else:
        for name in sorted(names):
            if not name.startswith("_") and name not in told:
                yield f"does not say what {name} is"
    for name, method in vars(value).items():
        target = method.fget if isinstance(method, property) else method
        target = getattr(target, "__func__", target)
        if name.startswith("_") or not inspect.isfunction(target):
            continue
        docstring = inspect.getdoc(getattr(value, name))
        if not docstring:
            yield f"{name} has no docstring"
            continue
        for fault in _error_faults(target, sections(docstring)):
            yield f"{name} {fault}"


def _argument_faults(
    signature: inspect.Signature, told: dict[str, str]
) -> Iterator[str]:
    for parameter in signature.parameters.values():
        if parameter.name in ("self", "cls") or parameter.name.startswith("_"):
            continue
        if parameter.name not in told:
            yield f"does not say what {parameter.name} is"
            continue
        annotation = str(parameter.annotation)
        if _ARRAY.search(annotation) and not _SHAPE.search(told[parameter.name]):
            yield f"does not give the shape of {parameter.name}"


def _error_faults(function: Callable[..., Any], parts: dict[str, str]) -> Iterator[str]:
    told = entries(parts.get("Raises", ""))
    for error in sorted(_raised(function) - set(told)):
        yield f"does not say when it raises {error}"


def _raised(function: Callable[..., Any]) -> set[str]:
    """Names of the ValueErrors and TypeErrors that the body itself raises."""
    function = inspect.unwrap(function)
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError):
        return set()
    raised = {
        node.exc.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and isinstance(node.exc.func, ast.Name)
    }
    return raised & {"ValueError", "TypeError", "IndexError"}


def _torch_faults(parts: dict[str, str]) -> Iterator[str]:
    torch = parts.get("Torch")
    if torch is None:
        yield "has no part Torch:"
        return
    if not _VERSION.search(torch):
        yield "its part Torch: names no version"
    if not _GRADE.search(torch):
        yield "its part Torch: names no grade"
