# SPDX-License-Identifier: Apache-2.0
"""The average of the parameters over the updates, beside an optimiser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.tree_util import KeyPath

from flaxnn.optim._leafwise import leafwise
from flaxnn.optim._names import dotted
from flaxnn.optim._parts import Part, require_transformation
from flaxnn.optim._scalars import (
    Scalar,
    Scalars,
    Tree,
    as_traced,
    is_traced,
    require_params,
)


class AveragedState(NamedTuple):
    """State of `averaged`.

    Attributes:
        inner_state: The optimiser's state.
        average: The average, shaped as the parameters; the first parameters before
            anything was averaged.
        n_averaged: How many parameters are in it, int32, as PyTorch counts.
        step: Updates done so far, int32.
        every: Updates between two that are averaged, int32.
        start: Updates before the first that may be averaged, int32.
        hyperparams: ``decay``, traced, if the average is exponential.
    """

    inner_state: Any
    average: Tree
    n_averaged: jax.Array
    step: jax.Array
    every: jax.Array
    start: jax.Array
    hyperparams: Scalars


@dataclass(frozen=True)
class _AveragedInit:
    optimizer: Callable[..., Any]
    decay: Scalar | None
    start: int
    every: int

    def __call__(self, params: Tree) -> AveragedState:
        hyperparams = {} if self.decay is None else as_traced(decay=self.decay)
        zero = jnp.zeros((), jnp.int32)
        return AveragedState(
            self.optimizer(params),
            jax.tree.map(jnp.asarray, params),
            zero,
            zero,
            jnp.asarray(self.every, jnp.int32),
            jnp.asarray(self.start, jnp.int32),
            hyperparams,
        )


@dataclass(frozen=True)
class _AveragedUpdate:
    """One update of the optimiser, and of the average by what it leads to."""

    # The name by which `to_torch_state` finds the optimiser inside.
    optimizer: Callable[..., Any]
    takes_extra: bool

    def __call__(
        self, updates: Tree, state: Any, params: Tree = None, **extra: Any
    ) -> tuple[Tree, AveragedState]:
        require_params(params, "the average of the parameters")
        part = Part(self.optimizer, self.takes_extra)
        updates, inner = part(updates, state.inner_state, params, **extra)
        step = state.step + 1
        done = step - state.start
        due = (done > 0) & (done % state.every == 0)
        weight = _weight(state)
        (average,) = leafwise(
            lambda s, old, new: (jnp.where(due, _lerp(old, new, s["weight"]), old),),
            {"weight": weight},
            (state.average,),
            state.average,
            optax.apply_updates(params, updates),
        )
        count = state.n_averaged + due.astype(jnp.int32)
        new = AveragedState(
            inner, average, count, step, state.every, state.start, state.hyperparams
        )
        return updates, new


def _weight(state: AveragedState) -> jax.Array:
    """The new parameters' weight in the average; the first take all of it."""
    count = state.n_averaged
    wide = jax.dtypes.canonicalize_dtype(jnp.float64)
    if "decay" not in state.hyperparams:
        return 1 / (count + 1).astype(wide)
    return jnp.where(count == 0, 1.0, 1 - state.hyperparams["decay"].astype(wide))


def _lerp(old: jax.Array, new: jax.Array, weight: jax.Array) -> jax.Array:
    """PyTorch's ``lerp``: exact at either end, also where the difference rounds."""
    difference = new - old
    return jnp.where(
        weight < 0.5, old + weight * difference, new - difference * (1 - weight)
    )


