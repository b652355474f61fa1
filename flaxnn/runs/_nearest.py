# SPDX-License-Identifier: Apache-2.0
"""Names as people write them: PyTorch's spelling, and the name that was meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

# Longer lists help nobody who has been told what he meant.
_MANY = 15


def squeezed(name: str) -> str:
    """A name without what spellings differ in: ``StepLR`` and ``step_lr`` are one."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def find(name: str, names: Iterable[str]) -> str | None:
    """The one of some names that is spelled so or alike, None where there is none."""
    names = tuple(names)
    if name in names:
        return name
    return {squeezed(one): one for one in names}.get(squeezed(name))


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """The end of an error on an unknown name: the nearest, or else all names."""
    names = tuple(names)
    alike = {squeezed(one): one for one in names}
    close = difflib.get_close_matches(squeezed(name), alike, n=1, cutoff=0.5)
    if close:
        meant = f"did you mean {alike[close[0]]!r}?"
        return meant if len(names) > _MANY else f"{meant} There are {', '.join(names)}"
    return f"there are {', '.join(names)}" if names else "there are none"
