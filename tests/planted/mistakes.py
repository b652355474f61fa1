# SPDX-License-Identifier: Apache-2.0
"""Layers, losses and optimisers that are wrong in one usual way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from flaxnn import functional as F
from flaxnn import nn
from flaxnn.random import Generator

ANY = Generator(0)


def held(variable: nnx.Variable | None) -> Any:
    """The array of a parameter or buffer that is there."""
    assert variable is not None
    return variable[...]


class TransposedLinear(nn.Linear):
    """Multiplies by the weight as it lies."""

    def forward(self, input: Any) -> Any:
        return jnp.asarray(input) @ held(self.weight) + held(self.bias)[None]


class CoarseLinear(nn.Linear):
    """Multiplies in bfloat16."""

    def forward(self, input: Any) -> Any:
        x, weight = (jnp.asarray(a, "bfloat16") for a in (input, held(self.weight)))
        product = jnp.einsum("nk,mk->nm", x, weight, preferred_element_type="float32")
        return product + held(self.bias)[None]


class TF32Linear(nn.Linear):
    """Multiplies with ten bits of mantissa."""

    def forward(self, input: Any) -> Any:
        x, weight = (_ten_bits(jnp.asarray(a)) for a in (input, held(self.weight)))
        return x @ weight.T + held(self.bias)[None]


@jax.custom_jvp
def _ten_bits(array: Any) -> Any:
    bits = jax.lax.bitcast_convert_type(array.astype("float32"), jnp.uint32)
    rounded = (bits + 0xFFF + ((bits >> 13) & 1)) & jnp.uint32(0xFFFFE000)
    back = jax.lax.bitcast_convert_type(rounded, jnp.float32)
    return back.astype(array.dtype)


_ten_bits.defjvp(lambda primals, tangents: (_ten_bits(*primals), tangents[0]))


class HalfSlopeReLU(nn.ReLU):
    """A relu whose slope at 0 is a half."""

    def forward(self, input: Any) -> Any:
        return jnp.maximum(input, 0)


class TanhGELU(nn.GELU):
    """The tanh approximation."""

    def forward(self, input: Any) -> Any:
        return jax.nn.gelu(input, approximate=True)


def normalised(
    x: Any, axes: tuple[int, ...], *, outside: bool = False, unbiased: bool = False
) -> Any:
    """A norm without weights, with epsilon outside of the root or another variance."""
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    if unbiased:
        count = np.prod([x.shape[axis] for axis in axes])
        var = var * count / (count - 1)
    root = jnp.sqrt(var) + 1e-5 if outside else jnp.sqrt(var + 1e-5)
    return (x - mean) / root


class WrongLayerNorm(nn.LayerNorm):
    """A layer norm with a mistake."""

    def __init__(self, width: int, **mistake: bool):
        super().__init__(width)
        self.mistake = tuple(mistake.items())

    def forward(self, input: Any) -> Any:
        normal = normalised(input, (-1,), **dict(self.mistake))
        return normal * held(self.weight)[None] + held(self.bias)[None]


class WrongBatchNorm(nn.BatchNorm2d):
    """A batch norm with a mistake in what it returns."""

    def __init__(self, width: int, **mistake: bool):
        super().__init__(width)
        self.mistake = tuple(mistake.items())

    def forward(self, input: Any) -> Any:
        super().forward(input)  # Moves the running statistics as it should.
        normal = normalised(input, (0, 2, 3), **dict(self.mistake))
        weight, bias = (held(a)[None, :, None, None] for a in (self.weight, self.bias))
        return normal * weight + bias


class BiasedRunningVariance(nn.BatchNorm2d):
    """A batch norm that keeps the variance over n."""

    def forward(self, input: Any) -> Any:
        old = held(self.running_var)
        output = super().forward(input)
        new = jnp.asarray(input).var((0, 2, 3))
        assert self.running_var is not None
        self.running_var.set_value(0.9 * old + 0.1 * new)
        return output


class UnbiasedFlaxNorm(nnx.BatchNorm):
    """Flax's batch norm with PyTorch's running variance."""

    def __call__(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        kept = self.momentum * self.var[...]
        output = super().__call__(x, *args, **kwargs)
        count = x.size / x.shape[-1]
        self.var.set_value(kept + (self.var[...] - kept) * count / (count - 1))
        return output


class LastAxisFlatten(nn.Flatten):
    """Flattens with the channels last."""

    def forward(self, input: Any) -> Any:
        x = jnp.moveaxis(jnp.asarray(input), 1, -1)
        return x.reshape(len(x), -1)


class FlippedConv(nn.Conv2d):
    """Turns the kernel around, as a mathematician's convolution does."""

    def forward(self, input: Any) -> Any:
        turned = held(self.weight)[:, :, ::-1, ::-1]
        return F.conv2d(input, turned, held(self.bias))


