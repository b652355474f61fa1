# SPDX-License-Identifier: Apache-2.0
"""Another transformation for some of the parameters, chosen by name."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import optax

from flaxnn.optim._closure import calls_closure
from flaxnn.optim._names import dotted, fits, named_leaves, unmatched
from flaxnn.optim._parts import Part, require_transformation
from flaxnn.optim._scalars import Tree


@dataclass(frozen=True)
class Grouping:
    """Which group a name belongs to: the first whose pattern fits, then the default."""

    patterns: tuple[str, ...]
    has_default: bool

    def group(self, name: str) -> int | None:
        """The group's number, which is one past the patterns for the default."""
        for index, pattern in enumerate(self.patterns):
            if fits(name, pattern):
                return index
        return len(self.patterns) if self.has_default else None

    def check(self, names: Iterable[str]) -> None:
        """Raises unless every pattern takes a name and every name has a group."""
        names = list(names)
        groups = [self.group(name) for name in names]
        faults = [
            self._unused(pattern, names)
            for index, pattern in enumerate(self.patterns)
            if index not in groups
        ]
        left = [
            name for name, group in zip(names, groups, strict=True) if group is None
        ]
        if left:
            faults.append(
                f"no pattern matches {', '.join(left)}: pass a default for them"
            )
        if faults:
            raise ValueError("param_groups: " + "; ".join(faults))

    def _unused(self, pattern: str, names: list[str]) -> str:
        if any(fits(name, pattern) for name in names):
            return (
                f"every parameter that {pattern!r} matches belongs to an earlier "
                "pattern: the first match wins, so put it before"
            )
        return unmatched(pattern, names)

    def labels(self, tree: Tree) -> Tree:
        """The tree with its leaves' groups in place of the leaves."""
        return jax.tree_util.tree_map_with_path(
            lambda path, _: self.group(dotted(path)), tree
        )


@dataclass(frozen=True)
class GroupsUpdate:
    """The update of each group on its own parameters."""

    grouping: Grouping
    parts: tuple[Part, ...]

    def __call__(
        self, updates: Tree, state: Any, params: Tree = None, **extra: Any
    ) -> tuple[Tree, Any]:
        # Only the updates of these are used.
        parts: dict[Hashable, optax.GradientTransformation] = {
            index: optax.GradientTransformationExtraArgs(optax.identity().init, part)
            for index, part in enumerate(self.parts)
        }
        partition = optax.partition(parts, self.grouping.labels)
        return partition.update(updates, state, params, **extra)


@dataclass(frozen=True)
class _GroupsInit:
    """The state of each group, of its own parameters."""

    grouping: Grouping
    inits: tuple[Callable[..., Any], ...]

    def __call__(self, params: Tree) -> Any:
        self.grouping.check(named_leaves(params))
        # Only the inits of these are used.
        parts: dict[Hashable, optax.GradientTransformation] = {
            index: optax.GradientTransformation(init, optax.identity().update)
            for index, init in enumerate(self.inits)
        }
        return optax.partition(parts, self.grouping.labels).init(params)


def param_groups(
    groups: Mapping[str, optax.GradientTransformation],
    default: optax.GradientTransformation | None = None,
) -> optax.GradientTransformationExtraArgs:
    """Returns a transformation with other options for some of the parameters.

    Groups are numbered as they are written, the default last; `to_torch_state` gives
    them in that order. Equal groups are equal and hash equal.

    Args:
        groups: A transformation for each pattern of dotted names, such as
            ``"*.bias"`` or ``"head.*"``, as in Python's ``fnmatch``. The first
            pattern that matches a name has it. A module that a model holds under two
            names goes by the one that comes first in the alphabet.
        default: The transformation of every other parameter.

    Returns:
        A transformation whose state is optax's ``PartitionState``:
        ``state.inner_states[i].inner_state`` is the state of group ``i``.

    Raises:
        TypeError: A group is not an optax transformation.
        ValueError: A group's optimiser is `flaxnn.optim.lbfgs`; from ``init``, a
            pattern has no parameter, or a parameter has no group.

    Torch:
        ``torch.optim.SGD([{"params": …, "lr": …}, …])``, 2.13.0, T1, where the groups
        list their parameters; frozen ones are ``optax.set_to_zero()`` here.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn import optim
        >>> optimizer = param_groups(
        ...     {"*.bias": optim.sgd(lr=0.1)}, default=optim.sgd(lr=1.0)
        ... )
        >>> params = {"fc": {"weight": jnp.ones(1), "bias": jnp.ones(1)}}
        >>> updates, _ = optimizer.update(params, optimizer.init(params), params)
        >>> updates["fc"]
        {'bias': Array([-0.1], dtype=float32), 'weight': Array([-1.], dtype=float32)}
    """
    for pattern, transformation in groups.items():
        require_transformation(transformation, f"param_groups' {pattern!r}")
    if default is not None:
        require_transformation(default, "param_groups' default")
    parts = [*groups.values(), *([] if default is None else [default])]
    if any(calls_closure(part.update) for part in parts):
        raise ValueError(
            "LBFGS doesn't support per-parameter options (parameter groups): pass "
            "lbfgs alone, and leave parameters out with fit(freeze=…)"
        )
    grouping = Grouping(tuple(groups), default is not None)
    return optax.GradientTransformationExtraArgs(
        _GroupsInit(grouping, tuple(part.init for part in parts)),
        GroupsUpdate(grouping, tuple(Part.of(part) for part in parts)),
    )
