# SPDX-License-Identifier: Apache-2.0
"""The port that is compared: its model, under PyTorch's names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from flaxnn import nn
from flaxnn.nn._names import Names, named_modules
from flaxnn.training._pure import split

Tensors = Mapping[str, Any]


@dataclass(frozen=True)
class Port:
    """A model with what trains it.

    Attributes:
        model: A flaxnn or Flax NNX module.
        loss: ``loss(output, target)``.
        optimizer: Any optax transformation.
        names: Flax's paths and PyTorch's, as in `flaxnn.nn.load_state_dict`.
        rules: Further rules, as there.
        flatten: Sizes before flattening, as there.
    """

    model: nnx.Module
    loss: Callable[..., Any] | None
    optimizer: optax.GradientTransformation | None
    names: Names = ()
    rules: Sequence[nn.Rule] = ()
    flatten: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def loaded(self, tensors: Tensors, *, strict: bool = True) -> nnx.Module:
        """The model with these arrays in place of its own."""
        return nn.load_state_dict(
            self.model,
            tensors,
            strict,
            names=self.names,
            rules=self.rules,
            flatten=self.flatten,
        )

    def state_dict(self, model: nnx.Module | None = None) -> dict[str, np.ndarray]:
        """A model's arrays under PyTorch's names, in PyTorch's layouts."""
        return nn.to_state_dict(
            self.model if model is None else model,
            names=self.names,
            rules=self.rules,
            flatten=self.flatten,
        )

    def flattened(self) -> dict[str, Sequence[int]]:
        """The sizes before flattening, by PyTorch's name of the module."""
        return {
            name: self.flatten[path]
            for name, path, _ in named_modules(self.model, self.names)
            if path in self.flatten
        }

    def tree(self, tensors: Tensors, dtype: Any) -> Any:
        """Arrays shaped as the parameters, such as moments, as the optimiser's tree."""
        params = split(self.loaded(tensors, strict=False))[1]
        return cast(params, dtype)

    def tensors(self, tree: Any) -> dict[str, np.ndarray]:
        """The inverse of `tree`: arrays under PyTorch's names."""
        graphdef, _, rest = split(self.model)
        return self.state_dict(nnx.merge(graphdef, tree, rest))


def cast(tree: Any, dtype: Any) -> Any:
    """A tree with its floating-point arrays in a dtype."""
    return jax.tree.map(
        lambda a: jnp.asarray(a, dtype) if jnp.issubdtype(a.dtype, jnp.floating) else a,
        tree,
    )


def in_dtype(model: nnx.Module, dtype: Any) -> nnx.Module:
    """The model with its floating-point arrays in a dtype."""
    graphdef, state = nnx.split(model)
    return nnx.merge(graphdef, cast(nnx.to_pure_dict(state), dtype))
