# SPDX-License-Identifier: Apache-2.0
"""PyTorch's SGD and Adam in NumPy, with options that PyTorch does not have.

They are what a port's numbers are recognised by, not what anything is trained with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Options = Mapping[str, Any]
State = Mapping[str, np.ndarray]


def is_decoupled(kind: str, options: Options) -> bool:
    """Whether an Adam decays the parameter and not the gradient."""
    return bool(options.get("decoupled_weight_decay", kind == "AdamW"))


def sgd(
    options: Options,
    param: np.ndarray,
    grad: np.ndarray,
    state: State,
    *,
    decoupled: bool = False,
    decay: float | None = None,
    dampening: float | None = None,
    dampen_first: bool = False,
    nesterov: bool | None = None,
) -> dict[str, np.ndarray]:
    """Returns the parameter and the buffer after an update.

    Args:
        options: The group's options; what follows `state` takes their place.
        param: The parameter.
        grad: Its gradient.
        state: PyTorch's state of it.
        decoupled: Whether the decay is left out of the gradient.
        decay: The weight decay.
        dampening: The dampening.
        dampen_first: Whether the first gradient is dampened too.
        nesterov: Whether to look ahead.
    """
    lr, momentum = float(options["lr"]), float(options.get("momentum", 0.0))
    decay = float(options.get("weight_decay", 0.0)) if decay is None else decay
    if dampening is None:
        dampening = float(options.get("dampening", 0.0))
    nesterov = bool(options.get("nesterov")) if nesterov is None else nesterov
    grad = -grad if options.get("maximize") else grad
    if not decoupled:
        grad = grad + decay * param
    new = {}
    if momentum:
        old = state.get("momentum_buffer")
        fresh = old is None and not dampen_first
        buffer = grad if fresh else (1 - dampening) * grad
        buffer = buffer if old is None else momentum * old + buffer
        grad = grad + momentum * buffer if nesterov else buffer
        new["momentum_buffer"] = buffer
    less = lr * decay * param if decoupled else 0.0
    return {"param": param - lr * grad - less, **new}


def adam(
    options: Options,
    param: np.ndarray,
    grad: np.ndarray,
    state: State,
    *,
    decoupled: bool,
    root: str = "outside",
    decay: float | None = None,
    corrected: tuple[bool, bool] = (True, True),
    shift: int = 0,
    eps: float | None = None,
    betas: tuple[float, float] | None = None,
) -> dict[str, np.ndarray]:
    """Returns the parameter and the moments after an update.

    Args:
        options: The group's options; some of what follows takes their place.
        param: The parameter.
        grad: Its gradient.
        state: PyTorch's state of it.
        decoupled: Whether the parameter is decayed and not the gradient.
        root: Where epsilon is: ``"outside"`` as in PyTorch, ``"inside"``, ``"inside,
            uncorrected"`` or ``"before correction"``.
        decay: The weight decay.
        corrected: Which of the two moments are corrected for their bias.
        shift: How many steps the correction is ahead.
        eps: Epsilon.
        betas: The betas.
    """
    lr = float(options["lr"])
    eps = float(options.get("eps", 1e-8)) if eps is None else eps
    decay = float(options.get("weight_decay", 0.0)) if decay is None else decay
    one, two = np.asarray(betas or options.get("betas", (0.9, 0.999)), np.float64)
    time = max(float(state.get("step", np.zeros(()))) + 1 + shift, 0.0)
    grad = -grad if options.get("maximize") else grad
    start = param * (1 - lr * decay) if decoupled else param
    if not decoupled:
        grad = grad + decay * param
    zeros = np.zeros_like(param)
    mean = one * state.get("exp_avg", zeros) + (1 - one) * grad
    square = two * state.get("exp_avg_sq", zeros) + (1 - two) * grad**2
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 1 / (1 - one**time) if corrected[0] else 1.0
        spread = 1 - two**time if corrected[1] else 1.0
        denominator = {
            "outside": np.sqrt(square / spread) + eps,
            "inside": np.sqrt(square / spread + eps),
            "inside, uncorrected": np.sqrt((square + eps) / spread),
            "before correction": (np.sqrt(square) + eps) / np.sqrt(spread),
        }[root]
        after = start - lr * scale * mean / denominator
    return {"param": after, "exp_avg": mean, "exp_avg_sq": square}
