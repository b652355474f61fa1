# SPDX-License-Identifier: Apache-2.0
"""The forward pass of a training step: its dtype, and what it keeps in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from flax.nnx.traversals import flatten_mapping, unflatten_mapping

from flaxnn.nn import HostDraw, recording
from flaxnn.training._freeze import joined, without
from flaxnn.training._pure import Tree, forward
from flaxnn.training._remat import rematerialized


@dataclass(frozen=True)
class Forward:
    """A model's forward pass in training mode; equal ones compile to one program.

    Attributes:
        graphdef: The model's structure.
        compute_dtype: ``"bfloat16"``, or None for the dtypes of the arrays.
        remat: Whether the gradient computes intermediate results again.
    """

    graphdef: nnx.GraphDef[Any]
    compute_dtype: str | None = None
    remat: bool = False

    def __post_init__(self) -> None:
        if self.compute_dtype not in (None, "bfloat16"):
            raise ValueError(
                "compute_dtype must be 'bfloat16', or None for the model's own dtype, "
                f"got {self.compute_dtype!r}"
            )
        if not isinstance(self.remat, bool):
            raise TypeError(f"remat must be True or False, got {self.remat!r}")

    def __call__(
        self, params: Tree, buffers: Tree, inputs: Sequence[Any]
    ) -> tuple[Any, Tree]:
        """The model's output and the buffers it leaves, in the arrays' own dtypes."""

        # Made at each call: JAX keeps traces of equal functions, and one that is
        # found again asks for no host draws.
        def run(params: Tree, buffers: Tree, inputs: Sequence[Any]) -> Any:
            if self.compute_dtype is None:
                return forward(self.graphdef, params, buffers, inputs, training=True)
            return self._in_half(params, buffers, inputs)

        if self.remat:
            run = rematerialized(run)
        return run(params, buffers, inputs)

    def _in_half(
        self, params: Tree, buffers: Tree, inputs: Sequence[Any]
    ) -> tuple[Any, Tree]:
        """The forward pass in half precision; what comes out is float32 again.

        Buffers that the pass moves, such as running statistics, keep their dtype: a
        small step towards a batch's mean would be lost in half precision. So do the
        parameters of the layer that holds them, as batch norm wants it. Other buffers
        are cast as parameters are, and come back as they were.
        """
        _refuse_float64((params, buffers, list(inputs)))
        moving = self._moving(params, buffers, inputs)
        still = without(buffers, moving)
        half = jnp.dtype(self.compute_dtype)
        wide = {
            path[:-1]
            for path, leaf in flatten_mapping(moving).items()
            if _is_floating(leaf)
        }
        output, after = forward(
            self.graphdef,
            _cast_except(params, half, wide),
            joined(_cast_except(still, half, wide), moving),
            _cast(list(inputs), half),
            training=True,
        )
        moved = jax.tree.map(
            lambda new, old: new.astype(old.dtype), without(after, still), moving
        )
        return _cast(output, jnp.float32), joined(moved, still)

    def _moving(self, params: Tree, buffers: Tree, inputs: Sequence[Any]) -> Tree:
        """The buffers that a forward pass replaces."""
        moving, _ = self.changes(params, buffers, inputs)
        flat = flatten_mapping(buffers)
        return unflatten_mapping({path: flat[path] for path in moving})

    def changes(
        self, params: Tree, buffers: Tree, inputs: Sequence[Any]
    ) -> tuple[set[tuple[Any, ...]], list[HostDraw]]:
        """The paths of the buffers that a forward pass replaces, and what it draws."""
        moving: set[tuple[Any, ...]] = set()

        def trace(params: Tree, buffers: Tree, inputs: Sequence[Any]) -> None:
            before = flatten_mapping(buffers)
            _, after = forward(self.graphdef, params, buffers, inputs, training=True)
            moving.update(
                path
                for path, leaf in flatten_mapping(after).items()
                if leaf is not before[path]
            )

        with recording() as draws:  # What it asks for are not the step's draws.
            jax.eval_shape(trace, params, buffers, list(inputs))
        return moving, draws


def _is_floating(array: Any) -> bool:
    return jnp.issubdtype(array.dtype, jnp.floating)


def _cast(tree: Tree, dtype: Any) -> Tree:
    """The tree with its floating-point arrays in a dtype."""
    return jax.tree.map(lambda a: jnp.asarray(a, dtype) if _is_floating(a) else a, tree)


def _cast_except(tree: Tree, dtype: Any, modules: set[tuple[Any, ...]]) -> Tree:
    """The same of a model's collection, without what these modules hold."""
    flat = flatten_mapping(tree)
    cast = {p: a if p[:-1] in modules else _cast(a, dtype) for p, a in flat.items()}
    return unflatten_mapping(cast)


def _refuse_float64(tree: Tree) -> None:
    if any(leaf.dtype == "float64" for leaf in jax.tree.leaves(tree)):
        raise ValueError(
            "compute_dtype='bfloat16' is for float32 models and inputs, got float64: "
            "convert the model with flaxnn.astype(model, 'float32'), or leave "
            "compute_dtype out"
        )
