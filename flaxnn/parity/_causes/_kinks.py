# SPDX-License-Identifier: Apache-2.0
"""Mistakes in a gradient: where a function has a kink, its slope is a convention."""

from __future__ import annotations

from typing import Any

import numpy as np

from flaxnn.parity._finding import Cause

KINK = Cause(
    "slope at a kink",
    "PyTorch's slope of relu at 0 is 0, jnp.maximum's is 1/2: use flaxnn.functional's "
    "or jax.nn.relu; of abs it is 0, of hardtanh 0 at both ends",
)
_AT_ZERO = (
    "ReLU",
    "LeakyReLU",
    "PReLU",
    "RReLU",
    "ELU",
    "CELU",
    "SELU",
    "Softshrink",
    "Hardshrink",
    "Threshold",
)
_KINKS = {
    "ReLU6": (0.0, 6.0),
    "Hardtanh": (-1.0, 1.0),
    "Hardsigmoid": (-3.0, 3.0),
    "Hardswish": (-3.0, 3.0),
}


def cause_of_gradient(
    kind: str,
    options: dict[str, Any],
    inputs: np.ndarray,
    recorded: np.ndarray,
    port: np.ndarray,
) -> Cause | None:
    """Returns the cause where only what lies at a kink differs.

    Args:
        kind: PyTorch's class of the module.
        options: Its options.
        inputs: What went in.
        recorded: PyTorch's gradient of that.
        port: The port's.
    """
    if recorded.shape != port.shape:
        return None
    if kind.startswith(("MaxPool", "AdaptiveMaxPool")):
        total = np.isclose(recorded.sum(), port.sum(), rtol=1e-5)
        return KINK if total else None
    kinks = _KINKS.get(kind, (0.0,) if kind in _AT_ZERO else ())
    if kind == "Hardtanh":
        kinks = float(options.get("min_val", -1)), float(options.get("max_val", 1))
    if kind in ("Softshrink", "Hardshrink"):
        width = float(options.get("lambd", 0.5))
        kinks = -width, width
    scale = np.abs(recorded).max(initial=0) + np.abs(port).max(initial=0)
    differing = np.abs(recorded.astype(float) - port) > 1e-5 * scale
    at_kink = np.isin(inputs, np.asarray(kinks, inputs.dtype))
    return KINK if kinks and differing.any() and at_kink[differing].all() else None
