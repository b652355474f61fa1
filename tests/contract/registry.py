# SPDX-License-Identifier: Apache-2.0
"""One table of all that has a counterpart: being listed here is being tested.

A family's file in `families` has any of `OPS`, `LAYERS`, `INITIALIZERS`, `OPTIMIZERS`,
`CLOSURE_OPTIMIZERS`, `SCHEDULERS`, `BAD`, `BAD_LAYERS`, `BAD_INITIALIZERS`,
`BAD_OPTIMIZERS` and `BAD_SCHEDULERS`.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Any

from tests.contract import families
from tests.contract.bad import Bad, BadLayer
from tests.contract.case import Op
from tests.contract.initializer import BadInitializer, Initializer
from tests.contract.layer import Layer
from tests.contract.optimizer import BadOptimizer, Optimizer
from tests.contract.scheduler import BadScheduler, SchedulerEntry

FAMILIES: dict[str, ModuleType] = {
    found.name: importlib.import_module(f"{families.__name__}.{found.name}")
    for found in pkgutil.iter_modules(families.__path__)
}


def _joined(table: str) -> tuple[Any, ...]:
    return tuple(
        entry for family in FAMILIES.values() for entry in getattr(family, table, ())
    )


OPS: tuple[Op, ...] = _joined("OPS")
CALLS = tuple((op, case) for op in OPS for case in op.cases)
CALL_IDS = tuple(f"{op.name}-{case.name}" for op, case in CALLS)

LAYERS: tuple[Layer, ...] = _joined("LAYERS")
BUILDS = tuple((layer, case) for layer in LAYERS for case in layer.cases)
BUILD_IDS = tuple(f"{layer.name}-{case.name}" for layer, case in BUILDS)

BAD: tuple[Bad, ...] = _joined("BAD")
BAD_IDS = tuple(f"{bad.op}-{index}" for index, bad in enumerate(BAD))

BAD_LAYERS: tuple[BadLayer, ...] = _joined("BAD_LAYERS")
BAD_LAYER_IDS = tuple(f"{bad.layer}-{index}" for index, bad in enumerate(BAD_LAYERS))

INITIALIZERS: tuple[Initializer, ...] = _joined("INITIALIZERS")
FILLS = tuple((entry, case) for entry in INITIALIZERS for case in entry.cases)
FILL_IDS = tuple(f"{entry.name}-{case.name}" for entry, case in FILLS)

BAD_INITIALIZERS: tuple[BadInitializer, ...] = _joined("BAD_INITIALIZERS")
BAD_INITIALIZER_IDS = tuple(
    f"{bad.initializer}-{index}" for index, bad in enumerate(BAD_INITIALIZERS)
)

OPTIMIZERS: tuple[Optimizer, ...] = _joined("OPTIMIZERS")
RUNS = tuple((entry, case) for entry in OPTIMIZERS for case in entry.cases)
RUN_IDS = tuple(f"{entry.name}-{case.name}" for entry, case in RUNS)
# Runs whose static options are equal are one program: the last stands for them.
_PROGRAMS = {entry.make(case).update: (entry, case) for entry, case in RUNS}
PROGRAMS = tuple(_PROGRAMS.values())
PROGRAM_IDS = tuple(f"{entry.name}-{case.name}" for entry, case in PROGRAMS)

# Those whose step takes a closure: they evaluate the objective themselves.
CLOSURE_OPTIMIZERS: tuple[Optimizer, ...] = _joined("CLOSURE_OPTIMIZERS")
CLOSURE_RUNS = tuple(
    (entry, case) for entry in CLOSURE_OPTIMIZERS for case in entry.cases
)
CLOSURE_IDS = tuple(f"{entry.name}-{case.name}" for entry, case in CLOSURE_RUNS)

BAD_OPTIMIZERS: tuple[BadOptimizer, ...] = _joined("BAD_OPTIMIZERS")
BAD_OPTIMIZER_IDS = tuple(
    f"{bad.optimizer}-{index}" for index, bad in enumerate(BAD_OPTIMIZERS)
)

SCHEDULERS: tuple[SchedulerEntry, ...] = _joined("SCHEDULERS")
PACES = tuple((entry, case) for entry in SCHEDULERS for case in entry.cases)
PACE_IDS = tuple(f"{entry.name}-{case.name}" for entry, case in PACES)

BAD_SCHEDULERS: tuple[BadScheduler, ...] = _joined("BAD_SCHEDULERS")
BAD_SCHEDULER_IDS = tuple(
    f"{bad.part.name}-{index}" for index, bad in enumerate(BAD_SCHEDULERS)
)
