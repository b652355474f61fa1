# SPDX-License-Identifier: Apache-2.0
"""How an op of the table is evaluated: once by us, once by the oracle."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import flaxnn.functional as F
from tests.compiling import compiler_options

# 2^32 over the golden ratio: multiples of it modulo 2^32 are spread evenly. Integer
# arithmetic, so the inputs are the same numbers on every machine.
STRIDE = 2_654_435_761
NN = "torch.nn.functional"
KINK = np.array([-2.0, -0.5, -0.0, 0.0, 0.5, 2.0])
# What the forward passes of both sides draw comes from this seed.
FORWARD_SEED = 7


def spread(
    *shape: int, low: float = -3.0, high: float = 3.0, start: int = 0
) -> np.ndarray:
    """Returns float64 numbers spread over [low, high)."""
    index = np.arange(1 + start, 1 + start + math.prod(shape), dtype=np.uint64)
    unit = (index * STRIDE % 2**32) / 2**32
    return (low + (high - low) * unit).reshape(shape)


def labels(*shape: int, classes: int) -> np.ndarray:
    """Returns int64 class indices, every class among them if there are enough."""
    return ((7 * np.arange(math.prod(shape)) + 1) % classes).reshape(shape)


@dataclass(frozen=True, eq=False)
class Case:
    """One call: floating-point arrays are cast to the dtype under test.

    `by` are the positions of the arguments to differentiate by; `input` alone unless
    said otherwise, nothing where the list is empty. A tuple that the call returns is
    recorded element by element. `ours` are keyword arguments that PyTorch's function
    does not have, for what it draws itself, from `FORWARD_SEED`; `theirs` are those of
    PyTorch's alone.
    """

    name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    by: tuple[int, ...] = (0,)
    ours: Mapping[str, Any] = field(default_factory=dict)
    theirs: Mapping[str, Any] = field(default_factory=dict)

    def call(self, dtype: Any) -> dict[str, Any]:
        """Returns the arguments by name, or by position as a string of digits."""
        named = {str(index): value for index, value in enumerate(self.args)}
        named |= {**self.kwargs, **self.ours}
        return {name: _cast(value, dtype) for name, value in named.items()}


@dataclass(frozen=True, eq=False)
class Op:
    """A function, PyTorch's counterpart and how close ours is to it.

    Each element of a float32 value or gradient is within `rtol` relative plus `atol`
    absolute, which is 0 unless a comment in the table says why it cannot be. A dot in
    the name leads into a submodule. `differences` is what the generated page says of
    the known ones. In bfloat16 (T3) a number is within `bfloat16_steps` of the 8-bit
    significand, counted at 1 or the array's largest number; PyTorch rounds more often
    than we do. None says that PyTorch has no bfloat16 for it. `mutates` are the
    positions of arguments that PyTorch changes in place: what they become is what ours
    returns.
    """

    name: str
    torch: str
    cases: tuple[Case, ...]
    rtol: float = 1e-6
    atol: float = 0.0
    differences: str = ""
    bfloat16_steps: int | None = 2
    mutates: tuple[int, ...] = ()

    @property
    def function(self) -> Callable[..., Any]:
        """Ours."""
        return operator.attrgetter(self.name)(F)

    def assert_close(
        self, actual: np.ndarray, expected: np.ndarray, dtype: Any
    ) -> None:
        """Raises unless ours is PyTorch's within the tolerance, nan for nan."""
        assert_close(actual, expected, dtype, self.rtol, self.atol)


def assert_bfloat16_close(actual: Any, expected: np.ndarray, steps: int) -> None:
    """Raises unless the numbers are within so many steps; indices must be equal."""
    if actual.dtype.kind in "iub":
        np.testing.assert_array_equal(actual, expected)
        return
    assert actual.dtype == jnp.bfloat16
    atol = steps * 2.0**-8 * np.max(np.abs(expected), initial=1.0)
    np.testing.assert_allclose(actual.astype(np.float32), expected, 0, atol)


