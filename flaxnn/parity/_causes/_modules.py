# SPDX-License-Identifier: Apache-2.0
"""Mistakes in a module's forward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn.parity._causes._arithmetic import COARSE, coarse_inputs, explains
from flaxnn.parity._causes._norms import NORMS, norm_mistakes
from flaxnn.parity._finding import Cause

TRANSPOSED = Cause(
    "weight not transposed",
    "PyTorch's weight is (out, in), Flax's kernel (in, out): load it with "
    "flaxnn.nn.load_state_dict, or transpose it",
)
FLIPPED = Cause(
    "kernel turned around or its axes swapped",
    "PyTorch's convolution is a correlation with a weight (out, in, H, W): use "
    "lax.conv_general_dilated with dimension numbers OIHW, or transpose the kernel "
    "to (H, W, in, out)",
)
FLATTENED = Cause(
    "flatten order",
    "PyTorch flattens channels first, (C, H, W): transpose to it before flattening, "
    "or permute the dense kernel's rows (flatten= of flaxnn.nn.load_state_dict)",
)
GELU = Cause(
    "form of gelu",
    "PyTorch's default is the exact one, jax.nn.gelu's the tanh approximation: pass "
    "approximate=False (True for nn.GELU('tanh'))",
)
DROPOUT_ON = Cause(
    "dropout left on",
    "the recorded module drops nothing here: call model.eval(), or pass "
    "deterministic=True, where PyTorch does",
)
DROPOUT_OFF = Cause(
    "dropout left off",
    "the recorded module is in training mode and drops: call model.train()",
)
OTHER_MASK = Cause(
    "another dropout mask",
    "the port draws from another stream: build it with flaxnn.nn.Dropout and the "
    "run's Generator for PyTorch's masks, or name the module in ignore=",
)
OTHER_RATE = Cause(
    "dropout's scale",
    "what is kept is divided by 1 - p, with PyTorch's p for what is dropped",
)
SLOPE = Cause(
    "slope below zero",
    "PyTorch's defaults: LeakyReLU 0.01, ELU 1.0, PReLU a parameter",
)
AXIS = Cause(
    "axis of the softmax", "sum over PyTorch's dim; jax.nn.softmax takes axis=-1"
)
BIAS = Cause("bias left out", "add the module's bias")


@dataclass(frozen=True)
class Situation:
    """A module's call, recorded and done again.

    Attributes:
        kind: PyTorch's class.
        options: Its options.
        inputs: What went in, as recorded.
        tensors: Its parameters and buffers before the step.
        recorded: What came out.
        port: What the port computes from the same inputs.
        recorded_training: PyTorch's mode.
        port_training: The port's mode.
    """

    kind: str
    options: dict[str, Any]
    inputs: tuple[np.ndarray, ...]
    tensors: dict[str, np.ndarray]
    recorded: np.ndarray
    port: np.ndarray
    recorded_training: bool
    port_training: bool


Mistakes = Iterator[tuple[Cause, Any]]


def cause_of_output(situation: Situation) -> Cause | None:
    """Returns the mistake that gives the port's output, if it is a usual one."""
    if situation.kind.startswith(("Dropout", "AlphaDropout", "FeatureAlphaDropout")):
        return _dropout(situation)
    if not situation.inputs:
        return None
    for kinds, mistakes in _TABLE:
        if situation.kind not in kinds:
            continue
        with jax.enable_x64(True):
            for cause, candidate in mistakes(situation):
                if explains(candidate, situation.port, situation.recorded):
                    return cause
    return None


def _dropout(s: Situation) -> Cause | None:
    x = s.inputs[0].astype(np.float64)
    recorded, port = s.recorded.astype(np.float64), s.port.astype(np.float64)
    kept = np.abs(port) > 0
    if np.array_equal(recorded, x):
        return DROPOUT_ON
    if np.allclose(port, x, rtol=1e-6, atol=0):
        return DROPOUT_OFF
    theirs = recorded != 0
    if np.array_equal(kept, theirs):
        return OTHER_RATE
    scale = 1 / (1 - float(s.options.get("p", 0.5)))
    same = np.allclose(port[kept], (x * scale)[kept], rtol=1e-5, atol=0)
    return OTHER_MASK if same else OTHER_RATE