def averaged(
    optimizer: optax.GradientTransformation,
    decay: Scalar | None = None,
    *,
    start: int = 0,
    every: int = 1,
) -> optax.GradientTransformationExtraArgs:
    """Returns the optimiser with an average of the parameters beside it.

    The updates are the optimiser's. After each the parameters go into the average,
    which `averaged_params` takes out of the state. It stands around all that changes
    an update: ``averaged(chain(clip_grad_norm(1.0), adam()))``. Inside
    `flaxnn.optim.scheduled` and in each group of `flaxnn.optim.param_groups` it works
    as well.

    Args:
        optimizer: Any optax transformation.
        decay: The weight of the old average, in [0, 1], for an exponential one;
            another one does not recompile. None weighs all parameters equally, as
            stochastic weight averaging does.
        start: Updates before averaging begins, at least 0.
        every: Of the updates then every how manieth is averaged, at least 1: the
            batches of an epoch for an average of the epochs' last parameters.

    Returns:
        A transformation whose state is an `AveragedState`, a plain pytree.

    Raises:
        TypeError: ``optimizer`` or a number is of another kind.
        ValueError: A number is out of range; from ``update``, it is called without the
            parameters.

    Torch:
        ``torch.optim.swa_utils.AveragedModel`` with ``get_ema_multi_avg_fn(decay)``,
        or with its default, and ``update_parameters(model)`` behind
        ``optimizer.step()``, 2.13.0: T1 in float64. As with ``use_buffers=False``
        running statistics are not averaged: the averaged model has the last ones.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn import optim
        >>> optimizer = averaged(optim.sgd(lr=1.0), decay=0.5)
        >>> params = jnp.array(0.0)
        >>> state = optimizer.init(params)
        >>> for _ in range(3):
        ...     updates, state = optimizer.update(jnp.array(-1.0), state, params)
        ...     params = params + updates
        >>> float(params), float(averaged_params(state))
        (3.0, 2.25)

    References:
        Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging",
        1992; Izmailov et al., "Averaging Weights Leads to Wider Optima and Better
        Generalization", 2018.
    """
    require_transformation(optimizer, "averaged's optimizer")
    if decay is not None and not is_traced(decay) and not 0.0 <= decay <= 1.0:
        raise ValueError(
            f"Invalid decay value {decay} provided. Please provide a value in [0,1] "
            "range."
        )
    for name, value, least in (("start", start, 0), ("every", every, 1)):
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"averaged: {name} must be an integer, got {value!r}")
        if value < least:
            raise ValueError(f"averaged: {name} must be at least {least}, got {value}")
    part = Part.of(optimizer)
    return optax.GradientTransformationExtraArgs(
        _AveragedInit(optimizer.init, decay, start, every),
        _AveragedUpdate(part.update, part.takes_extra),
    )


def averaged_params(opt_state: Any) -> Tree:
    """Returns the average of the parameters that an optimiser's state holds.

    Args:
        opt_state: The state of a transformation with `averaged` in it, anywhere in
            chains, groups and schedules.

    Returns:
        A tree like the parameters. Of several averages, such as one in each group, it
        is all of them together.

    Raises:
        ValueError: There is no average, or not of every parameter.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn import optim
        >>> optimizer = optim.chain(averaged(optim.sgd(lr=1.0)))
        >>> averaged_params(optimizer.init({"w": jnp.ones(2)}))
        {'w': Array([1., 1.], dtype=float32)}
    """
    nodes = jax.tree.leaves(opt_state, is_leaf=_is_averaged)
    averages = [node.average for node in nodes if _is_averaged(node)]
    if not averages:
        raise ValueError(
            "the optimizer's state holds no average of the parameters: train with "
            "flaxnn.optim.averaged(optimizer)"
        )
    return jax.tree_util.tree_map_with_path(_the_one, *averages, is_leaf=_is_masked)


def _is_averaged(node: Any) -> bool:
    return isinstance(node, AveragedState)


def _is_masked(node: Any) -> bool:
    """Whether a group leaves this parameter to another."""
    return isinstance(node, optax.MaskedNode)


def _the_one(path: KeyPath, *leaves: Any) -> Any:
    """The average of a parameter, out of those of all groups."""
    held = [leaf for leaf in leaves if not _is_masked(leaf)]
    if not held:
        raise ValueError(
            f"there is no average of {dotted(path)}: put averaged around param_groups, "
            "or into each of its groups"
        )
    return held[0]
