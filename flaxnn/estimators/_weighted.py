# SPDX-License-Identifier: Apache-2.0
"""A network whose samples have weights, and what it is trained and judged by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from flaxnn import nn

# The network's output, the samples' weights, and the sum of its squared weights.
Weighted = tuple[jax.Array, jax.Array, jax.Array]


class WeightedNetwork(nn.Module):
    """A network that passes its samples' weights on to the loss.

    Args:
        network: The network, a module of one input.
        penalized: Whether the loss needs the sum of the squared weights of its linear
            layers; biases are not counted.
    """

    def __init__(self, network: nnx.Module, *, penalized: bool = False):
        self.network = network
        self.penalized = penalized

    def forward(self, input: jax.Array, weight: jax.Array) -> Weighted:
        """Returns the output, the weights, and the sum of squares or 0."""
        squares = jnp.zeros((), input.dtype)
        if self.penalized:
            for _, layer in nnx.iter_modules(self.network):
                if isinstance(layer, nn.Linear):
                    squares = squares + jnp.sum(jnp.square(layer.weight.get_value()))
        return self.network(input), weight, squares  # pyright: ignore[reportCallIssue]


class WeightedLoss(nn.Module):
    """The mean of a loss over samples with weights, and the penalty of the network.

    The mean is ``(Σ wᵢ lᵢ + ½ α Σ W²) / Σ wᵢ``, and 0 where a batch has no weight.

    Args:
        loss: Gives a loss for each sample ``(N,)``, or for each of its outputs too,
            over which ``outputs`` says what to do.
        dtype: The dtype that is computed in.
        alpha: The strength α of the penalty; a number that is traced.
        outputs: ``"mean"`` or ``"sum"``.
    """

    def __init__(
        self,
        loss: Callable[..., Any],
        dtype: Any,
        *,
        alpha: float = 0.0,
        outputs: str = "mean",
    ):
        self.loss = loss
        self.alpha = nn.Buffer(np.asarray(alpha, dtype))
        self.outputs = outputs

    def forward(self, input: Weighted, target: jax.Array) -> jax.Array:
        """Returns the scalar loss of a network's output against the target."""
        output, weight, squares = input
        each = self.loss(output, target)
        each = each.reshape(each.shape[0], -1)
        each = each.mean(axis=1) if self.outputs == "mean" else each.sum(axis=1)
        penalty = 0.5 * self.alpha.get_value() * squares
        total = weight.sum()
        mean = (jnp.sum(weight * each) + penalty) / jnp.where(total > 0, total, 1)
        return jnp.where(total > 0, mean, jnp.zeros_like(mean))


class PlainLoss(nn.Module):
    """A loss that has no use for weights, on the output of a `WeightedNetwork`.

    Args:
        loss: A function of output and target, or a module.
    """

    def __init__(self, loss: Callable[..., Any]):
        self.loss = loss

    def forward(self, input: Weighted, target: jax.Array) -> jax.Array:
        """Returns the scalar loss."""
        return self.loss(input[0], target)


@dataclass(frozen=True)
class Correct:
    """The weight of each sample that is predicted right, 0 for the others.

    Attributes:
        threshold: From where on a single output, or one of several labels, is
            predicted; None for one class of several, the one with the largest output.
    """

    threshold: float | None = None

    def __call__(self, output: Weighted, target: jax.Array) -> jax.Array:
        """Returns ``(N,)`` weights of right predictions."""
        scores, weight, _ = output
        if self.threshold is None:
            right = jnp.argmax(scores, axis=1) == target
        else:
            wanted = target.reshape(len(target), -1) > 0.5
            right = (scores.reshape(len(target), -1) > self.threshold) == wanted
            right = right.all(axis=1)
        return jnp.where(right, weight, jnp.zeros_like(weight))


class SquaredErrors(nn.Module):
    """The weighted squared error of each sample, the mean over its outputs.

    Args:
        scale: ``(K,)`` what the error of each output is multiplied by, in the dtype
            that is computed in.
        exponential: Whether what is predicted is the exponential of the output.
    """

    def __init__(self, scale: np.ndarray, *, exponential: bool = False):
        self.scale = nn.Buffer(scale)
        self.exponential = exponential

    def forward(self, output: Weighted, target: jax.Array) -> jax.Array:
        """Returns ``(N,)`` errors."""
        found, weight, _ = output
        found = jnp.exp(found) if self.exponential else found
        errors = jnp.square(found - target).reshape(len(target), -1)
        return weight * jnp.mean(errors * self.scale.get_value()[None, :], axis=1)


def judge_of_regression(
    weight: np.ndarray, target: np.ndarray, *, exponential: bool = False
) -> tuple[SquaredErrors, Callable[[Mapping[str, np.ndarray]], float]]:
    """Returns the metric "error" of a validation, and what makes R² of it.

    R² is the mean over the outputs; an output that is constant counts as 0.

    Args:
        weight: ``(N,)`` weights of the validation's samples.
        target: ``(N, …)`` their targets.
        exponential: As for `SquaredErrors`.
    """
    outputs = target.reshape(len(target), -1).astype(np.float64)
    weights = weight.astype(np.float64)
    mean = np.average(outputs, axis=0, weights=weights)
    total = np.average(np.square(outputs - mean), axis=0, weights=weights)
    varies = total > 0
    share = weights.sum() / len(weights)
    scale = np.divide(1 / share, total, out=np.zeros_like(total), where=varies)
    best = float(varies.mean())
    metric = SquaredErrors(scale.astype(target.dtype), exponential=exponential)
    return metric, lambda values: best - float(values["error"])


def weight_of(output: Weighted, target: jax.Array) -> jax.Array:
    """Returns the weight of each sample."""
    del target
    return output[1]


def score_of(values: Mapping[str, np.ndarray]) -> float:
    """Returns the share of the weight that is predicted right, from an evaluation.

    Args:
        values: The means of `Correct` and `weight_of`, under "correct" and "weight".
    """
    return float(values["correct"] / values["weight"])
