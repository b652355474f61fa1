# SPDX-License-Identifier: Apache-2.0
"""The optimisers of torch.optim with a step size for each parameter, and ASGD."""

from __future__ import annotations

import math

from tests.contract.families.optimizers import OPTIM, refused
from tests.contract.optimizer import Optimizer, named

OPTIMIZERS = (
    Optimizer(
        "adagrad",
        f"{OPTIM}.Adagrad",
        named(
            default={},
            lr={"lr": 0.1},
            lr_decay={"lr": 0.1, "lr_decay": 0.05},
            initial={"lr": 0.05, "initial_accumulator_value": 0.3, "eps": 1e-3},
            weight_decay={"lr": 0.05, "weight_decay": 0.01},
            maximize={"lr": 1e-3, "maximize": True, "weight_decay": 0.01},
            everything={
                "lr": 0.05,
                "lr_decay": 0.01,
                "weight_decay": 0.01,
                "initial_accumulator_value": 0.1,
                "eps": 1e-6,
            },
        ),
    ),
    Optimizer(
        "adadelta",
        f"{OPTIM}.Adadelta",
        named(
            default={},
            lr={"lr": 0.5, "rho": 0.8},
            no_memory={"lr": 0.1, "rho": 0.0, "eps": 1e-4},
            frozen={"rho": 1.0, "eps": 1e-2, "lr": 0.01},
            weight_decay={"lr": 0.5, "weight_decay": 0.01, "eps": 1e-4},
            maximize={"lr": 0.01, "maximize": True, "weight_decay": 0.01},
        ),
    ),
    Optimizer(
        "rmsprop",
        f"{OPTIM}.RMSprop",
        named(
            default={},
            lr={"lr": 1e-3, "alpha": 0.9, "eps": 1e-4},
            short={"lr": 1e-3, "alpha": 0.3},
            weight_decay={"lr": 1e-3, "weight_decay": 0.01},
            momentum={"lr": 1e-3, "momentum": 0.9},
            centered={"lr": 1e-3, "centered": True, "eps": 1e-4},
            centered_short={"lr": 1e-3, "alpha": 0.4, "centered": True, "eps": 1e-2},
            maximize={"lr": 1e-4, "maximize": True, "weight_decay": 0.01},
            everything={
                "lr": 1e-3,
                "alpha": 0.95,
                "eps": 1e-3,
                "weight_decay": 0.01,
                "momentum": 0.8,
                "centered": True,
            },
        ),
    ),
    Optimizer(
        "rprop",
        f"{OPTIM}.Rprop",
        named(
            default={},
            lr={"lr": 1e-3},
            etas={"lr": 1e-3, "etas": (0.3, 1.5)},
            smallest={"lr": 1e-3, "step_sizes": (1e-3, 50)},
            largest={"lr": 0.02, "step_sizes": (1e-6, 0.025)},
            maximize={"lr": 1e-5, "step_sizes": (1e-7, 0.025), "maximize": True},
        ),
    ),
    Optimizer(
        "asgd",
        f"{OPTIM}.ASGD",
        named(
            default={},
            lr={"lr": 0.1},
            lambd={"lr": 0.05, "lambd": 0.1, "alpha": 0.5},
            averaged={"lr": 0.05, "t0": 3.0, "lambd": 1e-3},
            averaged_at_once={"lr": 0.05, "t0": 0},
            weight_decay={"lr": 0.05, "weight_decay": 0.01, "t0": 2},
            maximize={"lr": 1e-4, "maximize": True, "weight_decay": 0.01},
        ),
    ),
)

EVERY = tuple(entry.name for entry in OPTIMIZERS)
BAD_OPTIMIZERS = (
    *refused("Invalid learning rate: -1.0", *EVERY, lr=-1.0),
    *refused("Invalid learning rate: nan", *EVERY, lr=math.nan),
    *refused(
        "Invalid weight_decay value: -0.1",
        "adagrad",
        "adadelta",
        "rmsprop",
        "asgd",
        weight_decay=-0.1,
    ),
    *refused("Invalid epsilon value: -1.0", "adagrad", "adadelta", "rmsprop", eps=-1.0),
    *refused("Invalid lr_decay value: -1.0", "adagrad", lr_decay=-1.0),
    *refused(
        "Invalid initial_accumulator_value value: -1.0",
        "adagrad",
        initial_accumulator_value=-1.0,
    ),
    *refused("Invalid rho value: -0.1", "adadelta", rho=-0.1),
    *refused("Invalid rho value: 1.1", "adadelta", rho=1.1),
    *refused("Invalid momentum value: -0.1", "rmsprop", momentum=-0.1),
    *refused("Invalid alpha value: -0.1", "rmsprop", alpha=-0.1),
    *refused("Invalid eta values: 1.0, 1.2", "rprop", etas=(1.0, 1.2)),
    *refused("Invalid eta values: 0.0, 1.2", "rprop", etas=(0.0, 1.2)),
    *refused("Invalid eta values: 0.5, 1.0", "rprop", etas=(0.5, 1.0)),
    # PyTorch looks at the learning rate first.
    *refused("Invalid learning rate: -1.0", "rmsprop", lr=-1.0, alpha=-1.0),
)
