# SPDX-License-Identifier: Apache-2.0
"""Many runs in one call: search spaces, their lanes, what came of them."""

from flaxnn.sweeps._distributions import (
    Choice,
    Distribution,
    IntUniform,
    LogUniform,
    Uniform,
)
from flaxnn.sweeps._ensemble import Ensemble, Uncertainty
from flaxnn.sweeps._groups import Lane
from flaxnn.sweeps._result import Sweep
from flaxnn.sweeps._space import Grid, Random, Space, Zip
from flaxnn.sweeps._sweep import sweep
from flaxnn.sweeps._table import Table

__all__ = [
    "Choice",
    "Distribution",
    "Ensemble",
    "Grid",
    "IntUniform",
    "Lane",
    "LogUniform",
    "Random",
    "Space",
    "Sweep",
    "Table",
    "Uncertainty",
    "Uniform",
    "Zip",
    "sweep",
]