def _linear(s: Situation) -> Mistakes:
    x, weight = s.inputs[0].astype(np.float64), s.tensors["weight"].astype(np.float64)
    bias = s.tensors.get("bias", np.zeros(weight.shape[0])).astype(np.float64)
    if weight.shape[0] == weight.shape[1]:
        yield TRANSPOSED, x @ weight + bias
    yield BIAS, x @ weight.T
    for other, same in zip(coarse_inputs(x), coarse_inputs(weight), strict=True):
        yield COARSE, other @ same.T + bias
        yield COARSE, coarse_inputs(other @ same.T + bias)[0]
    for sizes in _factorings(x.shape[-1]):
        order = np.arange(x.shape[-1]).reshape(sizes)
        yield FLATTENED, x[..., np.moveaxis(order, 0, -1).ravel()] @ weight.T + bias
        yield FLATTENED, x[..., np.moveaxis(order, -1, 0).ravel()] @ weight.T + bias


def _factorings(width: int) -> Iterator[tuple[int, int]]:
    """Channels and pixels that a flattened row may be made of."""
    return ((c, width // c) for c in range(2, width // 2 + 1) if width % c == 0)


def _convolution(s: Situation) -> Mistakes:
    from flaxnn import functional

    convolve: Callable[..., Any] = getattr(functional, s.kind.lower())
    names = ("stride", "padding", "dilation", "groups")
    options = {name: s.options[name] for name in names if name in s.options}
    options = {k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}
    x, weight = s.inputs[0].astype(np.float64), s.tensors["weight"].astype(np.float64)
    bias = s.tensors.get("bias")

    def output(x: np.ndarray, weight: np.ndarray, bias: Any = bias) -> Any:
        wide = None if bias is None else jnp.asarray(bias, "float64")
        return convolve(jnp.asarray(x), jnp.asarray(weight), wide, **options)

    space = tuple(range(2, weight.ndim))
    yield FLIPPED, output(x, np.flip(weight, space))
    for order in list(permutations(space))[1:]:
        swapped = weight.transpose(0, 1, *order)
        if swapped.shape == weight.shape:
            yield FLIPPED, output(x, swapped)
    if weight.shape[0] == weight.shape[1]:
        yield TRANSPOSED, output(x, weight.swapaxes(0, 1))
    yield BIAS, output(x, weight, None)
    for other, same in zip(coarse_inputs(x), coarse_inputs(weight), strict=True):
        yield COARSE, output(other, same)
        yield COARSE, coarse_inputs(output(other, same))[0]


def _flatten(s: Situation) -> Mistakes:
    x = s.inputs[0]
    first = int(s.options.get("start_dim", 1))
    for order in list(permutations(range(first, x.ndim)))[1:]:
        turned = x.transpose(*range(first), *order)
        yield FLATTENED, turned.reshape(s.recorded.shape)


def _gelu(s: Situation) -> Mistakes:
    x = jnp.asarray(s.inputs[0], "float64")
    yield GELU, jax.nn.gelu(x, approximate=True)
    yield GELU, jax.nn.gelu(x, approximate=False)


def _leaky(s: Situation) -> Mistakes:
    x, port = s.inputs[0].astype(np.float64), s.port.astype(np.float64)
    below = x < 0
    if below.any():
        ratio = np.median(port[below] / x[below])
        yield SLOPE, np.where(below, ratio * x, x)
        bend = np.expm1(x[below])
        scale = np.median(port[below] / bend)
        yield SLOPE, np.where(below, scale * np.expm1(np.minimum(x, 0)), x)


def _softmax(s: Situation) -> Mistakes:
    x = jnp.asarray(s.inputs[0], "float64")
    function = jax.nn.log_softmax if s.kind == "LogSoftmax" else jax.nn.softmax
    for axis in range(x.ndim):
        yield AXIS, function(x, axis=axis)


_TABLE: tuple[tuple[tuple[str, ...], Callable[[Situation], Mistakes]], ...] = (
    (("Linear",), _linear),
    (("Conv1d", "Conv2d", "Conv3d"), _convolution),
    (NORMS, norm_mistakes),
    (("Flatten",), _flatten),
    (("GELU",), _gelu),
    (("ReLU", "LeakyReLU", "ELU", "CELU"), _leaky),
    (("Softmax", "LogSoftmax"), _softmax),
)
