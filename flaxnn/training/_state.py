# SPDX-License-Identifier: Apache-2.0
"""All that a run must remember: on the device, and beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.core import Tracer

from flaxnn.optim import averaged_params
from flaxnn.random import Generator
from flaxnn.training._pure import Tree, split

M = TypeVar("M", bound=nnx.Module)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TrainState:
    """What one training step reads and replaces: a pytree.

    Attributes:
        step: Updates done so far, int32.
        params: The parameters that are trained, nested as the modules are.
        buffers: Everything else of the model, such as running means, and parameters
            that are frozen.
        opt_state: The optimiser's state, of the trained parameters.

    Example:
        >>> from flaxnn import models, optim
        >>> from flaxnn.random import Generator
        >>> model = models.LogisticRegression(rngs=Generator(2025))
        >>> state = TrainState.create(model, optim.sgd(lr=0.01))
        >>> int(state.step)
        0
    """

    step: jax.Array
    params: Tree
    buffers: Tree
    opt_state: optax.OptState

    @classmethod
    def create(
        cls,
        model: nnx.Module,
        optimizer: optax.GradientTransformation,
        *,
        freeze: Sequence[str] = (),
    ) -> TrainState:
        """Returns the state before the first update, in arrays of its own.

        Args:
            model: The model; it is not changed, and its arrays are copied.
            optimizer: Any optax transformation.
            freeze: Patterns of names of parameters that are not trained, such as
                ``("0.*", "*.bias")``, as in `flaxnn.optim.param_groups`. They have no
                gradient, no update, no weight decay and no optimiser state, and a step
                needs not be told: what it differentiates is the state's ``params``.

        Raises:
            TypeError: The model is not a Flax NNX module, or ``freeze`` no sequence of
                patterns.
            ValueError: The model has no parameters, a pattern fits none, or all are
                frozen.

        Torch:
            ``parameter.requires_grad_(False)`` and an optimiser of the others, 2.13.0.
            As there, a frozen batch norm still normalises by its batch and moves its
            running statistics.
        """
        _, params, buffers = split(model, freeze)
        return cls.start(params, buffers, optimizer)

    @classmethod
    def start(
        cls, params: Tree, buffers: Tree, optimizer: optax.GradientTransformation
    ) -> TrainState:
        """Returns the state before the first update, from a model's collections.

        Args:
            params: The parameters, copied.
            buffers: Everything else, copied.
            optimizer: Any optax transformation.

        Raises:
            ValueError: There are no parameters.
        """
        if not jax.tree.leaves(params):
            raise ValueError(
                "the model has no parameters to train: register arrays as "
                "flaxnn.nn.Parameter"
            )
        # Put there, not computed: that would be one more program to compile.
        step = jax.device_put(np.zeros((), np.int32))
        return cls(step, params, buffers, optimizer.init(params)).copy()

    def copy(self) -> TrainState:
        """Returns the same state in other arrays, safe to donate."""
        return copied(self)

    def to_model(self, model: M, *, averaged: bool = False) -> M:
        """Returns a new model with this state's parameters and buffers.

        Args:
            model: A model of the same structure; it is not changed.
            averaged: Whether it takes the average that `flaxnn.optim.averaged` keeps in
                place of the parameters. Frozen parameters and buffers, such as running
                statistics, are the last ones in either case.

        Raises:
            ValueError: The optimiser's state holds no average.
        """
        graphdef = split(model)[0]
        params = averaged_params(self.opt_state) if averaged else self.params
        return nnx.merge(graphdef, params, self.buffers)


@dataclass(frozen=True)
class RunState:
    """A run's whole state: pass it to `fit` as ``state`` to go on from there.

    Attributes:
        train: The device's part.
        epoch: The epoch that the next step belongs to.
        batch: Steps of that epoch done.
        generators_at_epoch: ``(5056,)`` states, one for each Generator of the run, at
            the start of that epoch: its order is drawn again from them.
        generators: The same Generators' states now.
    """

    train: TrainState
    epoch: int = 0
    batch: int = 0
    generators_at_epoch: tuple[np.ndarray, ...] = field(default=())
    generators: tuple[np.ndarray, ...] = field(default=())


def copied(tree: Tree) -> Tree:
    """The same values in arrays of their own, safe to donate."""
    return jax.tree.map(_copied, tree)


def _copied(leaf: Any) -> jax.Array:
    if not isinstance(leaf, jax.Array) or isinstance(leaf, Tracer):
        return jnp.copy(leaf)
    # A transfer compiles nothing; jnp.copy, a program for each shape.
    here = leaf.is_fully_addressable
    return jax.device_put(leaf, may_alias=False) if here else jnp.copy(leaf)


def generator_states(generators: tuple[Generator, ...]) -> tuple[np.ndarray, ...]:
    """The states of Generators, as PyTorch's 5056 bytes each."""
    return tuple(generator.get_state() for generator in generators)


def restore_generators(
    generators: tuple[Generator, ...], states: tuple[np.ndarray, ...]
) -> None:
    """Puts Generators back into recorded states."""
    if len(generators) != len(states):
        raise ValueError(
            f"the state was recorded with {len(states)} Generators but this run has "
            f"{len(generators)}; pass the same rngs and loader as then"
        )
    for generator, state in zip(generators, states, strict=True):
        generator.set_state(state)
