# SPDX-License-Identifier: Apache-2.0
"""What PyTorch writes of each scheduler, and how it is read back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from flaxnn.optim.lr_scheduler._cosine import (
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    cosine_annealing_warm_restarts,
)
from flaxnn.optim.lr_scheduler._cyclic import CyclicLR
from flaxnn.optim.lr_scheduler._decay import ExponentialLR, PolynomialLR
from flaxnn.optim.lr_scheduler._factors import powers_of
from flaxnn.optim.lr_scheduler._lambda import LambdaLR, MultiplicativeLR
from flaxnn.optim.lr_scheduler._momentum import bounds_of
from flaxnn.optim.lr_scheduler._one_cycle import OneCycleLR
from flaxnn.optim.lr_scheduler._rule import Rule
from flaxnn.optim.lr_scheduler._step import MultiStepLR, StepLR
from flaxnn.optim.lr_scheduler._swa import SWALR
from flaxnn.optim.lr_scheduler._warmup import ConstantLR, LinearLR

Saved = Mapping[str, Any]
Values = dict[str, Any]


class Current(NamedTuple):
    """A scheduler as it is now.

    Attributes:
        rule: Its rule.
        numbers: Its options, as Python's numbers and lists of them.
        groups: The names of the hyper-parameters of each group.
        epoch: Its steps done so far.
    """

    rule: Any
    numbers: Values
    groups: Sequence[Iterable[str]]
    epoch: int


@dataclass(frozen=True)
class Options:
    """One scheduler's own part of PyTorch's ``state_dict``.

    Attributes:
        write: What PyTorch has of it.
        read: The numbers, from what PyTorch has.
        static: What was decided when the program was compiled, from what PyTorch has.
        behind: What of it PyTorch writes behind what all schedulers have.
    """

    write: Callable[[Current], Values]
    read: Callable[[Saved], Values]
    static: Callable[[Saved], Values] = lambda saved: {}
    behind: tuple[str, ...] = ()


def _same(*names: str) -> Options:
    """Options that are the same numbers here and there."""
    return Options(
        lambda now: {name: now.numbers[name] for name in names},
        lambda saved: {name: saved[name] for name in names},
    )


def _with_gamma(*names: str) -> Options:
    """Such options, and a factor whose powers are taken."""
    return Options(
        _same(*names, "gamma").write,
        lambda saved: {name: saved[name] for name in names} | _gamma(saved),
    )


def _gamma(saved: Saved) -> Values:
    return dict(powers_of(saved["gamma"]))


def _periods(now: Current) -> Values:
    starts, periods = now.numbers["starts"], now.numbers["periods"]
    current = sum(start <= now.epoch for start in starts) - 1
    first, period = int(periods[0]), int(periods[current])
    done = now.epoch - starts[current]
    return {
        "T_0": first,
        "T_i": period,
        "T_mult": round(periods[1] / first) if now.rule.growing else 1,
        "eta_min": now.numbers["eta_min"],
        "T_cur": done if now.rule.growing else done % period,
    }


def _read_periods(saved: Saved) -> Values:
    made = cosine_annealing_warm_restarts(
        saved["T_0"], saved["T_mult"], saved["eta_min"]
    )
    return dict(made.init.numbers)


def _momentum(now: Current) -> Values:
    """Whether a momentum is cycled, and if so which."""
    if not now.rule.cycle_momentum:
        return {"cycle_momentum": False}
    beta1 = any("one_minus_beta1" in group for group in now.groups)
    return {"cycle_momentum": True, "use_beta1": beta1}


def _triangles(now: Current) -> Values:
    rule, numbers = now.rule, now.numbers
    up, down = (float(numbers[f"step_size_{way}"]) for way in ("up", "down"))
    custom = rule.scale_fn is not None
    by_cycle = rule.by_cycle if custom else rule.mode != "exp_range"
    momenta = {
        f"{name}s": [_bound(name, group) for group in numbers["bounds"]]
        for name in ("base_momentum", "max_momentum")
    }
    return {
        "max_lrs": list(numbers["max_lrs"]),
        "total_size": up + down,
        "step_ratio": up / (up + down),
        "mode": "triangular" if custom else rule.mode,
        "gamma": numbers["gamma"],
        "scale_mode": "cycle" if by_cycle else "iterations",
        **_momentum(now),
        **(momenta if rule.cycle_momentum else {}),
        "_scale_fn_custom": None,
    }


def _bound(name: str, bounds: Values) -> float | None:
    """A bound of the momentum, of which Adam's kin keeps the complement."""
    complement = bounds.get(f"one_minus_{name}")
    return bounds.get(name) if complement is None else 1 - complement


