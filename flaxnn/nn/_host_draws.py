# SPDX-License-Identifier: Apache-2.0
"""Random numbers that a forward pass needs but the host's stream must draw.

PyTorch's dropout draws its mask during the forward pass, from the same stream as the
data loader. A compiled step cannot draw from that stream, so a module asks for its
numbers with `host_draw`; the training loop records once what one step asks for,
draws it on the host in stream order, and provides the arrays to the compiled steps.
Outside of training `drawing` draws them at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from flaxnn.random import Generator


@dataclass(frozen=True)
class HostDraw:
    """One draw of a forward pass: a Generator's method and its arguments.

    Attributes:
        method: Name of the `flaxnn.random.Generator` method.
        arguments: Its positional arguments, hashable.
        shape: Shape of the result.
        dtype: Name of the result's dtype.
        consumer: Who draws, in the Generator's ledger.
    """

    method: str
    arguments: tuple[Any, ...]
    shape: tuple[int, ...]
    dtype: str
    consumer: str = "forward pass"

    def draw(self, generator: Generator) -> np.ndarray:
        """Returns the numbers, taken from the generator's stream."""
        with generator.consumer(self.consumer):
            array = getattr(generator, self.method)(*self.arguments)
        return np.asarray(array).astype(self.dtype)


@dataclass
class _Recorder:
    requests: list[HostDraw] = field(default_factory=list)

    def answer(self, request: HostDraw) -> jax.Array:
        self.requests.append(request)
        return jnp.zeros(request.shape, request.dtype)


@dataclass
class _Provider:
    arrays: Iterator[jax.Array]

    def answer(self, request: HostDraw) -> jax.Array:
        array = next(self.arrays, None)
        if array is None or array.shape != request.shape:
            raise RuntimeError(
                f"the forward pass asked for {request} but "
                f"{'no array is left' if array is None else f'got {array.shape}'}; "
                "it must ask for the same draws in the same order at every step"
            )
        return array


@dataclass
class _Drawer:
    generator: Generator

    def answer(self, request: HostDraw) -> jax.Array:
        # Inside jax.jit every array is a tracer, a constant too.
        if isinstance(jnp.zeros(()), Tracer):
            raise RuntimeError(
                f"a module asked for host draws ({request}) inside jax.jit or another "
                "compilation, where they would become constants: draw them outside "
                "and pass them in with `with flaxnn.nn.providing(arrays):`, or train "
                "with flaxnn.fit"
            )
        return jnp.asarray(request.draw(self.generator))


_answering: ContextVar[_Recorder | _Provider | _Drawer | None] = ContextVar(
    "_answering", default=None
)


def host_draw(
    method: str,
    *arguments: Any,
    shape: tuple[int, ...],
    dtype: str = "float32",
    consumer: str = "forward pass",
) -> jax.Array:
    """Returns numbers of the run's own Generator, inside a forward pass.

    Args:
        method: Name of a `flaxnn.random.Generator` method, such as ``"bernoulli"``.
        *arguments: Its positional arguments.
        shape: Shape of the result.
        dtype: Name of the result's dtype; the numbers are cast to it on the host.
        consumer: Who draws, in the Generator's ledger.

    Returns:
        The numbers, in the order in which PyTorch would have drawn them.

    Raises:
        RuntimeError: Nobody provides draws: the call is outside `flaxnn.fit`,
            `drawing`, `recording` and `providing`.

    Example:
        >>> import jax.numpy as jnp
        >>> with providing([jnp.ones((2,), jnp.float32)]):
        ...     host_draw("rand", 2, shape=(2,))
        Array([1., 1.], dtype=float32)
    """
    answering = _answering.get()
    request = HostDraw(method, arguments, tuple(shape), dtype, consumer)
    if answering is None:
        raise RuntimeError(
            f"a module in training mode asked for host draws ({request}) outside "
            "flaxnn.fit: call it inside `with flaxnn.nn.drawing(generator):` for "
            "PyTorch's numbers, inside `with flaxnn.nn.providing(arrays):` for given "
            "ones, after model.eval() for none, or build it with rngs=nnx.Rngs(seed) "
            "for JAX's"
        )
    return answering.answer(request)


@contextmanager
def drawing(generator: Generator) -> Iterator[None]:
    """Answers the requests of a forward pass from a Generator, as PyTorch does.

    For calls outside of `flaxnn.fit`, such as ``model(x)`` in training mode, under
    ``jax.grad`` too but not inside ``jax.jit``.

    Args:
        generator: The run's Generator, which stands for PyTorch's global one; it moves
            on.

    Raises:
        TypeError: `generator` is something else.
        RuntimeError: On a request inside ``jax.jit``.

    Torch:
        What any call does after ``torch.manual_seed``, 2.13.0, T0.

    Example:
        >>> with drawing(Generator(0)):
        ...     host_draw("bernoulli", 0.5, (3,), shape=(3,))
        Array([0., 0., 1.], dtype=float32)
    """
    if not isinstance(generator, Generator):
        raise TypeError(
            "drawing takes a flaxnn.random.Generator, got " + type(generator).__name__
        )
    token = _answering.set(_Drawer(generator))
    try:
        yield
    finally:
        _answering.reset(token)


@contextmanager
def recording() -> Iterator[list[HostDraw]]:
    """Collects what a forward pass asks for, answering with zeros.

    Yields:
        The list that the requests are appended to, in order.

    Example:
        >>> with recording() as requests:
        ...     zeros = host_draw("rand", 2, shape=(2,))
        >>> requests[0].method
        'rand'
    """
    recorder = _Recorder()
    token = _answering.set(recorder)
    try:
        yield recorder.requests
    finally:
        _answering.reset(token)


@contextmanager
def providing(arrays: Sequence[jax.Array]) -> Iterator[None]:
    """Answers the requests of a forward pass with these arrays, in order.

    Args:
        arrays: One array for each request.

    Example:
        >>> import jax.numpy as jnp
        >>> with providing([jnp.zeros(3)]):
        ...     host_draw("rand", 3, shape=(3,)).shape
        (3,)
    """
    token = _answering.set(_Provider(iter(arrays)))
    try:
        yield
    finally:
        _answering.reset(token)
