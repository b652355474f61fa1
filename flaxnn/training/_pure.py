# SPDX-License-Identifier: Apache-2.0
"""Modules and functions as values that JAX can trace, compare and cache on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from flaxnn.metrics import Mean, Metric
from flaxnn.nn import Module
from flaxnn.training._freeze import joined, partition, without

Tree = Any


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Pure:
    """A callable whose arrays are traced and whose structure is static.

    Two losses built alike have equal structures, so a compiled run is found again.
    """

    structure: Any = field(metadata={"static": True})
    arrays: Tree = ()

    def __call__(self, *args: Any) -> Any:
        if isinstance(self.structure, nnx.GraphDef):
            return nnx.merge(self.structure, self.arrays)(*args)
        return self.structure(*args)


def pure(function: Callable[..., Any]) -> Pure:
    """The callable with a module's arrays taken out of it."""
    if isinstance(function, nnx.Module):
        graphdef, state = nnx.split(function)
        return Pure(graphdef, nnx.to_pure_dict(state))
    if isinstance(function, type):
        name = function.__name__
        if issubclass(function, Metric):
            raise TypeError(f"got the class {name}; make a metric of it: {name}()")
        raise TypeError(f"got the class {name}; make a loss of it: {name}()")
    if isinstance(function, Metric):
        raise TypeError(
            f"{type(function).__name__} is a streaming metric: pass it to "
            "flaxnn.evaluate or flaxnn.training.make_eval_step; here a function of "
            "(output, target) is expected"
        )
    if not callable(function):
        raise TypeError(
            "a loss or metric is a function of (output, target) or a module such as "
            f"flaxnn.nn.CrossEntropyLoss(), got {type(function).__name__}"
        )
    try:
        hash(function)
    except TypeError:
        raise TypeError(
            f"{type(function).__name__} cannot be hashed, so its compilation cannot be "
            "found again; write it as a function or a flaxnn.nn.Module"
        ) from None
    return Pure(function)


def pure_metrics(
    metrics: Mapping[str, Callable[..., Any]] | Sequence[Callable[..., Any]] | None,
) -> dict[str, Pure]:
    """Functions of a batch under their names."""
    return {name: pure(metric) for name, metric in named_metrics(metrics).items()}


def named_metrics(
    metrics: Mapping[str, Any] | Sequence[Any] | None,
) -> dict[str, Any]:
    """Metrics under their names; a sequence is named after its members."""
    if isinstance(metrics, str | Metric) or callable(metrics):
        raise TypeError(
            "metrics must be a sequence or a mapping of functions, such as "
            f"[flaxnn.metrics.accuracy], got {type(metrics).__name__}"
        )
    if not isinstance(metrics, Mapping):
        named = [(_name(function), function) for function in metrics or ()]
        if len({name for name, _ in named}) < len(named):
            raise ValueError(
                f"two metrics share a name ({[name for name, _ in named]}); "
                "pass a dictionary with a name for each"
            )
        metrics = dict(named)
    return dict(metrics)


def _name(function: Any) -> str:
    if isinstance(function, Mean):
        function = function.function
    if isinstance(function, Metric):
        return function.name
    return getattr(function, "__name__", type(function).__name__)


def split(
    model: nnx.Module, freeze: Sequence[str] = ()
) -> tuple[nnx.GraphDef[Any], Tree, Tree]:
    """Structure, trained parameters and everything else of a module.

    Parameters whose names a pattern of ``freeze`` fits are among everything else.
    """
    if not isinstance(model, nnx.Module):
        raise TypeError(
            "a model must be a flaxnn.nn.Module or another flax.nnx.Module, "
            f"got {type(model).__module__}.{type(model).__qualname__}"
            + ("; pass its .model" if hasattr(model, "model") else "")
        )
    graphdef, params, rest = nnx.split(model, nnx.Param, ...)
    try:
        hash(graphdef)
    except TypeError as error:
        raise TypeError(
            f"{type(model).__name__} or a module in it has an attribute that is static "
            f"but cannot be hashed ({error}): write a tuple for a list, and nnx.List "
            "for a list of modules"
        ) from error
    trained, frozen = partition(nnx.to_pure_dict(params), freeze)
    return graphdef, trained, joined(nnx.to_pure_dict(rest), frozen)


def forward(
    graphdef: nnx.GraphDef[Any],
    params: Tree,
    buffers: Tree,
    inputs: Sequence[Any],
    *,
    training: bool,
) -> tuple[Any, Tree]:
    """The model's output in one of the two modes, and the buffers it leaves."""
    model = nnx.merge(graphdef, params, buffers)
    if training:
        model.train()
    else:
        model.eval()
    for _, module in nnx.iter_modules(model):
        # Flax's own modes do not reach our modules inside a foreign one.
        if isinstance(module, Module):
            module.training = training
    output = model(*inputs)
    return output, without(nnx.to_pure_dict(nnx.state(model)), params)


def model_dtype(params: Tree) -> Any:
    """The widest floating dtype among the parameters; float32 where there is none."""
    dtypes = {leaf.dtype for leaf in jax.tree.leaves(params)}
    floating = [d for d in dtypes if jnp.issubdtype(d, jnp.floating)]
    if not floating:
        return jnp.dtype("float32")
    return max(floating, key=lambda dtype: jnp.finfo(dtype).bits)


def enough_precision(dtype: Any) -> AbstractContextManager[Any]:
    """The context in which JAX computes in this dtype; float64 is off by default."""
    return jax.enable_x64(True) if dtype == "float64" else nullcontext()
