# SPDX-License-Identifier: Apache-2.0
"""What a diagnosis is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One thing that a person should know.

    Attributes:
        level: ``"error"`` for no results or wrong ones, ``"slow"`` for late ones or
            none in the end, ``"note"`` for what changes neither.
        what: What was found.
        do: What to do about it.
    """

    level: Literal["error", "slow", "note"]
    what: str
    do: str
