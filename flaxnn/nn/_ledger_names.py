# SPDX-License-Identifier: Apache-2.0
"""Which parameter a draw was for, in a Generator's ledger.

A layer's numbers are drawn before the layer has a place in a model. When a parameter is
registered, the draws behind it get its name; when a module is, the names of all its
parameters begin with the module's. Nothing is kept without a ledger.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

from flax import nnx

from flaxnn.init._source import CONSUMER, last_noted
from flaxnn.random import Draw

# In front of a parameter's name.
PARAMETER = "parameter "

# Of each module's own parameters: the ledger, and the places of their draws in it.
_drawn: WeakKeyDictionary[Any, dict[str, tuple[list[Draw], tuple[int, ...]]]] = (
    WeakKeyDictionary()
)


def name_draws(module: Any, name: str, variable: nnx.Variable[Any]) -> None:
    """Gives the newest draws of initial values the name of the parameter they fill."""
    generator = last_noted()
    if generator is None or not generator.ledger:
        return
    places = _newest(generator.ledger, math.prod(getattr(variable, "shape", ())))
    if places:
        _drawn.setdefault(module, {})[name] = generator.ledger, places
        _call(generator.ledger, places, name)


def rename_draws(modules: Iterable[tuple[str, Any]]) -> None:
    """Gives draws the names that their parameters have in a larger module.

    Args:
        modules: Its submodules, each behind what the names of its parameters begin
            with.
    """
    if not _drawn:
        return
    seen: set[int] = set()
    for prefix, module in modules:
        # A module that is shared has the first of its names.
        if id(module) not in seen:
            seen.add(id(module))
            for name, (ledger, places) in _drawn.get(module, {}).items():
                _call(ledger, places, f"{prefix}{name}")


def _call(ledger: list[Draw], places: tuple[int, ...], name: str) -> None:
    for place in places:
        draw = ledger[place]
        around, slash, _ = (draw.consumer or "").rpartition("/")
        ledger[place] = replace(draw, consumer=f"{around}{slash}{PARAMETER}{name}")


def _newest(ledger: list[Draw], count: int) -> tuple[int, ...]:
    """The last unnamed draws of initial values, until they are so many numbers."""
    places: list[int] = []
    numbers = 0
    for place in reversed(range(len(ledger))):
        draw = ledger[place]
        unnamed = (draw.consumer or "").rpartition("/")[2] == CONSUMER
        drawn = math.prod(draw.shape)
        # A constant takes no draw: what was drawn before it is of something else.
        if not unnamed or drawn > count or numbers >= count:
            break
        places.append(place)
        numbers += drawn
    return tuple(places) if numbers >= count else ()
