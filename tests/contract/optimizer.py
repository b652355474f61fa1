# SPDX-License-Identifier: Apache-2.0
"""How an optimiser of the table is run: on gradients that are the same for both."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from flaxnn import optim
from tests.compiling import compiler_options
from tests.contract.case import spread

STEPS = 12
# The moments of tiny gradients are far below eps, those of large ones far above it.
SHAPES = {"matrix": (2, 3), "tiny": (3,), "large": (2,), "scalar": ()}
SIZES = {"matrix": 1.0, "tiny": 1e-9, "large": 1e4, "scalar": 0.1}
# Largest difference over largest number, of each tensor.
TOLERANCES = {"float64": 1e-12, "float32": 1e-6}

Tensors = dict[str, Any]


@dataclass(frozen=True, eq=False)
class OptimizerCase:
    """Options, the same for PyTorch's and ours; what is left out is the default.

    They suit a run of 200 steps on a small net as well as the gradients given here.
    """

    name: str
    options: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Optimizer:
    """An optimiser, PyTorch's counterpart and the options it is tried with.

    Each tensor is within `rtol` in float32, which is 1e-6 unless a comment in the table
    gives the measured error, and within 1e-12 in float64. In bfloat16 (T3) it is within
    `bfloat16_steps` of the 8-bit significand of the tensor's largest number; None says
    that PyTorch has no bfloat16 for it. `own` are fields of the state that PyTorch does
    not have.
    """

    name: str
    torch: str
    cases: tuple[OptimizerCase, ...]
    rtol: float = TOLERANCES["float32"]
    bfloat16_steps: int | None = 6
    own: tuple[str, ...] = ()

    def make(self, case: OptimizerCase, **options: Any) -> optax.GradientTransformation:
        """Returns ours, with options put in place of the case's."""
        return getattr(optim, self.name)(**{**case.options, **options})

    def assert_close(self, ours: Tensors, theirs: Tensors, dtype: str) -> None:
        """Raises unless every tensor is PyTorch's, by name."""
        assert ours.keys() == theirs.keys()
        tolerance = {**TOLERANCES, "float32": self.rtol}[dtype]
        for name, expected in theirs.items():
            assert_tensors_close(ours[name], expected, tolerance, name)


@dataclass(frozen=True, eq=False)
class BadOptimizer:
    """Refused options; `words` stand in both messages, ours and PyTorch's."""

    optimizer: str
    options: Mapping[str, Any]
    error: type[Exception]
    words: str


def named(**options: Mapping[str, Any]) -> tuple[OptimizerCase, ...]:
    """Returns a case for each name, with hyphens for underscores."""
    return tuple(
        OptimizerCase(name.replace("_", "-"), value) for name, value in options.items()
    )


def public_optimizers() -> set[str]:
    """Returns the names of the public functions whose first argument is ``lr``."""
    functions = {name: getattr(optim, name) for name in optim.__all__}
    return {
        name
        for name, value in functions.items()
        if inspect.isfunction(value)
        and next(iter(inspect.signature(value).parameters), None) == "lr"
    }


def initial(dtype: Any) -> Tensors:
    """Returns the parameters before the first step, as NumPy arrays."""
    starts = range(0, 100 * len(SHAPES), 100)
    return {
        name: np.asarray(spread(*shape, low=-1.0, high=1.0, start=start)).astype(dtype)
        for (name, shape), start in zip(SHAPES.items(), starts, strict=True)
    }


def gradients(dtype: Any) -> Tensors:
    """Returns ``(STEPS, …)`` gradients of either sign; some are zero, one always is."""
    whole = {
        name: SIZES[name] * spread(STEPS, *shape, low=-1.5, high=1.5, start=1000)
        for name, shape in SHAPES.items()
    }
    whole["matrix"][:, 0, 0] = 0.0
    whole["matrix"][::2, 0, 1] = 0.0
    whole["tiny"][:2, 1] = 0.0
    return {name: array.astype(dtype) for name, array in whole.items()}


def _run(update: Any, params: Any, state: Any, grads: Any) -> tuple[Any, Any]:
    """Returns the parameters after every step and the last state."""

    def step(carry: Any, grads: Any) -> Any:
        params, state = carry
        updates, state = update(grads, state, params)
        params = optax.apply_updates(params, updates)
        return (params, state), params

    (_, state), params = jax.lax.scan(step, (params, state), grads)
    return params, state


@functools.cache
def _compiled(dtype: str) -> Any:
    """Returns `_run`, compiled once for updates that differ in numbers alone."""
    return jax.jit(_run, static_argnums=0, compiler_options=compiler_options(dtype))


@functools.cache
def evaluate(optimizer: Optimizer, case: OptimizerCase, dtype: Any) -> Tensors:
    """Returns ``(STEPS, numbers)`` parameters and ``(numbers,)`` of each field.

    A field that is one number for the whole tree stands beside each parameter, as in
    PyTorch.
    """
    with jax.enable_x64(dtype == "float64"):
        ours = optimizer.make(case)
        params = jax.tree.map(jnp.asarray, initial(dtype))
        grads = jax.tree.map(jnp.asarray, gradients(dtype))
        params, state = _compiled(str(dtype))(
            ours.update, params, ours.init(params), grads
        )
        state = fields(optimizer, state)
        return {"params": flat(params)} | {k: flat(v) for k, v in state.items()}


def fields(optimizer: Optimizer, state: Any) -> Tensors:
    """Returns what a state holds that PyTorch's has, by PyTorch's names."""
    return {
        name: value
        for name, value in state._asdict().items()
        if value is not None and name not in ("hyperparams", *optimizer.own)
    }


def flat(tree: Any) -> np.ndarray:
    """Returns the last axes of all tensors side by side, in the order of `SHAPES`."""
    if not isinstance(tree, dict):
        tree = dict.fromkeys(SHAPES, tree)
    columns = []
    for name, shape in SHAPES.items():
        array = np.asarray(tree[name])
        array = array.astype(np.float32) if array.dtype.name == "bfloat16" else array
        lead = array.shape[: array.ndim - len(shape)] if array.ndim else ()
        wide = np.broadcast_to(array, (*lead, *shape))
        columns.append(wide.reshape(*lead, math.prod(shape)))
    return np.concatenate(columns, axis=-1)


def recorded(tensors: Tensors) -> Tensors:
    """Returns what the goldens hold: the parameters, and a row for each field."""
    names = sorted(tensors.keys() - {"params"})
    params = tensors["params"]
    rows = [tensors[name].astype(params.dtype) for name in names]
    return {"params": params, "state": np.array(rows).reshape(-1, params.shape[-1])}


def assert_tensors_close(
    ours: np.ndarray, theirs: np.ndarray, tolerance: float, name: str
) -> None:
    """Raises unless each tensor, over all steps, is within the tolerance."""
    assert ours.shape == theirs.shape
    for leaf, columns in _columns():
        a, b = (np.asarray(x[..., columns], np.float64) for x in (ours, theirs))
        # Rows of the recorded state are fields, each with a scale of its own.
        axes = -1 if name == "state" else None
        scale = np.abs(b).max(axis=axes, initial=0.0)
        error = np.abs(a - b).max(axis=axes, initial=0.0)
        assert np.all(error <= tolerance * scale), f"{name} of {leaf}: {error / scale}"


def _columns() -> Iterator[tuple[str, slice]]:
    start = 0
    for name, shape in SHAPES.items():
        yield name, slice(start, start + math.prod(shape))
        start += math.prod(shape)
