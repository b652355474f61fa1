# SPDX-License-Identifier: Apache-2.0
"""One step of each recurrent layer, and a whole sequence of steps."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from flaxnn._typing import Array, ArrayLike, Float
from flaxnn.functional._checks import as_array, dtype_name
from flaxnn.functional._linear import linear
from flaxnn.functional._rectifiers import relu
from flaxnn.functional._sigmoids import sigmoid, tanh

# By input and by state, then the biases of both.
Weights = tuple[ArrayLike, ArrayLike, ArrayLike | None, ArrayLike | None]
# From what input and state contribute, and the state, to the new state; the first
# array of a state is what a step puts out.
Step = Callable[
    [Float[Array, "N G"], Float[Array, "N G"], tuple[Array, ...]], tuple[Array, ...]
]


def rnn_tanh_cell(
    input: ArrayLike,
    hx: ArrayLike,
    w_ih: ArrayLike,
    w_hh: ArrayLike,
    b_ih: ArrayLike | None = None,
    b_hh: ArrayLike | None = None,
) -> Float[Array, "N H"]:
    """Returns ``tanh(x W_ihᵀ + b_ih + h W_hhᵀ + b_hh)``.

    Args:
        input: ``(N, D)`` floating point.
        hx: ``(N, H)`` the hidden state; the input's dtype, as all others.
        w_ih: ``(H, D)``.
        w_hh: ``(H, H)``.
        b_ih: ``(H,)`` or None.
        b_hh: ``(H,)`` or None.

    Returns:
        The new hidden state.

    Raises:
        RuntimeError: Shapes or dtypes do not fit.

    Torch:
        ``torch.rnn_tanh_cell``, 2.13.0. T1 in float64; in float32 the sums differ in
        their order, which is T2's noise; T3 in half precision.

    Example:
        >>> rnn_tanh_cell([[0.0]], [[0.0]], [[1.0]], [[1.0]])
        Array([[0.]], dtype=float32)
    """
    return _cell(rnn_tanh, input, (hx,), (w_ih, w_hh, b_ih, b_hh))[0]


def rnn_relu_cell(
    input: ArrayLike,
    hx: ArrayLike,
    w_ih: ArrayLike,
    w_hh: ArrayLike,
    b_ih: ArrayLike | None = None,
    b_hh: ArrayLike | None = None,
) -> Float[Array, "N H"]:
    """Returns ``relu(x W_ihᵀ + b_ih + h W_hhᵀ + b_hh)``.

    Args:
        input: ``(N, D)`` floating point.
        hx: ``(N, H)`` the hidden state; the input's dtype, as all others.
        w_ih: ``(H, D)``.
        w_hh: ``(H, H)``.
        b_ih: ``(H,)`` or None.
        b_hh: ``(H,)`` or None.

    Returns:
        The new hidden state.

    Raises:
        RuntimeError: Shapes or dtypes do not fit.

    Torch:
        ``torch.rnn_relu_cell``, 2.13.0, T1; float32 as in `rnn_tanh_cell`.

    Example:
        >>> rnn_relu_cell([[2.0]], [[1.0]], [[1.0]], [[0.5]])
        Array([[2.5]], dtype=float32)
    """
    return _cell(rnn_relu, input, (hx,), (w_ih, w_hh, b_ih, b_hh))[0]


def gru_cell(
    input: ArrayLike,
    hx: ArrayLike,
    w_ih: ArrayLike,
    w_hh: ArrayLike,
    b_ih: ArrayLike | None = None,
    b_hh: ArrayLike | None = None,
) -> Float[Array, "N H"]:
    """Returns one step of a gated recurrent unit.

    The reset gate is applied to the hidden state after its product with the weight.

    Args:
        input: ``(N, D)`` floating point.
        hx: ``(N, H)`` the hidden state; the input's dtype, as all others.
        w_ih: ``(3 H, D)``: reset, update and new gate.
        w_hh: ``(3 H, H)``.
        b_ih: ``(3 H,)`` or None.
        b_hh: ``(3 H,)`` or None.

    Returns:
        The new hidden state.

    Raises:
        RuntimeError: Shapes or dtypes do not fit.

    Torch:
        ``torch.gru_cell``, 2.13.0, T1; float32 as in `rnn_tanh_cell`.

    Example:
        >>> import jax.numpy as jnp
        >>> gru_cell([[0.0]], [[4.0]], jnp.zeros((3, 1)), jnp.zeros((3, 1)))
        Array([[2.]], dtype=float32)

    References:
        Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for
        Statistical Machine Translation", 2014.
    """
    return _cell(gru, input, (hx,), (w_ih, w_hh, b_ih, b_hh))[0]


def lstm_cell(
    input: ArrayLike,
    hx: tuple[ArrayLike, ArrayLike],
    w_ih: ArrayLike,
    w_hh: ArrayLike,
    b_ih: ArrayLike | None = None,
    b_hh: ArrayLike | None = None,
) -> tuple[Float[Array, "N H"], Float[Array, "N H"]]:
    """Returns one step of a long short-term memory.

    Args:
        input: ``(N, D)`` floating point.
        hx: ``(N, H)`` hidden and cell state; the input's dtype, as all others.
        w_ih: ``(4 H, D)``: input, forget, cell and output gate.
        w_hh: ``(4 H, H)``.
        b_ih: ``(4 H,)`` or None.
        b_hh: ``(4 H,)`` or None.

    Returns:
        The new hidden and cell state.

    Raises:
        RuntimeError: Shapes or dtypes do not fit.

    Torch:
        ``torch.lstm_cell``, 2.13.0, T1; float32 as in `rnn_tanh_cell`.

    Example:
        >>> import jax.numpy as jnp
        >>> state = jnp.zeros((1, 1)), jnp.full((1, 1), 4.0)
        >>> lstm_cell([[0.0]], state, jnp.zeros((4, 1)), jnp.zeros((4, 1)))[1]
        Array([[2.]], dtype=float32)

    References:
        Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997; Gers, Schmidhuber
        and Cummins, "Learning to Forget", 2000.
    """
    hidden, cell = _cell(lstm, input, tuple(hx), (w_ih, w_hh, b_ih, b_hh))
    return hidden, cell


def rnn_tanh(
    by_input: Float[Array, "N G"],
    by_state: Float[Array, "N G"],
    state: tuple[Array, ...],
) -> tuple[Array, ...]:
    """One step of the simplest recurrent layer."""
    return (tanh(by_input + by_state),)


def rnn_relu(
    by_input: Float[Array, "N G"],
    by_state: Float[Array, "N G"],
    state: tuple[Array, ...],
) -> tuple[Array, ...]:
    """The same with another activation."""
    return (relu(by_input + by_state),)


def gru(
    by_input: Float[Array, "N G"],
    by_state: Float[Array, "N G"],
    state: tuple[Array, ...],
) -> tuple[Array, ...]:
    """One step of a gated recurrent unit."""
    (hidden,) = state
    reset_x, update_x, new_x = jnp.split(by_input, 3, axis=-1)
    reset_h, update_h, new_h = jnp.split(by_state, 3, axis=-1)
    reset, update = sigmoid(reset_x + reset_h), sigmoid(update_x + update_h)
    new = tanh(new_x + reset * new_h)
    return ((hidden - new) * update + new,)


def lstm(
    by_input: Float[Array, "N G"],
    by_state: Float[Array, "N G"],
    state: tuple[Array, ...],
) -> tuple[Array, ...]:
    """One step of a long short-term memory."""
    _, cell = state
    into, forget, new, out = jnp.split(by_input + by_state, 4, axis=-1)
    cell = sigmoid(forget) * cell + sigmoid(into) * tanh(new)
    return sigmoid(out) * tanh(cell), cell


def recur(
    step: Step,
    input: Float[Array, "L N D"],
    state: tuple[Array, ...],
    weights: Weights,
    projection: ArrayLike | None = None,
    *,
    reverse: bool = False,
) -> tuple[Float[Array, "L N H"], tuple[Array, ...]]:
    """Returns what every step puts out, and the state after the last one.

    The input's product is one for the whole sequence, outside the loop.
    """
    w_ih, w_hh, b_ih, b_hh = weights

    def body(
        state: tuple[Array, ...], by_input: Float[Array, "N G"]
    ) -> tuple[tuple[Array, ...], Array]:
        hidden, *rest = step(by_input, linear(state[0], w_hh, b_hh), state)
        if projection is not None:
            hidden = linear(hidden, projection)
        return (hidden, *rest), hidden

    state, outputs = jax.lax.scan(
        body, state, linear(input, w_ih, b_ih), reverse=reverse
    )
    return outputs, state


def _cell(
    step: Step, input: ArrayLike, state: tuple[ArrayLike, ...], weights: Weights
) -> tuple[Array, ...]:
    """Returns the state after one step; checks what PyTorch's cells check."""
    w_ih, w_hh, b_ih, b_hh = weights
    x, arrays = as_array(input, "input"), tuple(as_array(h, "hx") for h in state)
    columns = as_array(w_hh, "w_hh").shape[-1]
    if x.shape[-1] != as_array(w_ih, "w_ih").shape[-1]:
        raise RuntimeError(
            f"input has inconsistent input_size: got {x.shape[-1]} expected "
            f"{as_array(w_ih, 'w_ih').shape[-1]}"
        )
    for k, array in enumerate(arrays):
        if array.shape[0] != x.shape[0]:
            raise RuntimeError(
                f"Input batch size {x.shape[0]} doesn't match hidden{k} batch size "
                f"{array.shape[0]}"
            )
        if array.shape[-1] != columns:
            raise RuntimeError(
                f"hidden{k} has inconsistent hidden_size: got {array.shape[-1]}, "
                f"expected {columns}"
            )
        if array.dtype != x.dtype:
            raise RuntimeError(
                f"expected the hidden state in the input's dtype {dtype_name(x)}, got "
                f"{dtype_name(array)}"
            )
    return step(linear(x, w_ih, b_ih), linear(arrays[0], w_hh, b_hh), arrays)