def _read_triangles(saved: Saved) -> Values:
    up = saved["total_size"] * saved["step_ratio"]
    names = ("base_momentum", "max_momentum")
    prefix = "one_minus_" if saved.get("use_beta1") else ""
    pairs = zip(*(saved.get(f"{name}s", ()) for name in names), strict=True)
    bounds = [dict(bounds_of(*pair)) for pair in pairs]
    return {
        "max_lrs": tuple(saved["max_lrs"]),
        # PyTorch has them where they are used only; a group has none without.
        "bounds": tuple(
            {prefix + name: b[prefix + name] for name in names} for b in bounds
        )
        or ({},) * len(saved["max_lrs"]),
        "step_size_up": up,
        "step_size_down": saved["total_size"] - up,
        **_gamma(saved),
    }


def _phases(now: Current) -> Values:
    rates = ["initial_lr", "max_lr", "min_lr"]
    momenta = ["max_momentum", "base_momentum", "max_momentum"]
    if now.rule.three_phase:
        rates[2:2], momenta[2:2] = ["initial_lr"], ["max_momentum"]
    ends = [*now.numbers["end_steps"][:-1], now.numbers["total_steps"] - 1]
    return {
        "total_steps": now.numbers["total_steps"],
        "_schedule_phases": [
            {
                "end_step": end,
                "start_lr": rates[k],
                "end_lr": rates[k + 1],
                "start_momentum": momenta[k],
                "end_momentum": momenta[k + 1],
            }
            for k, end in enumerate(ends)
        ],
        "_anneal_func_type": "cos" if now.rule.cosine else "linear",
        **_momentum(now),
    }


def _read_phases(saved: Saved) -> Values:
    ends = tuple(float(phase["end_step"]) for phase in saved["_schedule_phases"])
    return {"total_steps": saved["total_steps"], "end_steps": ends}


# PyTorch writes no function either; it has one for each group.
_FUNCTIONS = Options(
    lambda now: {"lr_lambdas": [None] * len(now.groups)},
    lambda saved: {},
    behind=("lr_lambdas",),
)

OPTIONS: dict[type[Rule], Options] = {
    LambdaLR: _FUNCTIONS,
    MultiplicativeLR: _FUNCTIONS,
    StepLR: _with_gamma("step_size"),
    MultiStepLR: Options(
        lambda now: {
            "milestones": Counter(now.numbers["milestones"]),
            "gamma": now.numbers["gamma"],
        },
        lambda saved: {
            "milestones": tuple(Counter(saved["milestones"]).elements()),
            **_gamma(saved),
        },
    ),
    ConstantLR: _same("factor", "total_iters"),
    LinearLR: _same("start_factor", "end_factor", "total_iters"),
    ExponentialLR: _with_gamma(),
    PolynomialLR: _same("total_iters", "power"),
    CosineAnnealingLR: _same("T_max", "eta_min"),
    CosineAnnealingWarmRestarts: Options(
        _periods,
        _read_periods,
        lambda saved: {"growing": saved["T_mult"] > 1},
    ),
    CyclicLR: Options(
        _triangles,
        _read_triangles,
        lambda saved: {"cycle_momentum": saved["cycle_momentum"]},
        behind=("_scale_fn_custom",),
    ),
    OneCycleLR: Options(
        _phases,
        _read_phases,
        lambda saved: {
            "three_phase": len(saved["_schedule_phases"]) == 3,
            "cosine": saved["_anneal_func_type"] == "cos",
            "cycle_momentum": saved["cycle_momentum"],
        },
    ),
    SWALR: Options(
        lambda now: {
            "_anneal_strategy": "cos" if now.rule.cosine else "linear",
            "anneal_epochs": now.numbers["anneal_epochs"],
        },
        lambda saved: {"anneal_epochs": saved["anneal_epochs"]},
        lambda saved: {"cosine": saved["_anneal_strategy"] == "cos"},
    ),
}
