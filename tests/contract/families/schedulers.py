# SPDX-License-Identifier: Apache-2.0
"""The schedulers of torch.optim.lr_scheduler that are not made of others, and SWALR."""

from __future__ import annotations

from typing import Any

from tests.contract.scheduler import (
    LR_SCHEDULER,
    SWA,
    SchedulerCase,
    SchedulerEntry,
    metric,
)

TWO = (0.1, 0.003)
ADAM = {"optimizer": "adam"}


# Both a Python int and a traced one can be passed to these.
def decay(epoch: Any) -> Any:
    """Falls at every step."""
    return 0.97**epoch


def stairs(epoch: Any) -> Any:
    """Falls at every seventh step."""
    return 1 / (1 + epoch // 7)


def waves(epoch: Any) -> Any:
    """Goes up and down a little."""
    return 1 + (epoch % 5 - 2) / 100


def shrink(epoch: Any) -> Any:
    """A factor that comes closer to 1."""
    return 1 - 1 / (epoch + 20)


def halved(cycle: Any) -> Any:
    """The scale of a cycle."""
    return 1 / (5 * 2.0 ** (cycle - 1))


def case(name: str, *args: Any, **kwargs: Any) -> SchedulerCase:
    """Returns a case with one group of SGD."""
    return SchedulerCase(name, args, kwargs)


def groups(name: str, *args: Any, **kwargs: Any) -> SchedulerCase:
    """Returns a case with two groups of Adam."""
    return SchedulerCase(name, args, kwargs, TWO, "adam")


SCHEDULERS = (
    SchedulerEntry(
        "lambda_lr",
        f"{LR_SCHEDULER}.LambdaLR",
        (
            case("decay", decay),
            case("stairs", stairs),
            groups("one-for-all", decay),
            groups("one-each", [decay, stairs]),
        ),
    ),
    SchedulerEntry(
        "multiplicative_lr",
        f"{LR_SCHEDULER}.MultiplicativeLR",
        (
            case("waves", waves),
            groups("one-for-all", waves),
            groups("one-each", [waves, shrink]),
        ),
    ),
    SchedulerEntry(
        "step_lr",
        f"{LR_SCHEDULER}.StepLR",
        (
            case("default", 30),
            case("gamma", 7, 0.9),
            case("each-step", 1, 0.99),
            case("growing", 100, 2.0),
            case("negative", 40, -0.5),
            case("nothing", 40, 0.0),
            groups("groups", 50, gamma=0.3),
        ),
    ),
    SchedulerEntry(
        "multi_step_lr",
        f"{LR_SCHEDULER}.MultiStepLR",
        (
            case("default", [30, 80]),
            case("at-zero", [0, 10], 0.5),
            case("repeated", [20, 20, 0, 0, 100], 0.7),
            case("unordered", [200, 3, 50], 0.5),
            case("never", [-3, 1000], 0.5),
            case("none", []),
            groups("groups", (1, 2, 299, 300), gamma=0.5),
        ),
    ),
    SchedulerEntry(
        "constant_lr",
        f"{LR_SCHEDULER}.ConstantLR",
        (
            case("default"),
            case("long", 0.5, 100),
            case("none", 1.0, 10),
            case("at-zero", 0.5, 0),
            case("never", 0.0, 1000),
            groups("groups", factor=0.1, total_iters=1),
        ),
    ),
    SchedulerEntry(
        "linear_lr",
        f"{LR_SCHEDULER}.LinearLR",
        (
            case("default"),
            case("warm-up", 0.01, 1.0, 200),
            case("down", 1.0, 0.0, 250),
            case("both", 0.3, 0.7, 1),
            case("at-zero", 0.5, 1.0, 0),
            case("fraction", 0.25, 1.0, 12.5),
            groups("groups", start_factor=0.001, total_iters=50),
        ),
    ),
    SchedulerEntry(
        "exponential_lr",
        f"{LR_SCHEDULER}.ExponentialLR",
        (
            case("default", 0.9),
            case("slow", 0.999),
            case("growing", 1.01),
            case("nothing", 0.0),
            case("negative", -0.99),
            groups("groups", gamma=0.95),
        ),
    ),
    SchedulerEntry(
        "polynomial_lr",
        f"{LR_SCHEDULER}.PolynomialLR",
        (
            case("default"),
            case("square", 200, 2.0),
            case("root", 310, 0.5),
            case("flat", 10, 0.0),
            case("at-zero", 0),
            case("fraction", 12.5),
            groups("groups", total_iters=100, power=0.9),
        ),
    ),
    SchedulerEntry(
        "cosine_annealing_lr",
        f"{LR_SCHEDULER}.CosineAnnealingLR",
        (
            case("down", 300),
            case("up-again", 200, 1e-3),
            case("often", 7),
            case("each-step", 1, 0.01),
            case("two", 2),
            case("above", 50, 0.5),
            case("fraction", 12.5),
            groups("groups", T_max=40, eta_min=1e-4),
        ),
    ),
    SchedulerEntry(
        "cosine_annealing_warm_restarts",
        f"{LR_SCHEDULER}.CosineAnnealingWarmRestarts",
        (
            case("default", 50),
            case("doubling", 10, 2),
            case("tripling", 3, 3, 1e-3),
            case("each-step", 1),
            case("one-doubling", 1, 2),
            case("once", 1000, 5),
            case("far", 100, 10**9),
            groups("groups", T_0=7, T_mult=2, eta_min=1e-5),
        ),
    ),
    SchedulerEntry(
        "cyclic_lr",
        f"{LR_SCHEDULER}.CyclicLR",
        (
            case("default", 0.001, 0.1),
            case("triangular", 0.001, 0.1, 20),
            case("triangular2", 0.001, 0.1, 20, mode="triangular2"),
            case("exp-range", 0.001, 0.1, 20, mode="exp_range", gamma=0.99),
            case("uneven", 0.01, 0.2, 3, 8),
            case("no-way-down", 0.01, 0.2, 4, 0),
            case("fractions", 0.01, 0.2, 2.5, 4.25),
            case("momentum", 0.01, 0.2, 6, base_momentum=0.5, max_momentum=0.99),
            case("no-momentum", 0.01, 0.2, 6, cycle_momentum=False),
            case("by-cycle", 0.01, 0.2, 9, scale_fn=halved),
            case("by-step", 0.01, 0.2, 9, scale_fn=decay, scale_mode="iterations"),
            SchedulerCase("beta", (0.001, 0.01, 12), {"mode": "triangular2"}, **ADAM),
            SchedulerCase(
                "groups",
                ([0.001, 0.01], (0.1, 0.02), 15, 10, "exp_range", 0.995),
                {"base_momentum": [0.7, 0.8], "max_momentum": (0.9, 0.95)},
                TWO,
            ),
            groups("groups-of-betas", 0.001, [0.1, 0.02], 15, max_momentum=[0.9, 0.8]),
        ),
    ),
    SchedulerEntry(
        "one_cycle_lr",
        f"{LR_SCHEDULER}.OneCycleLR",
        (
            case("default", 0.1, 300),
            case("linear", 0.1, 301, anneal_strategy="linear"),
            case("three-phases", 0.1, 350, three_phase=True),
            case("three-lines", 0.1, 320, three_phase=True, anneal_strategy="linear"),
            case("half", 0.1, 300, pct_start=0.5, three_phase=True),
            case("mostly-up", 0.1, 300, pct_start=0.7, three_phase=True),
            case("only-down", 0.1, 300, pct_start=0.0),
            case("only-up", 0.1, 301, pct_start=1.0),
            case("epochs", 0.1, None, 30, 11, pct_start=0.29),
            case("factors", 0.1, 300, div_factor=3.0, final_div_factor=7.0),
            case("momentum", 0.1, 300, base_momentum=0.5, max_momentum=0.99),
            case("no-momentum", 0.1, 300, cycle_momentum=False),
            SchedulerCase("beta", (0.01, 300), **ADAM),
            SchedulerCase(
                "groups",
                ([0.1, 0.02], 400),
                {"base_momentum": [0.7, 0.8], "max_momentum": (0.9, 0.95)},
                TWO,
            ),
            groups("groups-of-betas", (0.1, 0.02), 300, three_phase=True),
        ),
    ),
    SchedulerEntry(
        "swalr",
        f"{SWA}.SWALR",
        (
            case("default", 0.05),
            case("linear", 0.05, 100, "linear"),
            case("up", 0.5, 30),
            case("at-once", 0.05, 0),
            groups("groups", [0.05, 0.01], anneal_epochs=250),
        ),
    ),
    SchedulerEntry(
        "reduce_lr_on_plateau",
        f"{LR_SCHEDULER}.ReduceLROnPlateau",
        tuple(
            SchedulerCase(name, (), kwargs, lrs, values=metric())
            for name, kwargs, lrs in (
                ("default", {}, (0.1,)),
                ("max", {"mode": "max", "patience": 3, "factor": 0.7}, (0.1,)),
                ("impatient", {"patience": 0, "factor": 0.95}, (0.1,)),
                (
                    "absolute",
                    {"threshold_mode": "abs", "threshold": 0.01, "patience": 5},
                    (0.1,),
                ),
                (
                    "absolute-max",
                    {"mode": "max", "threshold_mode": "abs", "patience": 5},
                    (0.1,),
                ),
                ("cooldown", {"patience": 2, "cooldown": 7, "factor": 0.8}, (0.1,)),
                ("eps", {"patience": 1, "factor": 0.5, "eps": 0.01}, (0.1,)),
                ("min", {"patience": 2, "factor": 0.3, "min_lr": 0.002}, (0.1,)),
                ("groups", {"patience": 2, "min_lr": [1e-3, 1e-6]}, TWO),
            )
        ),
    ),
)
