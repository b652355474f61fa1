# SPDX-License-Identifier: Apache-2.0
"""The two kinds of state a module registers: parameters and buffers."""

from __future__ import annotations

from typing import Any

import jax
from flax import nnx
from jax.core import Tracer

from flaxnn.report import tensor_text

# Flax's own types, so that its filters, optimisers and Linen collections ("params",
# "batch_stats") find them.
Parameter = nnx.Param
Buffer = nnx.BatchStat


def value_of(variable: nnx.Variable[Any] | None) -> jax.Array | None:
    """The array of a parameter or buffer that a module may be without."""
    return None if variable is None else variable.get_value()


class PrintedParameter(nnx.Param[jax.Array]):
    """A parameter's present value, printed as PyTorch prints a parameter.

    What `Module.parameters` yields. It is a snapshot: a module's parameter is changed
    through the module, ``model.weight.set_value(…)``.
    """

    def __repr__(self) -> str:
        value = self.get_value()
        if isinstance(value, Tracer) or not isinstance(value, jax.Array):
            return super().__repr__()
        text = tensor_text(value, suffix="requires_grad=True")
        return f"Parameter containing:\n{text}"
