# SPDX-License-Identifier: Apache-2.0
"""Options that a table gives to what it names, held to its signature."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

from flaxnn.runs._keys import is_number
from flaxnn.runs._nearest import did_you_mean

# What the run itself passes to a constructor.
_OWN = ("self", "rngs")


def parameters(factory: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The arguments that a configuration can give, by name."""
    # Flax's modules have a metaclass, whose signature would be found.
    target = factory.__init__ if isinstance(factory, type) else factory
    found = inspect.signature(target).parameters
    return {name: each for name, each in found.items() if name not in _OWN}


def option_faults(
    table: str,
    name: str,
    factory: Callable[..., Any],
    options: Mapping[str, Any],
    *,
    inferred: Collection[str] = (),
) -> list[str]:
    """What is wrong with options, each in a line that begins with its key.

    Args:
        table: The table of the configuration.
        name: What it names.
        factory: What takes the options.
        options: By name.
        inferred: Arguments that are found out later where they are not given.
    """
    known = parameters(factory)
    kinds = {each.kind for each in known.values()}
    faults = []
    for option, value in options.items():
        if option not in known and inspect.Parameter.VAR_KEYWORD not in kinds:
            names = [n for n, p in known.items() if p.kind is not p.VAR_POSITIONAL]
            faults.append(
                f"{table}.{option}: {name} has no such argument; "
                f"{did_you_mean(option, names)}"
            )
        elif option in known and (fault := _fault(value, known[option].default)):
            faults.append(f"{table}.{option}: {fault}")
    for option, each in known.items():
        variable = each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
        needed = each.default is each.empty and not variable
        if needed and option not in options and option not in inferred:
            faults.append(
                f"{table}.{option}: {name} needs it, and it is not given; "
                f"--set {table}.{option}=VALUE gives it"
            )
    return faults


def call_faults(
    table: str, factory: Callable[..., Any], options: Mapping[str, Any]
) -> list[str]:
    """What a factory itself says of options of the right names and types."""
    try:
        factory(**as_arguments(options))
    except (ValueError, TypeError, IndexError) as error:
        return [f"{table}: {error}"]
    return []


def as_arguments(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as arguments: TOML has lists where PyTorch has tuples."""
    return {name: _tuples(value) for name, value in options.items()}


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _fault(value: Any, default: Any) -> str | None:
    """What is wrong with a value beside an argument's default."""
    if bad := _not_finite(value):
        return f"expected finite numbers, got {bad}"
    if isinstance(default, bool):
        return None if isinstance(value, bool) else _got("true or false", value)
    if is_number(default):
        # Some take a number for each group of parameters.
        fits = is_number(value) or isinstance(value, list | tuple)
        return None if fits else _got("a number", value)
    if isinstance(default, str):
        return None if isinstance(value, str) else _got("a text", value)
    if isinstance(default, tuple):
        fits = (
            isinstance(value, list | tuple)
            and len(value) == len(default)
            and all(is_number(each) for each in value)
        )
        return None if fits else _got(f"a list of {len(default)} numbers", value)
    return None


def _not_finite(value: Any) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, list | tuple):
        return next((bad for each in value if (bad := _not_finite(each))), None)
    return None


def _got(expected: str, value: Any) -> str:
    return f"expected {expected}, got {value!r}"
