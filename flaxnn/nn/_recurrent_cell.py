# SPDX-License-Identifier: Apache-2.0
"""Single steps of recurrent layers as modules."""

from __future__ import annotations

import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn import functional as F
from flaxnn import init
from flaxnn._typing import ArrayLike, DTypeLike
from flaxnn.init import Source
from flaxnn.nn._module import Module
from flaxnn.nn._parameter import Parameter

Weights = tuple[jax.Array, jax.Array, jax.Array | None, jax.Array | None]


class _Cell(Module):
    """What the three cells share: their parameters, and inputs without a batch."""

    gates: ClassVar[int] = 1

    weight_ih: Parameter[jax.Array]
    weight_hh: Parameter[jax.Array]
    bias_ih: Parameter[jax.Array] | None
    bias_hh: Parameter[jax.Array] | None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        rngs: Source,
        dtype: DTypeLike = np.float32,
    ):
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = self.gates * hidden_size
        bound = 1 / math.sqrt(hidden_size) if hidden_size > 0 else 0.0
        shapes = {"weight_ih": (rows, input_size), "weight_hh": (rows, hidden_size)}
        if bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        else:
            self.bias_ih = self.bias_hh = None
        for name, shape in shapes.items():
            array = init.uniform(shape, -bound, bound, rngs=rngs, dtype=dtype)
            setattr(self, name, Parameter(array))

    def _weights(self) -> Weights:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        held = (getattr(self, name) for name in names)
        return tuple(p if p is None else p.get_value() for p in held)  # pyright: ignore[reportReturnType]

    def _input(self, input: ArrayLike) -> tuple[jax.Array, bool]:
        """Returns the input as a batch, and whether it was one."""
        x = jnp.asarray(input)
        if x.ndim not in (1, 2):
            raise ValueError(
                f"{type(self).__name__}: Expected input to be 1D or 2D, got {x.ndim}D "
                "instead"
            )
        return jnp.atleast_2d(x), x.ndim == 2

    def _state(
        self, hx: ArrayLike | None, x: jax.Array, batched: bool, name: str = "hidden"
    ) -> jax.Array:
        """Returns a state as a batch; zeros where there is none."""
        if hx is None:
            return jnp.zeros((x.shape[0], self.hidden_size), x.dtype)
        state = jnp.asarray(hx)
        if state.ndim not in (1, 2):
            raise ValueError(
                f"{type(self).__name__}: Expected {name} to be 1D or 2D, got "
                f"{state.ndim}D instead"
            )
        return state if batched else jnp.expand_dims(state, 0)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the cell."""
        shown = f"{self.input_size}, {self.hidden_size}"
        return shown if self.bias is True else f"{shown}, bias={self.bias}"


class RNNCell(_Cell):
    """One step of a recurrent layer of ``tanh`` or ``relu`` units.

    Args:
        input_size: Features of the input.
        hidden_size: Features of the hidden state.
        bias: Whether there are biases.
        nonlinearity: ``"tanh"`` or ``"relu"``.
        rngs: A `Generator` for PyTorch's initial weights or `nnx.Rngs` for JAX's.
        dtype: float32 or float64 parameters.

    Attributes:
        weight_ih: ``(hidden_size, input_size)``.
        weight_hh: ``(hidden_size, hidden_size)``.
        bias_ih: ``(hidden_size,)``, or None.
        bias_hh: ``(hidden_size,)``, or None.

    Torch:
        ``torch.nn.RNNCell``, 2.13.0: initial values T0 with a `Generator`, outputs T1
        in float64.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn.random import Generator
        >>> RNNCell(3, 4, rngs=Generator(0))(jnp.ones((2, 3))).shape
        (2, 4)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        *,
        rngs: Source,
        dtype: DTypeLike = np.float32,
    ):
        super().__init__(input_size, hidden_size, bias, rngs=rngs, dtype=dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: ArrayLike, hx: ArrayLike | None = None) -> jax.Array:
        """Returns the new hidden state.

        Args:
            input: ``(N, input_size)`` or ``(input_size,)``.
            hx: ``(N, hidden_size)`` or ``(hidden_size,)``; zeros where None.

        Raises:
            ValueError: An argument has another number of dimensions.
            RuntimeError: Sizes do not fit, or the nonlinearity is unknown.
        """
        x, batched = self._input(input)
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        cell = F.rnn_tanh_cell if self.nonlinearity == "tanh" else F.rnn_relu_cell
        hidden = cell(x, self._state(hx, x, batched), *self._weights())
        return hidden if batched else hidden[0]

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the cell."""
        shown = super().extra_repr()
        if self.nonlinearity == "tanh":
            return shown
        return f"{shown}, nonlinearity={self.nonlinearity}"


class GRUCell(_Cell):
    """One step of a gated recurrent unit.

    Args:
        input_size: Features of the input.
        hidden_size: Features of the hidden state.
        bias: Whether there are biases.
        rngs: A `Generator` for PyTorch's initial weights or `nnx.Rngs` for JAX's.
        dtype: float32 or float64 parameters.

    Attributes:
        weight_ih: ``(3 · hidden_size, input_size)``: reset, update and new gate.
        weight_hh: ``(3 · hidden_size, hidden_size)``.
        bias_ih: ``(3 · hidden_size,)``, or None.
        bias_hh: ``(3 · hidden_size,)``, or None.

    Torch:
        ``torch.nn.GRUCell``, 2.13.0: initial values T0 with a `Generator`, outputs T1
        in float64.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn.random import Generator
        >>> GRUCell(3, 4, rngs=Generator(0))(jnp.ones((2, 3))).shape
        (2, 4)
    """

    gates = 3

    def forward(self, input: ArrayLike, hx: ArrayLike | None = None) -> jax.Array:
        """Returns the new hidden state.

        Args:
            input: ``(N, input_size)`` or ``(input_size,)``.
            hx: ``(N, hidden_size)`` or ``(hidden_size,)``; zeros where None.

        Raises:
            ValueError: An argument has another number of dimensions.
            RuntimeError: Sizes do not fit.
        """
        x, batched = self._input(input)
        hidden = F.gru_cell(x, self._state(hx, x, batched), *self._weights())
        return hidden if batched else hidden[0]


class LSTMCell(_Cell):
    """One step of a long short-term memory.

    Args:
        input_size: Features of the input.
        hidden_size: Features of the hidden and the cell state.
        bias: Whether there are biases.
        rngs: A `Generator` for PyTorch's initial weights or `nnx.Rngs` for JAX's.
        dtype: float32 or float64 parameters.

    Attributes:
        weight_ih: ``(4 · hidden_size, input_size)``: input, forget, cell and output
            gate.
        weight_hh: ``(4 · hidden_size, hidden_size)``.
        bias_ih: ``(4 · hidden_size,)``, or None.
        bias_hh: ``(4 · hidden_size,)``, or None.

    Torch:
        ``torch.nn.LSTMCell``, 2.13.0: initial values T0 with a `Generator`, outputs
        T1 in float64.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn.random import Generator
        >>> hidden, cell = LSTMCell(3, 4, rngs=Generator(0))(jnp.ones((2, 3)))
        >>> hidden.shape, cell.shape
        ((2, 4), (2, 4))
    """

    gates = 4

    def forward(
        self, input: ArrayLike, hx: tuple[ArrayLike, ArrayLike] | None = None
    ) -> tuple[jax.Array, jax.Array]:
        """Returns the new hidden and cell state.

        Args:
            input: ``(N, input_size)`` or ``(input_size,)``.
            hx: Hidden and cell state, each ``(N, hidden_size)`` or
                ``(hidden_size,)``; zeros where None.

        Raises:
            ValueError: An argument has another number of dimensions.
            RuntimeError: Sizes do not fit.
        """
        x, batched = self._input(input)
        state = (None, None) if hx is None else hx
        hidden, cell = (
            self._state(h, x, batched, f"hx[{k}]") for k, h in enumerate(state)
        )
        hidden, cell = F.lstm_cell(x, (hidden, cell), *self._weights())
        return (hidden, cell) if batched else (hidden[0], cell[0])