class SwappedConv(nn.Conv2d):
    """Takes the weight for (in, out, H, W)."""

    def forward(self, input: Any) -> Any:
        return F.conv2d(input, held(self.weight).swapaxes(0, 1), held(self.bias))


class CoarseConv(nn.Conv2d):
    """Convolves bfloat16 inputs with a bfloat16 kernel."""

    def forward(self, input: Any) -> Any:
        wide = held(self.weight).dtype
        x, weight = (
            jnp.asarray(a).astype("bfloat16").astype(wide)
            for a in (input, held(self.weight))
        )
        return F.conv2d(x, weight, held(self.bias))


def summed(output: Any, target: Any) -> Any:
    """The cross entropy, added up."""
    return F.cross_entropy(output, target, reduction="sum")


def of_probabilities(output: Any, target: Any) -> Any:
    """The cross entropy of a softmax."""
    return F.cross_entropy(F.softmax(output, 1), target)


def wrong_adam(
    lr: float,
    *,
    weight_decay: float = 0.0,
    root: str = "outside",
    corrected: tuple[bool, bool] = (True, True),
    decoupled: bool = False,
) -> optax.GradientTransformation:
    """Adam with a mistake, in optax's state."""

    def init(params: Any) -> Any:
        zeros = jax.tree.map(jnp.zeros_like, params)
        return optax.ScaleByAdamState(jnp.zeros((), jnp.int32), zeros, zeros)

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        time = state.count + 1
        if not decoupled:
            updates = jax.tree.map(lambda g, p: g + weight_decay * p, updates, params)
        mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, state.mu, updates)
        square = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, state.nu, updates)
        first = 1 - 0.9**time if corrected[0] else 1.0
        second = 1 - 0.999**time if corrected[1] else 1.0

        def step(m: Any, v: Any, p: Any) -> Any:
            v = v / second
            below = jnp.sqrt(v + 1e-8) if root == "inside" else jnp.sqrt(v) + 1e-8
            decay = weight_decay * p if decoupled else 0.0
            return -lr * (m / first / below + decay)

        new = jax.tree.map(step, mean, square, params)
        return new, optax.ScaleByAdamState(time, mean, square)

    return optax.GradientTransformation(init, update)


def late(schedule: Callable[[Any], Any], by: int) -> Callable[[Any], Any]:
    """A schedule so many steps behind; ahead of its time for a negative number."""
    return lambda count: schedule(jnp.maximum(count - by, 0))


def averaging_momentum(lr: float, momentum: float) -> optax.GradientTransformation:
    """SGD whose buffer is a moving average, as if dampening were the momentum."""

    def init(params: Any) -> Any:
        return optax.TraceState(jax.tree.map(jnp.zeros_like, params))

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        trace = jax.tree.map(
            lambda b, g: momentum * b + (1 - momentum) * g, state.trace, updates
        )
        return jax.tree.map(lambda b: -lr * b, trace), optax.TraceState(trace)

    return optax.GradientTransformation(init, update)
