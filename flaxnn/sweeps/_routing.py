# SPDX-License-Identifier: Apache-2.0
"""Which function takes which hyper-parameter."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True)
class Factory:
    """Makes a part of a run from some of its hyper-parameters.

    Attributes:
        role: What it makes: "build", "optimizer" or "schedule".
        function: A class or a function.
        names: What its arguments are called.
        takes_any: Whether it takes arguments of any name.
        takes_rngs: Whether one of them is ``rngs``.
    """

    role: str
    function: Callable[..., Any]
    names: tuple[str, ...]
    takes_any: bool
    takes_rngs: bool

    @classmethod
    def of(cls, role: str, function: Callable[..., Any]) -> Factory:
        """The factory behind an argument of `sweep`."""
        # A class of Flax has a constructor in its metaclass, without names.
        source = function.__init__ if inspect.isclass(function) else function
        found = inspect.signature(source).parameters
        names = [
            name
            for name, parameter in found.items()
            if parameter.kind in _NAMED
            and not (inspect.isclass(function) and name == "self")
        ]
        kinds = {parameter.kind for parameter in found.values()}
        takes_any = inspect.Parameter.VAR_KEYWORD in kinds
        return cls(
            role,
            function,
            tuple(name for name in names if name != "rngs"),
            takes_any,
            "rngs" in names or takes_any,
        )

    def __call__(self, configuration: Mapping[str, Any], **more: Any) -> Any:
        """What it makes of a configuration."""
        try:
            return self.function(**configuration, **more)
        except Exception as error:
            told = ", ".join(
                f"{name}={value!r}" for name, value in configuration.items()
            )
            error.add_note(f"This is {self.role}({told}) of the sweep.")
            raise


def routed(
    names: Iterable[str], factories: Iterable[Factory], options: Iterable[str]
) -> dict[str, str]:
    """The role of the factory that takes each hyper-parameter.

    Args:
        names: The hyper-parameters.
        factories: What may take them.
        options: Names of the sweep's own arguments, for an error's suggestion.

    Raises:
        TypeError: Names that nothing takes, or that two take: all of them are told.
    """
    factories = list(factories)
    roles: dict[str, str] = {}
    faults = []
    for name in names:
        takers = [f for f in factories if name in f.names]
        takers = takers or [f for f in factories if f.takes_any]
        if len(takers) == 1:
            roles[name] = takers[0].role
        elif takers:
            told = " and ".join(f.role for f in takers)
            faults.append(
                f"{name!r} is an argument of {told}: give one of them a function that "
                "calls it otherwise"
            )
        else:
            faults.append(_unknown(name, factories, options))
    if faults:
        raise TypeError("; ".join(faults))
    return roles


def _unknown(name: str, factories: list[Factory], options: Iterable[str]) -> str:
    known = [n for factory in factories for n in factory.names]
    near = difflib.get_close_matches(name, [*known, *options], 1)
    told = "; ".join(
        f"{factory.role} takes {', '.join(factory.names) or 'none'}"
        for factory in factories
    )
    hint = f": did you mean {near[0]!r}?" if near else ""
    return f"no hyper-parameter is called {name!r}{hint} ({told})"
