# SPDX-License-Identifier: Apache-2.0
"""Known mistakes, and the tests that have to catch them.

A file for each part of the package, with a tuple `MUTATIONS`; they are planted by
``python benchmarks/mutations.py``.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """A mistake and the tests that catch it.

    Attributes:
        name: What the mistake is.
        file: The file, from the root of the checkout.
        old: A text that stands in it once.
        new: What is put in its place.
        tests: Arguments of pytest that select the tests.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def listed() -> tuple[Mutation, ...]:
    """Returns every mutation of every list."""
    names = [found.name for found in pkgutil.iter_modules(__path__)]
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return tuple(mutation for module in modules for mutation in module.MUTATIONS)
