# SPDX-License-Identifier: Apache-2.0
"""How an initialiser of the table is called, with PyTorch's numbers and JAX keys."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import jax
import numpy as np
from flax import nnx

from flaxnn import init
from flaxnn.random import Generator

RECORDED_SEED = 2025
SEEDS = (0, -3, 2**40 + 7)
# NumPy's files do not hold bfloat16: what is compared is widened to float32, exactly.
DTYPES = ("float32", "float64", "float16", "bfloat16")


@dataclass(frozen=True, eq=False)
class InitCase:
    """One call; arguments are PyTorch's, behind the shape and the tensor alike."""

    name: str
    shape: tuple[int, ...]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Initializer:
    """An initialiser and its counterpart: bit for bit, unless there is an `atol`.

    `atol` is float32's, with the measured error beside it. The stream and the
    generator's state after it are always exact.
    """

    name: str
    torch: str
    cases: tuple[InitCase, ...]
    dtypes: tuple[str, ...] = DTYPES
    atol: float = 0.0
    differences: str = ""

    @property
    def function(self) -> Callable[..., jax.Array]:
        """Ours."""
        return getattr(init, self.name)

    @property
    def draws(self) -> bool:
        """Whether it takes a source of numbers."""
        return "rngs" in inspect.signature(self.function).parameters

    def call(self, case: InitCase, rngs: Any, dtype: str) -> jax.Array:
        """Returns ours, from either source."""
        source = {"rngs": rngs} if self.draws else {}
        return self.function(
            case.shape, *case.args, **case.kwargs, **source, dtype=dtype
        )

    def assert_close(
        self, actual: np.ndarray, expected: np.ndarray, dtype: str
    ) -> None:
        """Raises unless ours is PyTorch's, nan for nan."""
        if self.atol:
            atol = self.atol * {"float32": 1.0, "float64": 1e-8}[dtype]
            np.testing.assert_allclose(actual, expected, 0, atol)
        else:
            np.testing.assert_array_equal(actual, expected)


@dataclass(frozen=True, eq=False)
class BadInitializer:
    """A refused call; `words` stand in both messages, ours and PyTorch's."""

    initializer: str
    shape: tuple[int, ...]
    args: tuple[Any, ...]
    error: type[Exception]
    words: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    dtype: str = "float32"

    def use(self, rngs: Generator | nnx.Rngs) -> None:
        """Calls ours; raises."""
        bad = Initializer(self.initializer, "", ())
        bad.call(InitCase("", self.shape, self.args, self.kwargs), rngs, self.dtype)


@dataclass(frozen=True)
class Drawn:
    """What two calls in a row gave, what they warned of, and the state after them."""

    values: tuple[np.ndarray, np.ndarray]
    warned: tuple[str, ...]
    state: np.ndarray

    def recorded(self) -> np.ndarray:
        """Returns the values flat and a digest of the state, as the goldens are."""
        digest = np.frombuffer(sha256(self.state).digest()[:8], np.uint8)
        values = [value.ravel() for value in self.values]
        return np.concatenate([*values, digest.astype(values[0].dtype)])


def draw(initializer: Initializer, case: InitCase, seed: int, dtype: str) -> Drawn:
    """Returns ours; the second call finds what the first left in the generator."""
    generator = Generator(seed)
    return twice(
        lambda: np.asarray(initializer.call(case, generator, dtype)),
        generator.get_state,
    )


def twice(call: Callable[[], np.ndarray], state: Callable[[], np.ndarray]) -> Drawn:
    """Returns what two calls give; both sides come through here."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        values = widened(call()), widened(call())
    warned = tuple(f"{w.category.__name__}: {w.message}" for w in caught)
    return Drawn(values, warned, state())


def widened(array: np.ndarray) -> np.ndarray:
    """Returns half precision as float32, the others as they are."""
    return array if array.dtype.name.endswith(("32", "64")) else array.astype("float32")
