# SPDX-License-Identifier: Apache-2.0
"""Where in a model's forward pass an array is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Side = Literal["input", "output"]


class Place(NamedTuple):
    """Which call of which module: its name, and how many calls of it were before."""

    module: str
    turn: int


@dataclass(frozen=True, order=True)
class Spot:
    """One array at the border of a module: which call, which side, which of them."""

    place: Place
    side: Side
    index: int = 0
