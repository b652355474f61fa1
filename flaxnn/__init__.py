# SPDX-License-Identifier: Apache-2.0
"""PyTorch training runs reproduced in JAX and Flax.

The same seed gives the same initial weights, the same batches in the same order and
the same optimiser arithmetic, without PyTorch installed.

Importing this package loads neither JAX nor any other array library: a subpackage is
imported when it is first touched.

Example:
    >>> import flaxnn
    >>> generator = flaxnn.random.Generator(0)
    >>> generator.rand(2)
    array([0.4962566, 0.7682218], dtype=float32)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flaxnn import _lazy

if TYPE_CHECKING:
    from flaxnn import bench as bench
    from flaxnn import data as data
    from flaxnn import estimators as estimators
    from flaxnn import functional as functional
    from flaxnn import init as init
    from flaxnn import interop as interop
    from flaxnn import metrics as metrics
    from flaxnn import models as models
    from flaxnn import nn as nn
    from flaxnn import optim as optim
    from flaxnn import parity as parity
    from flaxnn import random as random
    from flaxnn import report as report
    from flaxnn import reproduce as reproduce
    from flaxnn import runs as runs
    from flaxnn import sweeps as sweeps
    from flaxnn import training as training
    from flaxnn._compilation_cache import compilation_cache as compilation_cache
    from flaxnn._device import device as device
    from flaxnn.nn import astype as astype
    from flaxnn.nn import functional_call as functional_call
    from flaxnn.sweeps import sweep as sweep
    from flaxnn.training import evaluate as evaluate
    from flaxnn.training import fit as fit
    from flaxnn.training import predict as predict

__version__ = "0.1.0"

__all__ = [
    "__version__",
    "astype",
    "bench",
    "compilation_cache",
    "data",
    "device",
    "estimators",
    "evaluate",
    "fit",
    "functional",
    "functional_call",
    "init",
    "interop",
    "metrics",
    "models",
    "nn",
    "optim",
    "parity",
    "predict",
    "random",
    "report",
    "reproduce",
    "runs",
    "sweep",
    "sweeps",
    "training",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = _lazy.attach(
        __name__,
        subpackages={
            "bench",
            "data",
            "estimators",
            "functional",
            "init",
            "interop",
            "metrics",
            "models",
            "nn",
            "optim",
            "parity",
            "random",
            "report",
            "reproduce",
            "runs",
            "sweeps",
            "training",
        },
        names={
            "astype": "flaxnn.nn",
            "compilation_cache": "flaxnn._compilation_cache",
            "device": "flaxnn._device",
            "evaluate": "flaxnn.training",
            "fit": "flaxnn.training",
            "functional_call": "flaxnn.nn",
            "predict": "flaxnn.training",
            "sweep": "flaxnn.sweeps",
        },
    )
