# SPDX-License-Identifier: Apache-2.0
"""Schedulers that PyTorch refuses."""

from __future__ import annotations

from tests.contract.families.scheduler_sequences import EXPONENTIAL, STEPS
from tests.contract.families.schedulers import TWO, decay, waves
from tests.contract.scheduler import BadScheduler, Part

PLATEAU = Part("reduce_lr_on_plateau")

BAD_SCHEDULERS = (
    BadScheduler(
        Part("lambda_lr", ([decay],)),
        ValueError,
        "Expected 2 lr_lambdas, but got 1",
        TWO,
    ),
    BadScheduler(Part("lambda_lr", (3,)), TypeError, "'int' object is not callable"),
    BadScheduler(
        Part("multiplicative_lr", ([waves],)),
        ValueError,
        "Expected 2 lr_lambdas, but got 1",
        TWO,
    ),
    BadScheduler(
        Part("multiplicative_lr", (3,)),
        TypeError,
        "lr_lambda should be a function, but got int",
    ),
    BadScheduler(Part("step_lr", (0,)), ZeroDivisionError, "by zero", steps=1),
    *(
        BadScheduler(
            Part("constant_lr", (factor,)),
            ValueError,
            "Constant multiplicative factor expected to be between 0 and 1.",
        )
        for factor in (-0.1, 1.1)
    ),
    *(
        BadScheduler(
            Part("linear_lr", (factor,)),
            ValueError,
            "Starting multiplicative factor expected to be greater than 0 and less or "
            "equal to 1.",
        )
        for factor in (0.0, 1.1)
    ),
    *(
        BadScheduler(
            Part("linear_lr", (0.5, factor)),
            ValueError,
            "Ending multiplicative factor expected to be between 0 and 1.",
        )
        for factor in (-0.1, 1.1)
    ),
    BadScheduler(
        Part("cosine_annealing_lr", (0,)), ZeroDivisionError, "by zero", steps=1
    ),
    *(
        BadScheduler(
            Part("cosine_annealing_warm_restarts", (T_0,)),
            ValueError,
            f"Expected positive integer T_0, but got {T_0}",
        )
        for T_0 in (0, 2.5)
    ),
    *(
        BadScheduler(
            Part("cosine_annealing_warm_restarts", (5, T_mult)),
            ValueError,
            f"Expected integer T_mult >= 1, but got {T_mult}",
        )
        for T_mult in (0, 1.5)
    ),
    BadScheduler(
        Part("cosine_annealing_warm_restarts", (5, 1, "0")),
        ValueError,
        "Expected float or int eta_min, but got 0 of type <class 'str'>",
    ),
    BadScheduler(
        Part("cyclic_lr", (0.1, 0.2), {"mode": "square"}),
        ValueError,
        "mode is invalid and scale_fn is None",
    ),
    BadScheduler(
        Part("cyclic_lr", (0.1, 0.2, 0)), ZeroDivisionError, "float division by zero"
    ),
    BadScheduler(
        Part("cyclic_lr", (0.1, 0.2, 0, 5)), ZeroDivisionError, "float division by zero"
    ),
    *(
        BadScheduler(
            Part("cyclic_lr", args, kwargs),
            ValueError,
            f"{name} must have the same length as optimizer.param_groups. {name} has 1 "
            "values, param_groups has 2.",
            TWO,
        )
        for name, args, kwargs in (
            ("base_lr", ([0.1], 0.2), {}),
            ("max_lr", (0.1, [0.2]), {}),
            ("base_momentum", (0.1, 0.2), {"base_momentum": [0.5]}),
            ("max_momentum", (0.1, 0.2), {"max_momentum": (0.5,)}),
        )
    ),
    BadScheduler(
        Part("cyclic_lr", (0.1, 0.2)),
        ValueError,
        "optimizer must support momentum or beta1 with `cycle_momentum` option enabled",
        options={},
    ),
    BadScheduler(
        Part("one_cycle_lr", (0.1,)),
        ValueError,
        "You must define either total_steps OR (epochs AND steps_per_epoch)",
    ),
    BadScheduler(
        Part("one_cycle_lr", (0.1, None, 3)),
        ValueError,
        "You must define either total_steps OR (epochs AND steps_per_epoch)",
    ),
    *(
        BadScheduler(
            Part("one_cycle_lr", args),
            ValueError,
            f"Expected positive integer {name}, but got {value}",
        )
        for name, value, args in (
            ("total_steps", 0, (0.1, 0)),
            ("total_steps", 2.5, (0.1, 2.5)),
            ("epochs", -1, (0.1, None, -1, 5)),
            ("steps_per_epoch", 0.5, (0.1, None, 5, 0.5)),
        )
    ),
    *(
        BadScheduler(
            Part("one_cycle_lr", (0.1, 10), {"pct_start": value}),
            ValueError,
            f"Expected float between 0 and 1 pct_start, but got {value}",
        )
        for value in (-0.1, 1.1, 1)
    ),
    BadScheduler(
        Part("one_cycle_lr", (0.1, 10), {"pct_start": 0.1}),
        ZeroDivisionError,
        "float division by zero",
    ),
    BadScheduler(
        Part("one_cycle_lr", (0.1, 10), {"anneal_strategy": "cosine"}),
        ValueError,
        "anneal_strategy must be one of 'cos' or 'linear', instead got cosine",
    ),
    BadScheduler(
        Part("one_cycle_lr", ([0.1], 10)),
        ValueError,
        "max_lr must have the same length as optimizer.param_groups. max_lr has 1 "
        "values, param_groups has 2.",
        TWO,
    ),
    BadScheduler(
        Part("one_cycle_lr", (0.1, 10)),
        ValueError,
        "optimizer must support momentum or beta1 with `cycle_momentum` option enabled",
        options={},
    ),
    BadScheduler(
        Part("swalr", (0.1,), {"anneal_strategy": "cosine"}),
        ValueError,
        "anneal_strategy must be one of 'cos' or 'linear', instead got cosine",
    ),
    *(
        BadScheduler(
            Part("swalr", (0.1, value)),
            ValueError,
            f"anneal_epochs must be equal or greater than 0, got {value}",
        )
        for value in (-1, 2.5)
    ),
    BadScheduler(
        Part("swalr", ([0.1],)),
        ValueError,
        "swa_lr must have the same length as optimizer.param_groups. swa_lr has 1 "
        "values, param_groups has 2.",
        TWO,
    ),
    BadScheduler(
        Part("reduce_lr_on_plateau", ("min", 1.0)),
        ValueError,
        "Factor should be < 1.0.",
    ),
    BadScheduler(
        Part("reduce_lr_on_plateau", ("least",)), ValueError, "mode least is unknown!"
    ),
    BadScheduler(
        Part("reduce_lr_on_plateau", (), {"threshold_mode": "both"}),
        ValueError,
        "threshold mode both is unknown!",
    ),
    BadScheduler(
        Part("reduce_lr_on_plateau", (), {"min_lr": [0.1]}),
        ValueError,
        "expected 2 min_lrs, got 1",
        TWO,
    ),
    BadScheduler(
        Part("chained_scheduler", ([],)),
        ValueError,
        "ChainedScheduler expects at least one scheduler to be chained, but got no "
        "scheduler.",
    ),
    BadScheduler(
        Part("chained_scheduler", ([EXPONENTIAL, PLATEAU],)),
        ValueError,
        "ChainedScheduler does not support `ReduceLROnPlateau` scheduler as it requires"
        " additional kwargs to be specified when calling `step`, but got one at index 1"
        " in the given schedulers sequence.",
    ),
    BadScheduler(
        Part("chained_scheduler", ([EXPONENTIAL, 0.1],)),
        TypeError,
        "ChainedScheduler at index 1 should",
    ),
    BadScheduler(
        Part("sequential_lr", ([], [])),
        ValueError,
        "SequentialLR expects at least one scheduler, but got no scheduler.",
    ),
    BadScheduler(
        Part("sequential_lr", ([PLATEAU, EXPONENTIAL], [3])),
        ValueError,
        "SequentialLR does not support `ReduceLROnPlateau` scheduler as it requires "
        "additional kwargs to be specified when calling `step`, but got one at index 0 "
        "in the given schedulers sequence.",
    ),
    BadScheduler(
        Part("sequential_lr", ([0.1], [])),
        TypeError,
        "SequentialLR at index 0 should",
    ),
    BadScheduler(
        Part("sequential_lr", ([EXPONENTIAL, STEPS], [3, 4])),
        ValueError,
        "number of schedulers 2 and the number of milestones to be equal to 2",
    ),
    *(
        BadScheduler(
            Part("sequential_lr", ([EXPONENTIAL, Part(name, args)], [3])),
            NotImplementedError,
            "",
            steps=3,
        )
        for name, args in (
            ("chained_scheduler", ([STEPS],)),
            ("sequential_lr", ([STEPS], [])),
        )
    ),
)
