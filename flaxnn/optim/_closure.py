# SPDX-License-Identifier: Apache-2.0
"""Which transformations evaluate the objective again, as PyTorch's closures."""

from __future__ import annotations

from typing import Any

from flaxnn.optim._lbfgs import LBFGSUpdate


def calls_closure(update: Any) -> bool:
    """Whether an optimiser in this update is one whose PyTorch step takes a closure."""
    if isinstance(update, LBFGSUpdate):
        return True
    inner = [part.update for part in getattr(update, "parts", ())]
    if hasattr(update, "optimizer"):
        inner.append(update.optimizer)
    return any(map(calls_closure, inner))
