"""The momentum, or beta1, that goes down while the learning rate goes up."""

from __future__ import annotations

from collections.abc import Sequence

import jax

from flaxnn.optim._scalars import Scalars, as_traced
from flaxnn.optim.lr_scheduler._groups import (
    Groups,
    PerGroup,
    between,
    per_group,
)

# Where optimisers keep it; a decay rate is kept as 1 - β, which keeps its digits.
_PLACES = {"momentum": "", "beta1": "", "one_minus_beta1": "one_minus_"}


def with_bounds(groups: Groups, base: PerGroup, largest: PerGroup) -> Groups:
    """The groups at their largest momentum, with both bounds written beside it."""
    bounds = zip(
        groups,
        per_group("base_momentum", base, groups),
        per_group("max_momentum", largest, groups),
        strict=True,
    )
    new = []
    for group, low, high in bounds:
        places = {name: _PLACES[name] for name in group if name in _PLACES}
        if not places:
            raise ValueError(
                "optimizer must support momentum or beta1 with `cycle_momentum` option "
                "enabled: pass cycle_momentum=False, or give an optimiser built with "
                "momentum=0, which keeps no buffer, some momentum"
            )
        ends = {"base_momentum": low, "max_momentum": high}
        written = {
            f"{prefix}{name}": 1 - value if prefix else value
            for prefix in places.values()
            for name, value in ends.items()
        }
        traced = as_traced(**written)
        tops = {k: traced[f"{prefix}max_momentum"] for k, prefix in places.items()}
        new.append({**group, **traced, **tops})
    return tuple(new)


def with_momentum(
    groups: Groups, bounds: Sequence[Scalars], weight: jax.Array
) -> Groups:
    """The groups with the momentum that has come ``weight`` of its way down."""
    return tuple(
        {
            **group,
            **{
                name: between(
                    bound[f"{prefix}max_momentum"],
                    bound[f"{prefix}base_momentum"],
                    weight,
                ).astype(group[name].dtype)
                for name, prefix in _PLACES.items()
                if name in group
            },
        }
        for group, bound in zip(groups, bounds, strict=True)
    )
