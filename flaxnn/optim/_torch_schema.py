# SPDX-License-Identifier: Apache-2.0
"""What PyTorch writes of each optimiser's options, and how it is read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import optax

from flaxnn.optim._adadelta import adadelta
from flaxnn.optim._adagrad import adagrad
from flaxnn.optim._adam import adam
from flaxnn.optim._adamax import adamax
from flaxnn.optim._asgd import asgd
from flaxnn.optim._lbfgs import lbfgs
from flaxnn.optim._nadam import nadam
from flaxnn.optim._radam import radam
from flaxnn.optim._rmsprop import rmsprop
from flaxnn.optim._rprop import rprop
from flaxnn.optim._scalars import Scalars, shortest
from flaxnn.optim._sgd import sgd

# How PyTorch computes, which changes no number: written as its defaults, not read.
IMPLEMENTATION = {
    "foreach": None,
    "capturable": False,
    "differentiable": False,
    "fused": None,
}
# What PyTorch's schedulers add to a group, in the order in which they add it.
_ONE_CYCLE = ("initial_lr", "max_lr", "min_lr", "max_momentum", "base_momentum")
_OTHERS = ("swa_lr", "max_momentum", "base_momentum", "initial_lr")
SCHEDULED = frozenset((*_ONE_CYCLE, *_OTHERS))
_PAIRS = {
    "betas": ("beta1", "beta2"),
    "etas": ("etaminus", "etaplus"),
    "step_sizes": ("step_size_min", "step_size_max"),
}


@dataclass(frozen=True)
class Schema:
    """One optimiser's part of PyTorch's ``state_dict``.

    Attributes:
        torch: PyTorch's name of it.
        make: Makes the transformation from the options.
        keys: A group's keys in PyTorch's order, without ``params``.
        numbers: Fields of the state that are one number for all parameters.
        own: Fields that PyTorch does not write.
        eager: Whether PyTorch makes the state before the first update.
        whole: Whether PyTorch keeps one state for all parameters, under the first.
    """

    torch: str
    make: Callable[..., optax.GradientTransformation]
    keys: tuple[str, ...]
    numbers: tuple[str, ...] = ("step",)
    own: tuple[str, ...] = ()
    eager: bool = False
    whole: bool = False

    def options(self, update: Any, hyperparams: Scalars) -> dict[str, Any]:
        """A group of PyTorch's, without its parameters."""
        added = _ONE_CYCLE if "max_lr" in hyperparams else _OTHERS
        scheduled = [key for key in added if traced_name(key, hyperparams)]
        return {
            key: _option(key, update, hyperparams) for key in (*self.keys, *scheduled)
        }

    def made_from(self, group: Mapping[str, Any]) -> optax.GradientTransformation:
        """The transformation with a group's options; raises what it refuses."""
        options = {key: plain(group[key]) for key in self.keys if key in group}
        return self.make(
            **{key: v for key, v in options.items() if key not in IMPLEMENTATION}
        )

    def disagreements(self, group: Mapping[str, Any], update: Any) -> list[str]:
        """The options that this update was not compiled for."""
        made = self.made_from(group).update
        return [
            f"{name} is {plain(group.get(name))!r} there, and the optimizer was made "
            + _made(getattr(update, name))
            for name in (field.name for field in fields(update))
            if getattr(made, name) != getattr(update, name)
        ]


def _made(option: Any) -> str:
    """How an option was given; flags only say whether there is such a term."""
    if isinstance(option, bool):
        return "with it" if option else "without it"
    return f"with {option!r}"


def traced_name(key: str, hyperparams: Scalars) -> str | None:
    """The name under which an option is traced, itself or its complement."""
    names = (key, f"one_minus_{key}")
    return next((name for name in names if name in hyperparams), None)


def _option(key: str, update: Any, hyperparams: Scalars) -> Any:
    if key in IMPLEMENTATION:
        return IMPLEMENTATION[key]
    if key in _PAIRS:
        return tuple(_number(name, hyperparams) for name in _PAIRS[key])
    number = _number(key, hyperparams)
    return getattr(update, key) if number is None else number


def _number(key: str, hyperparams: Scalars) -> float | None:
    """The shortest decimal that the traced scalar stands for: 0.1 in float32 too."""
    name = traced_name(key, hyperparams)
    if name is None:
        return None
    value = np.asarray(hyperparams[name])
    if value.dtype.kind == "i":
        return int(value)
    return shortest(value, complement=name != key)


def plain(value: Any) -> Any:
    """An option as Python's, whatever tensor or list it is saved as."""
    if isinstance(value, list | tuple):
        return tuple(map(plain, value))
    return value.item() if hasattr(value, "item") else value


def as_array(value: Any) -> np.ndarray:
    """The value as an array; PyTorch's tensors too, without importing PyTorch."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        # NumPy has no bfloat16 of its own; float32 holds each of its numbers.
        value = value.float() if "bfloat16" in str(value.dtype) else value
    return np.asarray(value)


def _keys(options: str) -> tuple[str, ...]:
    return tuple(options.split())


_ALL = (
    Schema(
        "SGD",
        sgd,
        _keys(
            "lr momentum dampening weight_decay nesterov maximize foreach "
            "differentiable fused"
        ),
        own=("step",),
    ),
    Schema(
        "Adam",
        adam,
        _keys(
            "lr betas eps weight_decay amsgrad maximize foreach capturable "
            "differentiable fused decoupled_weight_decay"
        ),
    ),
    Schema(
        "Adamax",
        adamax,
        _keys("lr betas eps weight_decay foreach maximize differentiable capturable"),
    ),
    Schema(
        "NAdam",
        nadam,
        _keys(
            "lr betas eps weight_decay momentum_decay decoupled_weight_decay maximize "
            "foreach capturable differentiable"
        ),
        numbers=("step", "mu_product"),
    ),
    Schema(
        "RAdam",
        radam,
        _keys(
            "lr betas eps weight_decay maximize foreach capturable "
            "decoupled_weight_decay differentiable"
        ),
    ),
    Schema(
        "Adagrad",
        adagrad,
        _keys(
            "lr lr_decay eps weight_decay initial_accumulator_value foreach maximize "
            "differentiable fused"
        ),
        eager=True,
    ),
    Schema(
        "Adadelta",
        adadelta,
        _keys("lr rho eps weight_decay maximize capturable foreach differentiable"),
    ),
    Schema(
        "RMSprop",
        rmsprop,
        _keys(
            "lr momentum alpha eps centered weight_decay capturable foreach maximize "
            "differentiable"
        ),
    ),
    Schema(
        "Rprop",
        rprop,
        _keys("lr etas step_sizes foreach maximize differentiable capturable"),
    ),
    Schema(
        "ASGD",
        asgd,
        _keys(
            "lr lambd alpha t0 weight_decay foreach maximize differentiable capturable"
        ),
        numbers=("step", "eta", "mu"),
    ),
    Schema(
        "LBFGS",
        lbfgs,
        _keys(
            "lr max_iter max_eval tolerance_grad tolerance_change history_size "
            "line_search_fn"
        ),
        numbers=(
            "func_evals",
            "n_iter",
            "t",
            "old_dirs",
            "old_stps",
            "ro",
            "H_diag",
            "prev_loss",
        ),
        own=("stored",),
        whole=True,
    ),
)
# By the type of the update: equal types have the same options. AdamW is Adam's.
SCHEMAS: dict[type, Schema] = {type(s.make().update): s for s in _ALL}
