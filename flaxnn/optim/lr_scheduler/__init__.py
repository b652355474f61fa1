# SPDX-License-Identifier: Apache-2.0
"""PyTorch's learning-rate schedulers, as pure functions and as optax schedules.

Each has PyTorch's arguments behind the optimiser, its defaults and checks.
`flaxnn.optim.scheduled` puts one around an optimiser, `flaxnn.fit` takes one as
``schedule``.
"""

from flaxnn.optim.lr_scheduler._chained import ChainedState, chained_scheduler
from flaxnn.optim.lr_scheduler._cosine import (
    cosine_annealing_lr,
    cosine_annealing_warm_restarts,
)
from flaxnn.optim.lr_scheduler._cyclic import cyclic_lr
from flaxnn.optim.lr_scheduler._decay import exponential_lr, polynomial_lr
from flaxnn.optim.lr_scheduler._lambda import lambda_lr, multiplicative_lr
from flaxnn.optim.lr_scheduler._one_cycle import one_cycle_lr
from flaxnn.optim.lr_scheduler._plateau import PlateauState, reduce_lr_on_plateau
from flaxnn.optim.lr_scheduler._rule import EpochState
from flaxnn.optim.lr_scheduler._scheduler import Scheduler
from flaxnn.optim.lr_scheduler._sequential import SequentialState, sequential_lr
from flaxnn.optim.lr_scheduler._step import multi_step_lr, step_lr
from flaxnn.optim.lr_scheduler._swa import swalr
from flaxnn.optim.lr_scheduler._warmup import constant_lr, linear_lr

__all__ = [
    "ChainedState",
    "EpochState",
    "PlateauState",
    "Scheduler",
    "SequentialState",
    "chained_scheduler",
    "constant_lr",
    "cosine_annealing_lr",
    "cosine_annealing_warm_restarts",
    "cyclic_lr",
    "exponential_lr",
    "lambda_lr",
    "linear_lr",
    "multi_step_lr",
    "multiplicative_lr",
    "one_cycle_lr",
    "polynomial_lr",
    "reduce_lr_on_plateau",
    "sequential_lr",
    "step_lr",
    "swalr",
]
