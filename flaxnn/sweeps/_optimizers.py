# SPDX-License-Identifier: Apache-2.0
"""The lanes' optimisers: as few different programs as their numbers allow."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import optax

from flaxnn.optim._scalars import Present
from flaxnn.sweeps._routing import Factory

Configuration = Mapping[str, Any]


def optimizers_of(
    factory: Factory, configurations: Sequence[Configuration]
) -> list[optax.GradientTransformation]:
    """An optimiser for each configuration.

    Those whose ``update`` is equal run in one program. Where some values of a number
    are zero and others are not, the term takes part in all of them. The numbers of an
    optimiser that compares unequal to itself, such as one of optax, are put into its
    state.

    Args:
        factory: Makes one from its hyper-parameters.
        configurations: Those hyper-parameters, for each.

    Raises:
        TypeError: What the factory makes is no optimiser.
    """
    plain = [factory(configuration) for configuration in configurations]
    if not hasattr(plain[0], "update"):
        raise TypeError(
            "optimizer must make an optax transformation, such as flaxnn.optim.sgd "
            f"does, got {type(plain[0]).__name__}"
        )
    if _programs(plain) == 1:
        return plain
    if factory(configurations[0]).update != plain[0].update:
        return _with_numbers_in_state(factory, configurations)
    mixed = [
        name
        for name in configurations[0]
        if _is_mixed([c[name] for c in configurations])
    ]
    if not mixed:
        return plain
    # The plain ones were made, so nothing that they refuse gets here.
    present = [
        factory({**c, **{name: Present(c[name]) for name in mixed}})
        for c in configurations
    ]
    return present if _programs(present) < _programs(plain) else plain


def _programs(optimizers: Sequence[optax.GradientTransformation]) -> int:
    different: list[Any] = []
    for optimizer in optimizers:
        if optimizer.update not in different:
            different.append(optimizer.update)
    return len(different)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _is_mixed(values: Sequence[Any]) -> bool:
    """Whether these are numbers, of which some are zero and some are not."""
    return all(map(_is_number, values)) and len({value == 0 for value in values}) == 2


def _with_numbers_in_state(
    factory: Factory, configurations: Sequence[Configuration]
) -> list[optax.GradientTransformation]:
    swept = [
        name
        for name in configurations[0]
        if all(_is_number(c[name]) for c in configurations)
        and len({c[name] for c in configurations}) > 1
    ]
    # The others stay what Python and XLA know, as they are in a run alone.
    static = [name for name in factory.names if name not in swept]
    inject: Callable[..., Any] = optax.inject_hyperparams(
        factory.function, static_args=static
    )
    shared: dict[Any, Any] = {}
    optimizers = []
    for configuration in configurations:
        # One dtype for all lanes, also where [1, 0.1] is meant.
        values = {name: float(configuration[name]) for name in swept}
        made = inject(**{**configuration, **values})
        # The values of a configuration are the very objects of the space.
        key = tuple(id(configuration[n]) for n in configuration if n not in swept)
        update = shared.setdefault(key, made.update)
        optimizers.append(optax.GradientTransformationExtraArgs(made.init, update))
    return optimizers