def assert_close(
    actual: np.ndarray, expected: np.ndarray, dtype: Any, rtol: float, atol: float
) -> None:
    """Raises unless ours is PyTorch's; the tolerances are those of float32."""
    assert actual.shape == expected.shape
    scale = {"float32": 1.0, "float64": 1e-6}[np.dtype(dtype).name]
    np.testing.assert_allclose(actual, expected, rtol=rtol * scale, atol=atol * scale)


def elementwise() -> tuple[Case, ...]:
    """The shapes every activation is tried with."""
    return (
        Case("kink", (KINK,)),
        Case("matrix", (spread(7, 3),)),
        Case("wide", (spread(31, low=-30.0, high=30.0),)),
        Case("scalar", (spread(),)),
        Case("single", (spread(1, 1),)),
        Case("empty", (spread(0, 3),)),
    )


def reductions(
    name: str, *args: np.ndarray, by: tuple[int, ...] = (0,), **kwargs: object
) -> tuple[Case, ...]:
    """A case for each reduction; the mean, being the default, is left unsaid."""
    return (
        Case(name, args, kwargs, by),
        Case(f"{name}-sum", args, {**kwargs, "reduction": "sum"}, by),
        Case(f"{name}-none", args, {**kwargs, "reduction": "none"}, by),
    )


@functools.cache
def evaluate(op: Op, dtype: Any) -> dict[str, dict[str, np.ndarray]]:
    """Returns, for every case, our value and gradients, keyed as the goldens are.

    One compilation for all of an op's cases, with the arrays as its arguments.
    """
    calls = {case.name: case.call(dtype) for case in op.cases}
    arrays = {
        name: {k: jnp.asarray(v) for k, v in call.items() if isinstance(v, np.ndarray)}
        for name, call in calls.items()
    }

    @partial(jax.jit, compiler_options=compiler_options(dtype))
    def run(arrays: dict[str, dict[str, jax.Array]]) -> dict[str, dict[str, jax.Array]]:
        return {
            case.name: _with_gradients(op, case, calls[case.name] | arrays[case.name])
            for case in op.cases
        }

    return jax.tree.map(np.asarray, run(arrays))


def _with_gradients(op: Op, case: Case, call: dict[str, Any]) -> dict[str, jax.Array]:
    """Returns the value and the gradient by each of the case's `by`."""

    def of(by: dict[str, jax.Array]) -> Any:
        args, kwargs = split(call | by)
        return op.function(*args, **kwargs)

    by = {str(position): call[str(position)] for position in case.by}
    if not by:
        return named_values(of(by))
    value, pull = jax.vjp(of, by)
    (gradients,) = pull(jax.tree.map(cotangent_of, value))
    return named_values(value) | {f"gradient{k}": g for k, g in gradients.items()}


def named_values(value: Any) -> dict[str, Any]:
    """Returns what a call gave: one "value", or "value0", "value1" … of a tuple."""
    leaves = jax.tree.leaves(value)
    if len(leaves) == 1:
        return {"value": leaves[0]}
    return {f"value{index}": leaf for index, leaf in enumerate(leaves)}


def cotangent_of(value: jax.Array) -> Any:
    """Returns what to pull back from a value; indices have no gradient."""
    if not jnp.issubdtype(value.dtype, jnp.floating):
        return np.zeros(value.shape, jax.dtypes.float0)
    return jnp.asarray(cotangent(value.shape), value.dtype)


def split(call: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Returns positional and keyword arguments from `Case.call`'s dictionary."""
    positions = [name for name in call if name.isdigit()]
    args = [call[str(index)] for index in range(len(positions))]
    return args, {name: call[name] for name in call if not name.isdigit()}


def cotangent(shape: tuple[int, ...]) -> np.ndarray:
    """Returns what the gradients are pulled back from; 1 for a scalar."""
    return spread(*shape, low=0.5, high=1.5, start=96) if shape else np.ones(())


def _cast(value: Any, dtype: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_cast(part, dtype) for part in value)
    if isinstance(value, np.ndarray) and value.dtype == np.float64:
        return value.astype(dtype)
    return value
