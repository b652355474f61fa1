# SPDX-License-Identifier: Apache-2.0
"""Attributes of a package that are imported at their first use (PEP 562).

Packages bind them under ``if not TYPE_CHECKING``: a type checker that sees a
``__getattr__`` takes any misspelt name.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Collection, Mapping


def attach(
    package: str, subpackages: Collection[str], names: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Returns the `__getattr__` and `__dir__` of a package with lazy attributes.

    Args:
        package: The package's `__name__`.
        subpackages: Subpackages that are imported when they are first touched.
        names: The other public names, each with the module that defines it.

    Returns:
        The two functions, to be bound at the package's top level. A name that has
        been resolved is stored in the package, so it costs one import once.

    Raises:
        ValueError: A name is also a subpackage. Importing that subpackage would
            silently replace the name, in whichever order the two happen.
    """
    clashes = sorted(set(names) & set(subpackages))
    if clashes:
        raise ValueError(f"lazy names of {package} that are subpackages too: {clashes}")

    def load(name: str) -> object:
        if name in subpackages:
            return importlib.import_module(f"{package}.{name}")
        if name in names:
            value = getattr(importlib.import_module(names[name]), name)
            setattr(sys.modules[package], name, value)
            return value
        # With `name` and `obj` given, Python's traceback adds "Did you mean: …?".
        raise AttributeError(
            f"module {package!r} has no attribute {name!r}",
            name=name,
            obj=sys.modules[package],
        )

    def listing() -> list[str]:
        return sorted({*vars(sys.modules[package]), *subpackages, *names})

    return load, listing
