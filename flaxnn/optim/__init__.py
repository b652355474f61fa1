# SPDX-License-Identifier: Apache-2.0
"""PyTorch's optimisers as optax gradient transformations.

Each has PyTorch's formula, defaults and argument checks, and works in any optax
chain and on any pytree of floating-point arrays.
"""

from flaxnn.optim import lr_scheduler
from flaxnn.optim._adadelta import AdadeltaState, adadelta
from flaxnn.optim._adagrad import AdagradState, adagrad
from flaxnn.optim._adam import AdamState, adam, adamw
from flaxnn.optim._adamax import AdamaxState, adamax
from flaxnn.optim._asgd import ASGDState, asgd
from flaxnn.optim._averaged import AveragedState, averaged, averaged_params
from flaxnn.optim._chain import chain
from flaxnn.optim._clip import (
    ClipGradNormState,
    ClipGradValueState,
    clip_grad_norm,
    clip_grad_value,
)
from flaxnn.optim._lbfgs import LBFGSState, lbfgs
from flaxnn.optim._nadam import NAdamState, nadam
from flaxnn.optim._param_groups import param_groups
from flaxnn.optim._radam import RAdamState, radam
from flaxnn.optim._rmsprop import RMSpropState, rmsprop
from flaxnn.optim._rprop import RpropState, rprop
from flaxnn.optim._scheduled import ScheduledState, scheduled
from flaxnn.optim._sgd import SGDState, sgd
from flaxnn.optim._torch_schedule import from_torch_schedule, to_torch_schedule
from flaxnn.optim._torch_state import from_torch_state, to_torch_state

__all__ = [
    "ASGDState",
    "AdadeltaState",
    "AdagradState",
    "AdamState",
    "AdamaxState",
    "AveragedState",
    "ClipGradNormState",
    "ClipGradValueState",
    "LBFGSState",
    "NAdamState",
    "RAdamState",
    "RMSpropState",
    "RpropState",
    "SGDState",
    "ScheduledState",
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "asgd",
    "averaged",
    "averaged_params",
    "chain",
    "clip_grad_norm",
    "clip_grad_value",
    "from_torch_schedule",
    "from_torch_state",
    "lbfgs",
    "lr_scheduler",
    "nadam",
    "param_groups",
    "radam",
    "rmsprop",
    "rprop",
    "scheduled",
    "sgd",
    "to_torch_schedule",
    "to_torch_state",
]
