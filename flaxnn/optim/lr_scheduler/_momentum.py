# SPDX-License-Identifier: Apache-2.0
"""The momentum, or beta1, that goes down while the learning rate goes up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax

from flaxnn.optim._scalars import Scalars
from flaxnn.optim.lr_scheduler._groups import Groups, PerGroup, between, per_group, real

_BOUNDS = ("base_momentum", "max_momentum")
# Before the names of a group's bounds where the optimiser keeps 1 - β, which has more
# digits; PyTorch too takes beta1 before a momentum.
_PREFIXES = {"one_minus_beta1": "one_minus_", "momentum": ""}


def bounds_of(base: PerGroup, largest: PerGroup) -> tuple[tuple[str, Any], ...]:
    """Both bounds, and their complements formed in double precision."""
    bounds = tuple(zip(_BOUNDS, (real(base), real(largest)), strict=True))
    complements = ((f"one_minus_{name}", _complement(value)) for name, value in bounds)
    return (*bounds, *complements)


def _complement(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_complement, value))
    return 1 - value


def with_bounds(groups: Groups, numbers: Mapping[str, jax.Array]) -> Groups:
    """The groups at their largest momentum, with both bounds written beside it."""
    for name in _BOUNDS:
        per_group(name, numbers[name], groups)
    new = []
    for index, group in enumerate(groups):
        place = _place(group)
        if place is None:
            raise ValueError(
                "optimizer must support momentum or beta1 with `cycle_momentum` option "
                "enabled: pass cycle_momentum=False, or give an optimiser built with "
                "momentum=0, which keeps no buffer, some momentum"
            )
        names = [f"{_PREFIXES[place]}{name}" for name in _BOUNDS]
        own = {name: per_group(name, numbers[name], groups)[index] for name in names}
        new.append({**group, **own, place: own[names[1]]})
    return tuple(new)


def with_momentum(
    groups: Groups, bounds: Sequence[Scalars], weight: jax.Array
) -> Groups:
    """The groups with the momentum that has come ``weight`` of its way down."""
    new = []
    for group, bound in zip(groups, bounds, strict=True):
        place = _place(group)
        assert place is not None, "with_bounds has been called before"
        base, largest = (bound[f"{_PREFIXES[place]}{name}"] for name in _BOUNDS)
        momentum = between(largest, base, weight).astype(group[place].dtype)
        new.append({**group, place: momentum})
    return tuple(new)


def _place(group: Scalars) -> str | None:
    """Where the optimiser of a group keeps its momentum."""
    return next((name for name in _PREFIXES if name in group), None)
