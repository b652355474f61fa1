# SPDX-License-Identifier: Apache-2.0
"""Training as pure functions on explicit state, and the shell around them."""

from flaxnn.training import callbacks
from flaxnn.training._beginning import initial_state
from flaxnn.training._checkpoints import CheckpointError, Checkpoints, CheckpointWarning
from flaxnn.training._eval_step import EvalStep, ModelState, make_eval_step
from flaxnn.training._evaluate import evaluate, predict
from flaxnn.training._faults import NonFiniteLossError, OutOfMemoryError
from flaxnn.training._fit import Run, fit
from flaxnn.training._many import fit_many
from flaxnn.training._processes import ProcessLostError
from flaxnn.training._state import RunState, TrainState
from flaxnn.training._step import TrainStep, make_train_step
from flaxnn.training._validation import Validation

__all__ = [
    "CheckpointError",
    "CheckpointWarning",
    "Checkpoints",
    "EvalStep",
    "ModelState",
    "NonFiniteLossError",
    "OutOfMemoryError",
    "ProcessLostError",
    "Run",
    "RunState",
    "TrainState",
    "TrainStep",
    "Validation",
    "callbacks",
    "evaluate",
    "fit",
    "fit_many",
    "initial_state",
    "make_eval_step",
    "make_train_step",
    "predict",
]
