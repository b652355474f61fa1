# SPDX-License-Identifier: Apache-2.0
"""Schedulers made of others: sequences and chains."""

from __future__ import annotations

from tests.contract.families.schedulers import case, decay, groups, waves
from tests.contract.scheduler import (
    LR_SCHEDULER,
    Part,
    SchedulerCase,
    SchedulerEntry,
)

EXPONENTIAL = Part("exponential_lr", (0.97,))
WARM_UP = Part("linear_lr", (0.1,), {"total_iters": 10})
CONSTANT = Part("constant_lr", (0.25, 7))
COSINE = Part("cosine_annealing_lr", (40, 1e-3))
RESTARTS = Part("cosine_annealing_warm_restarts", (9, 2))
ONE_CYCLE = Part("one_cycle_lr", (0.5, 400))
CYCLIC = Part("cyclic_lr", (0.01, 0.2, 7, 5))
POLYNOMIAL = Part("polynomial_lr", (30, 2.0))
MULTIPLICATIVE = Part("multiplicative_lr", (waves,))
STEPS = Part("step_lr", (11, 0.5))
MILESTONES = Part("multi_step_lr", ([0, 5, 5, 30], 0.5))
SWALR = Part("swalr", (0.05, 20))
LAMBDA = Part("lambda_lr", (decay,))
# Each of them comes first once, and once after another.
ROW = (
    EXPONENTIAL,
    WARM_UP,
    CONSTANT,
    COSINE,
    RESTARTS,
    ONE_CYCLE,
    CYCLIC,
    POLYNOMIAL,
    MULTIPLICATIVE,
    STEPS,
    MILESTONES,
    SWALR,
    LAMBDA,
)
# What sets the rate comes before what multiplies it, so that both can be seen.
CHAINS = (
    (RESTARTS, EXPONENTIAL),
    (ONE_CYCLE, WARM_UP),
    (CYCLIC, CONSTANT),
    (LAMBDA, COSINE),
    (POLYNOMIAL, MULTIPLICATIVE, STEPS),
    (MILESTONES, SWALR),
)


def in_a_row() -> tuple[SchedulerCase, ...]:
    """Every scheduler with the next one after it."""
    pairs = zip(ROW, (*ROW[1:], ROW[0]), strict=True)
    return tuple(case(f"{one.name}-{two.name}", [one, two], [25]) for one, two in pairs)


def chains_first() -> tuple[SchedulerCase, ...]:
    """Chains that a sequence begins with: their first step is a quirk of PyTorch's."""
    return tuple(
        case(
            f"chain-{k}-first",
            [Part("chained_scheduler", (list(chain),)), EXPONENTIAL],
            [60],
        )
        for k, chain in enumerate(CHAINS)
    )


SCHEDULERS = (
    SchedulerEntry(
        "sequential_lr",
        f"{LR_SCHEDULER}.SequentialLR",
        (
            *in_a_row(),
            *chains_first(),
            case("alone", [EXPONENTIAL], []),
            case("three", [CONSTANT, WARM_UP, COSINE], [20, 45]),
            case("milestone-at-zero", [CONSTANT, EXPONENTIAL], [0]),
            case("milestones-at-zero", [CONSTANT, MILESTONES, COSINE], [0, 30]),
            case("equal-milestones", [CONSTANT, STEPS, COSINE], [30, 30]),
            case("drops-before-zero", [CONSTANT, Part("multi_step_lr", ([-1],))], [9]),
            case("constant-at-once", [COSINE, Part("constant_lr", (0.5, 0))], [9]),
            case("cycles", [ONE_CYCLE, Part("one_cycle_lr", (0.2, 350))], [50]),
            case("triangles", [CYCLIC, Part("cyclic_lr", (0.02, 0.1, 4))], [50]),
            case("averaged", [COSINE, Part("swalr", (0.05, 10))], [25]),
            case(
                "sequence-first",
                [Part("sequential_lr", ([EXPONENTIAL, COSINE], [15])), STEPS],
                [70],
            ),
            case(
                "sequence-of-sequences",
                [
                    Part(
                        "sequential_lr",
                        (
                            [
                                Part("sequential_lr", ([WARM_UP, RESTARTS], [1])),
                                POLYNOMIAL,
                            ],
                            [40],
                        ),
                    ),
                    STEPS,
                ],
                [90],
            ),
            case(
                "at-once-a-chain",
                [STEPS, Part("chained_scheduler", ([EXPONENTIAL],))],
                [0],
            ),
            groups("groups", [WARM_UP, ONE_CYCLE], [5]),
        ),
        # 1.3e-6 was measured: rounding piles up in the recursion of a cosine.
        rtol=2e-6,
    ),
    SchedulerEntry(
        "chained_scheduler",
        f"{LR_SCHEDULER}.ChainedScheduler",
        (
            *(case(f"chain-{k}", list(chain)) for k, chain in enumerate(CHAINS)),
            case("alone", [COSINE]),
            case("three", [CONSTANT, WARM_UP, EXPONENTIAL]),
            case(
                "with-a-sequence",
                [Part("sequential_lr", ([CONSTANT, EXPONENTIAL], [9])), STEPS],
            ),
            case("chain-in-a-chain", [Part("chained_scheduler", ([STEPS],)), WARM_UP]),
            groups("groups", [CONSTANT, EXPONENTIAL]),
        ),
        # 1.3e-6 was measured: rounding piles up in the recursion of a cosine.
        rtol=2e-6,
    ),
)
