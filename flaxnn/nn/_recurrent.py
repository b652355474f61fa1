# SPDX-License-Identifier: Apache-2.0
"""Recurrent layers over whole sequences."""

from __future__ import annotations

import jax
import numpy as np

from flaxnn._typing import ArrayLike, DTypeLike
from flaxnn.functional._recurrent import Step, gru, lstm, rnn_relu, rnn_tanh
from flaxnn.init import Source
from flaxnn.nn._recurrent_base import Recurrent


class RNN(Recurrent):
    """Recurrent layers of ``tanh`` or ``relu`` units.

    Args:
        input_size: Features of each element of the sequence.
        hidden_size: Features of the hidden state.
        num_layers: Layers, each over the outputs of the one before.
        nonlinearity: ``"tanh"`` or ``"relu"``.
        bias: Whether the layers have biases.
        batch_first: Whether inputs and outputs are ``(N, L, *)``.
        dropout: Probability of dropout behind every layer but the last.
        bidirectional: Whether a second set of layers reads from the end.
        rngs: A `Generator` for PyTorch's initial weights or `nnx.Rngs` for JAX's.
        dtype: float32 or float64 parameters.

    Attributes:
        weight_ih_l0: ``(hidden_size, input_size)``; and so on for each layer, with
            ``_reverse`` behind the names of the second direction.
        weight_hh_l0: ``(hidden_size, hidden_size)``.
        bias_ih_l0: ``(hidden_size,)``.
        bias_hh_l0: ``(hidden_size,)``.

    Raises:
        ValueError: An option is out of range.
        TypeError: A size is no int, or a switch no bool.

    Torch:
        ``torch.nn.RNN``, 2.13.0: initial values T0 with a `Generator`, outputs T1 in
        float64. Packed sequences are not taken.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn.random import Generator
        >>> output, hidden = RNN(3, 4, rngs=Generator(0))(jnp.ones((5, 2, 3)))
        >>> output.shape, hidden.shape
        ((5, 2, 4), (1, 2, 4))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        rngs: Source,
        dtype: DTypeLike = np.float32,
    ):
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        self.nonlinearity = nonlinearity
        super().__init__(
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            rngs=rngs,
            dtype=dtype,
        )

    def _step(self) -> Step:
        return rnn_tanh if self.nonlinearity == "tanh" else rnn_relu

    def forward(
        self, input: ArrayLike, hx: ArrayLike | None = None
    ) -> tuple[jax.Array, jax.Array]:
        """Returns the outputs ``(L, N, directions · hidden_size)`` and the last state.

        Args:
            input: ``(L, N, input_size)``, or ``(L, input_size)``; with `batch_first`
                ``(N, L, input_size)``.
            hx: ``(num_layers · directions, N, hidden_size)`` initial state; zeros
                where None.

        Raises:
            ValueError: The input has another number of dimensions or dtype.
            RuntimeError: Sizes do not fit.
        """
        outputs, (hidden,) = self._run(input, None if hx is None else (hx,))
        return outputs, hidden


class GRU(Recurrent):
    """Layers of gated recurrent units.

    Args:
        input_size: Features of each element of the sequence.
        hidden_size: Features of the hidden state.
        num_layers: Layers, each over the outputs of the one before.
        bias: Whether the layers have biases.
        batch_first: Whether inputs and outputs are ``(N, L, *)``.
        dropout: Probability of dropout behind every layer but the last.
        bidirectional: Whether a second set of layers reads from the end.
        rngs: A `Generator` for PyTorch's initial weights or `nnx.Rngs` for JAX's.
        dtype: float32 or float64 parameters.

    Attributes:
        weight_ih_l0: ``(3 · hidden_size, input_size)``: reset, update and new gate; and
            so on for each layer, with ``_reverse`` behind the names of the second
            direction.
        weight_hh_l0: ``(3 · hidden_size, hidden_size)``.
        bias_ih_l0: ``(3 · hidden_size,)``.
        bias_hh_l0: ``(3 · hidden_size,)``.

    Raises:
        ValueError: An option is out of range.
        TypeError: A size is no int, or a switch no bool.

    Torch:
        ``torch.nn.GRU``, 2.13.0: initial values T0 with a `Generator`, outputs T1 in
        float64. Packed sequences are not taken.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn.random import Generator
        >>> output, hidden = GRU(3, 4, rngs=Generator(0))(jnp.ones((5, 2, 3)))
        >>> output.shape, hidden.shape
        ((5, 2, 4), (1, 2, 4))
    """

    gates = 3

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        rngs: Source,
        dtype: DTypeLike = np.float32,
    ):
        super().__init__(
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            rngs=rngs,
            dtype=dtype,
        )

    def _step(self) -> Step:
        return gru

    def forward(
        self, input: ArrayLike, hx: ArrayLike | None = None
    ) -> tuple[jax.Array, jax.Array]:
        """Returns the outputs ``(L, N, directions · hidden_size)`` and the last state.

        Args:
            input: ``(L, N, input_size)``, or ``(L, input_size)``; with `batch_first`
                ``(N, L, input_size)``.
            hx: ``(num_layers · directions, N, hidden_size)`` initial state; zeros
                where None.

        Raises:
            ValueError: The input has another number of dimensions or dtype.
            RuntimeError: Sizes do not fit.
        """
        outputs, (hidden,) = self._run(input, None if hx is None else (hx,))
        return outputs, hidden


class LSTM(Recurrent):
    """Layers of long short-term memory.

    Args:
        input_size: Features of each element of the sequence.
        hidden_size: Features of the hidden and the cell state.
        num_layers: Layers, each over the outputs of the one before.
        bias: Whether the layers have biases.
        batch_first: Whether inputs and outputs are ``(N, L, *)``.
        dropout: Probability of dropout behind every layer but the last.
        bidirectional: Whether a second set of layers reads from the end.
        proj_size: Features that the hidden state is projected to; 0 for none.
        rngs: A `Generator` for PyTorch's initial weights or `nnx.Rngs` for JAX's.
        dtype: float32 or float64 parameters.

    Attributes:
        weight_ih_l0: ``(4 · hidden_size, input_size)``: input, forget, cell and output
            gate; and so on for each layer, with ``_reverse`` behind the names of the
            second direction.
        weight_hh_l0: ``(4 · hidden_size, hidden_size)``, or `proj_size` columns.
        bias_ih_l0: ``(4 · hidden_size,)``.
        bias_hh_l0: ``(4 · hidden_size,)``.
        weight_hr_l0: ``(proj_size, hidden_size)``, with projections only.

    Raises:
        ValueError: An option is out of range.
        TypeError: A size is no int, or a switch no bool.

    Torch:
        ``torch.nn.LSTM``, 2.13.0: initial values T0 with a `Generator`, outputs T1 in
        float64. Packed sequences are not taken.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn.random import Generator
        >>> lstm = LSTM(3, 4, rngs=Generator(0))
        >>> output, (hidden, cell) = lstm(jnp.ones((5, 2, 3)))
        >>> output.shape, hidden.shape, cell.shape
        ((5, 2, 4), (1, 2, 4), (1, 2, 4))
    """

    gates = 4
    states = 2

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        *,
        rngs: Source,
        dtype: DTypeLike = np.float32,
    ):
        super().__init__(
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size=proj_size,
            rngs=rngs,
            dtype=dtype,
        )

    def _step(self) -> Step:
        return lstm

    def forward(
        self, input: ArrayLike, hx: tuple[ArrayLike, ArrayLike] | None = None
    ) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        """Returns the outputs ``(L, N, directions · H)`` and the last two states.

        H is `proj_size`, or `hidden_size` where there is no projection.

        Args:
            input: ``(L, N, input_size)``, or ``(L, input_size)``; with `batch_first`
                ``(N, L, input_size)``.
            hx: Initial hidden ``(num_layers · directions, N, H)`` and cell state
                ``(num_layers · directions, N, hidden_size)``; zeros where None.

        Raises:
            ValueError: The input has another number of dimensions or dtype.
            RuntimeError: Sizes do not fit.
        """
        outputs, (hidden, cell) = self._run(input, None if hx is None else tuple(hx))
        return outputs, (hidden, cell)
