# SPDX-License-Identifier: Apache-2.0
"""The state of a scheduler in PyTorch's schema, there and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn.optim._scalars import shortest
from flaxnn.optim.lr_scheduler._chained import ChainedScheduler
from flaxnn.optim.lr_scheduler._cosine import CosineAnnealingWarmRestarts
from flaxnn.optim.lr_scheduler._factors import FactorRule
from flaxnn.optim.lr_scheduler._groups import Groups, vector
from flaxnn.optim.lr_scheduler._plateau import PlateauState, ReduceLROnPlateau
from flaxnn.optim.lr_scheduler._rule import EpochState, Rule
from flaxnn.optim.lr_scheduler._sequential import SequentialLR
from flaxnn.optim.lr_scheduler._swa import SWALR
from flaxnn.optim.lr_scheduler._torch_options import OPTIONS, Current, Saved, Values

_COUNTS = ("last_epoch", "num_bad_epochs", "cooldown_counter")


def to_torch(rule: Rule, state: Any, groups: Groups) -> Values:
    """What PyTorch's ``scheduler.state_dict()`` has.

    Args:
        rule: The scheduler's rule.
        state: Its state.
        groups: The hyper-parameters of the optimiser's groups.
    """
    lrs = _plain(vector(groups, "lr"))
    if isinstance(rule, ChainedScheduler | SequentialLR):
        parts = [
            to_torch(part, one, groups)
            for part, one in zip(rule.rules, state.schedulers, strict=True)
        ]
        if isinstance(rule, ChainedScheduler):
            return {"_last_lr": lrs, "_schedulers": parts}
        return {
            "_milestones": _plain(state.milestones),
            "last_epoch": int(state.last_epoch),
            "_last_lr": lrs,
            "_schedulers": parts,
        }
    if isinstance(rule, ReduceLROnPlateau):
        return _plateau(rule, state, lrs)
    epoch = int(state.last_epoch)
    now = Current(rule, _plain(state.numbers), groups, epoch)
    # This one has a step of its own in PyTorch, which does not count.
    uncounted = isinstance(rule, CosineAnnealingWarmRestarts)
    common = {
        "base_lrs": _plain(state.base_lrs),
        "last_epoch": epoch,
        "_step_count": 0 if uncounted else epoch + 1,
        "_is_initial": False,
        "_get_lr_called_within_step": False,
        "_last_lr": _plain(rule.rates(state, groups)) if rule.stateless else lrs,
    }
    options = OPTIONS[type(rule)]
    own = options.write(now)
    behind = {name: own.pop(name) for name in options.behind}
    return {**own, **common, **behind}


def from_torch(saved: Saved, rule: Rule, template: Any, groups: Groups) -> Any:
    """The state that PyTorch's ``scheduler.state_dict()`` stands for.

    Args:
        saved: The dictionary.
        rule: The rule of a scheduler like that one.
        template: A state of this scheduler.
        groups: The hyper-parameters of the optimiser's groups, loaded.

    Raises:
        ValueError: It is another scheduler's, or one with other static options.
    """
    name = type(rule).__name__
    try:
        if isinstance(rule, ChainedScheduler | SequentialLR):
            return _composed(saved, rule, template, groups)
        if isinstance(rule, ReduceLROnPlateau):
            return _read_plateau(saved, rule, template)
        return _counting(saved, rule, template, groups)
    except KeyError as missing:
        raise ValueError(
            f"this is not the state of {name}: it has no {missing}, but "
            f"{', '.join(map(repr, saved))}"
        ) from None


def _composed(saved: Saved, rule: Any, template: Any, groups: Groups) -> Any:
    parts = saved["_schedulers"]
    if len(parts) != len(rule.rules):
        raise ValueError(
            f"{type(rule).__name__} has {len(parts)} schedulers there, "
            f"{len(rule.rules)} here"
        )
    states = tuple(
        from_torch(one, part, state, groups)
        for one, part, state in zip(parts, rule.rules, template.schedulers, strict=True)
    )
    if isinstance(rule, ChainedScheduler):
        return template._replace(schedulers=states)
    return template._replace(
        last_epoch=_like(template.last_epoch, saved["last_epoch"], "last_epoch"),
        milestones=_like(template.milestones, saved["_milestones"], "_milestones"),
        schedulers=states,
    )


def _counting(saved: Saved, rule: Rule, template: EpochState, groups: Groups) -> Any:
    options = OPTIONS[type(rule)]
    _require_same(rule, options.static(saved))
    numbers = options.read(saved)
    # PyTorch counts the calls of this one's step beside its epochs.
    count = saved["_step_count"] - 1 if isinstance(rule, SWALR) else saved["last_epoch"]
    base_lrs = _like(template.base_lrs, saved["base_lrs"], "base_lrs")
    state = EpochState(
        _like(template.last_epoch, count, "last_epoch"),
        base_lrs,
        base_lrs,
        _numbers_like(template.numbers, numbers),
    )
    if isinstance(rule, FactorRule) and rule.stateless and count >= 0:
        last_lrs = _like(base_lrs, saved["_last_lr"], "_last_lr")
        return state._replace(start_lrs=_start(rule, state, last_lrs, groups))
    return state


def _start(
    rule: FactorRule, state: EpochState, lrs: jax.Array, groups: Groups
) -> jax.Array:
    """The rates at step 0 from which the closed form comes to the current ones.

    PyTorch goes on from its current rates, whatever they come from.
    """
    zero, one = (
        rule.rates(state._replace(start_lrs=jnp.full_like(lrs, start)), groups)
        for start in (0, 1)
    )
    slope = one - zero
    start = (lrs - zero) / jnp.where(slope == 0, 1, slope)
    return jnp.where(slope == 0, state.base_lrs * rule.initial(state.numbers), start)


def _plateau(rule: ReduceLROnPlateau, state: PlateauState, lrs: list[float]) -> Values:
    numbers = _plain(state.numbers)
    lowest = numbers["min_lrs"]
    sign = -1 if rule.mode == "min" else 1
    # A float32 factor of 1 - 1e-4 has four digits of the threshold left.
    relative = 1.0 if rule.threshold_mode == "rel" else 0.0
    return {
        "factor": numbers["factor"],
        "default_min_lr": lowest[0] if len(set(lowest)) == 1 else None,
        "min_lrs": lowest,
        "patience": numbers["patience"],
        "cooldown": numbers["cooldown"],
        "eps": numbers["eps"],
        "last_epoch": int(state.last_epoch),
        "_last_lr": lrs,
        "mode_worse": -sign * math.inf,
        "mode": rule.mode,
        "threshold": round(sign * (numbers["threshold"] - relative), 12),
        "threshold_mode": rule.threshold_mode,
        "best": float(state.best),
        "cooldown_counter": int(state.cooldown_counter),
        "num_bad_epochs": int(state.num_bad_epochs),
    }


def _read_plateau(
    saved: Saved, rule: ReduceLROnPlateau, template: PlateauState
) -> PlateauState:
    _require_same(rule, {key: saved[key] for key in ("mode", "threshold_mode")})
    signed = -saved["threshold"] if rule.mode == "min" else saved["threshold"]
    numbers = {
        **{name: saved[name] for name in template.numbers if name != "threshold"},
        "threshold": signed + (1.0 if rule.threshold_mode == "rel" else 0.0),
    }
    counts = {
        name: _like(getattr(template, name), saved[name], name) for name in _COUNTS
    }
    best = _like(template.best, saved["best"], "best")
    return template._replace(
        best=best, numbers=_numbers_like(template.numbers, numbers), **counts
    )


def _require_same(rule: Rule, static: Values) -> None:
    for name, value in static.items():
        if getattr(rule, name) != value:
            raise ValueError(
                f"{name} of {type(rule).__name__} is {value!r} there, and the "
                f"scheduler was made with {getattr(rule, name)!r}"
            )


def _plain(value: Any) -> Any:
    """Arrays as Python's numbers: the shortest decimals that they stand for."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    array = np.asarray(value)
    if array.ndim:
        return [_plain(one) for one in array]
    return shortest(array) if array.dtype.kind == "f" else array.item()


def _numbers_like(template: Any, value: Any, name: str = "") -> Any:
    """Numbers in the structure, dtypes and shapes of a state's."""
    if isinstance(template, Mapping):
        return {k: _numbers_like(one, value[k], k) for k, one in template.items()}
    if isinstance(template, tuple):
        _require_as_many(name, len(value), len(template))
        pairs = zip(template, value, strict=True)
        return tuple(_numbers_like(one, other, name) for one, other in pairs)
    return _like(template, value, name)


def _like(template: jax.Array, value: Any, name: str) -> jax.Array:
    array = np.asarray(value)
    if array.ndim:
        _require_as_many(name, len(array), len(template) if template.ndim else 1)
    if jnp.issubdtype(template.dtype, jnp.integer):
        # PyTorch's CyclicLR keeps the sum and the ratio of its two whole numbers.
        whole = np.rint(array)
        if not np.allclose(whole, array):
            raise ValueError(
                f"{name} is {value!r} there and a whole number here: make the "
                "scheduler with a float"
            )
        array = whole
    return jnp.asarray(array, template.dtype).reshape(template.shape)


def _require_as_many(name: str, there: int, here: int) -> None:
    if there != here:
        raise ValueError(f"{name} has {there} numbers there and {here} here")
