# SPDX-License-Identifier: Apache-2.0
"""The optimisers of torch.optim."""

from __future__ import annotations

import math
from typing import Any

from tests.contract.optimizer import BadOptimizer, Optimizer, named

OPTIM = "torch.optim"

OPTIMIZERS = (
    Optimizer(
        "sgd",
        f"{OPTIM}.SGD",
        named(
            default={},
            lr={"lr": 0.1},
            weight_decay={"lr": 0.1, "weight_decay": 0.01},
            momentum={"lr": 0.05, "momentum": 0.9},
            dampening={"lr": 0.05, "momentum": 0.9, "dampening": 0.3},
            unused_dampening={"lr": 0.1, "dampening": 0.3},
            nesterov={"lr": 0.05, "momentum": 0.9, "nesterov": True},
            momentum_and_decay={
                "lr": 0.05,
                "momentum": 0.9,
                "dampening": 0.1,
                "weight_decay": 0.01,
            },
            maximize={"lr": 1e-4, "maximize": True, "weight_decay": 0.01},
        ),
        # PyTorch's own state says nothing of steps.
        own=("step",),
    ),
    Optimizer(
        "adam",
        f"{OPTIM}.Adam",
        named(
            default={},
            lr={"lr": 0.01},
            eps={"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-4},
            no_first_moment={"lr": 0.01, "betas": (0.0, 0.95)},
            short_first_moment={"lr": 0.01, "betas": (0.3, 0.95)},
            weight_decay={"lr": 0.01, "weight_decay": 0.01},
            amsgrad={"lr": 0.01, "amsgrad": True},
            amsgrad_and_decay={"lr": 0.01, "amsgrad": True, "weight_decay": 0.01},
            maximize={"lr": 1e-4, "maximize": True},
            decoupled={
                "lr": 0.01,
                "weight_decay": 0.1,
                "decoupled_weight_decay": True,
            },
        ),
        # In bfloat16 PyTorch rounds after the decay and again after the step.
        bfloat16_steps=9,
    ),
    Optimizer(
        "adamw",
        f"{OPTIM}.AdamW",
        named(
            default={},
            lr={"lr": 0.01, "weight_decay": 0.1},
            no_decay={"lr": 0.01, "weight_decay": 0.0},
            eps={"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-4},
            amsgrad={"lr": 0.01, "weight_decay": 0.1, "amsgrad": True},
            maximize={"lr": 1e-4, "weight_decay": 0.1, "maximize": True},
        ),
        # In bfloat16 PyTorch rounds after the decay and again after the step.
        bfloat16_steps=9,
    ),
    Optimizer(
        "adamax",
        f"{OPTIM}.Adamax",
        named(
            default={},
            lr={"lr": 0.01},
            eps={"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-4},
            no_memory={"lr": 0.01, "betas": (0.0, 0.0), "eps": 0.1},
            weight_decay={"lr": 0.01, "weight_decay": 0.01},
            maximize={"lr": 1e-4, "weight_decay": 0.01, "maximize": True},
        ),
    ),
    Optimizer(
        "nadam",
        f"{OPTIM}.NAdam",
        named(
            default={},
            lr={"lr": 0.01},
            eps={"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-4},
            no_first_moment={"lr": 0.01, "betas": (0.0, 0.95)},
            constant_momentum={"lr": 0.01, "momentum_decay": 0.0},
            # Its float32 run on the perceptron meets a ReLU at 1e-7: T2 shows whether
            # parameters are rounded twice, as PyTorch rounds them.
            momentum_decay={"lr": 0.01, "momentum_decay": 0.5},
            weight_decay={"lr": 0.01, "weight_decay": 0.01},
            decoupled={
                "lr": 0.01,
                "weight_decay": 0.1,
                "decoupled_weight_decay": True,
            },
            maximize={"lr": 1e-4, "weight_decay": 0.01, "maximize": True},
        ),
        bfloat16_steps=9,
    ),
    Optimizer(
        "radam",
        f"{OPTIM}.RAdam",
        named(
            default={},
            lr={"lr": 0.01},
            eps={"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-4},
            never_rectified={"lr": 0.01, "betas": (0.9, 0.6)},
            no_second_moment={"lr": 0.01, "betas": (0.9, 0.0)},
            weight_decay={"lr": 0.01, "weight_decay": 0.01},
            decoupled={
                "lr": 0.01,
                "weight_decay": 0.1,
                "decoupled_weight_decay": True,
            },
            maximize={"lr": 1e-4, "weight_decay": 0.01, "maximize": True},
        ),
        bfloat16_steps=9,
    ),
)


def refused(words: str, *names: str, **options: Any) -> tuple[BadOptimizer, ...]:
    """Returns a ValueError of the same words for each of the optimisers."""
    return tuple(BadOptimizer(name, options, ValueError, words) for name in names)


FAMILY = ("adam", "adamw", "adamax", "nadam", "radam")

BAD_OPTIMIZERS = (
    *refused("Invalid learning rate: -1.0", "sgd", *FAMILY, lr=-1.0),
    *refused("Invalid learning rate: nan", *FAMILY, lr=math.nan),
    *refused("Invalid weight_decay value: -0.1", "sgd", *FAMILY, weight_decay=-0.1),
    *refused("Invalid momentum value: -0.1", "sgd", momentum=-0.1),
    *refused("Nesterov momentum requires a momentum", "sgd", nesterov=True),
    *refused(
        "Nesterov momentum requires a momentum and zero dampening",
        "sgd",
        nesterov=True,
        momentum=0.9,
        dampening=0.1,
    ),
    *refused("Invalid epsilon value: -1.0", *FAMILY, eps=-1.0),
    *refused("Invalid beta parameter at index 0: 1.0", *FAMILY, betas=(1.0, 0.9)),
    *refused("Invalid beta parameter at index 1: -1.0", *FAMILY, betas=(0.9, -1.0)),
    *refused("betas must be either both floats", "adam", "adamw", betas=(0, 0.9)),
    *refused("Invalid momentum_decay value: -1.0", "nadam", momentum_decay=-1.0),
)
