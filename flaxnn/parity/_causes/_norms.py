# SPDX-License-Identifier: Apache-2.0
"""Mistakes in layers that normalise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from flaxnn.parity._finding import Cause

NORMS = (
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LayerNorm",
    "GroupNorm",
)
EPSILON_ROOT = Cause(
    "epsilon on the other side of the root",
    "norms divide by sqrt(var + eps); Adam divides by sqrt(v) + eps",
)
EPSILON = Cause(
    "size of epsilon",
    "PyTorch's defaults are 1e-5 for norms and 1e-8 for Adam; Flax's norms have 1e-6",
)
BIASED = Cause(
    "biased or unbiased variance",
    "norms divide by the variance over n; batch norm's running_var takes the one over "
    "n - 1",
)
STATISTICS = Cause(
    "batch statistics or running ones",
    "in training mode batch norm uses the batch's, in evaluation the running ones: "
    "check train() and eval(), or use_running_average",
)


def norm_mistakes(s: Any) -> Iterator[tuple[Cause, Any]]:
    """The outputs that the usual mistakes in a norm give.

    Args:
        s: The `Situation`.
    """
    x = s.inputs[0].astype(np.float64)
    groups, axes = _grouped(s, x)
    eps = float(s.options.get("eps", 1e-5))
    mean, var = groups.mean(axes, keepdims=True), groups.var(axes, keepdims=True)
    count = np.prod([groups.shape[a] for a in axes])
    running = s.kind.startswith("BatchNorm") and not s.recorded_training
    if "running_mean" in s.tensors:
        kept_mean, kept_var = (
            s.tensors[name].astype(np.float64).reshape(mean.shape)
            for name in ("running_mean", "running_var")
        )
        if running:
            mean, var, kept_mean, kept_var = kept_mean, kept_var, mean, var
        yield STATISTICS, _scaled(s, x, groups, kept_mean, kept_var, eps)

    def output(var: np.ndarray, *, eps: Any = eps, outside: bool = False) -> Any:
        return _scaled(s, x, groups, mean, var, eps, outside=outside)

    yield EPSILON_ROOT, output(var, outside=True)
    if count > 1:
        yield BIASED, output(var * count / (count - 1))
    for other in (0.0, 1e-3, 1e-5, 1e-6, 1e-8, 1e-12, 10 * eps, eps / 10):
        if other != eps:
            yield EPSILON, output(var, eps=other)


def _grouped(s: Any, x: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
    """The input as it is normalised, and the axes that are averaged over."""
    if s.kind.startswith("BatchNorm"):
        return x, (0, *range(2, x.ndim))
    if s.kind.startswith("InstanceNorm"):
        return x, tuple(range(2, x.ndim))
    if s.kind == "GroupNorm":
        number = int(s.options["num_groups"])
        return x.reshape(len(x), number, -1), (2,)
    shape = s.options.get("normalized_shape", x.shape[-1:])
    rank = len(shape) if isinstance(shape, tuple | list) else 1
    return x, tuple(range(x.ndim - rank, x.ndim))


def _scaled(
    s: Any,
    x: np.ndarray,
    groups: np.ndarray,
    mean: np.ndarray,
    var: np.ndarray,
    eps: float,
    *,
    outside: bool = False,
) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(var) + eps if outside else np.sqrt(var + eps)
        normal = ((groups - mean) / root).reshape(x.shape)
    if "weight" not in s.tensors:
        return normal
    weight = s.tensors["weight"].astype(np.float64)
    bias = s.tensors.get("bias", np.zeros_like(weight)).astype(np.float64)
    if s.kind != "LayerNorm":
        weight, bias = (a.reshape(-1, *[1] * (x.ndim - 2)) for a in (weight, bias))
    return normal * weight + bias
