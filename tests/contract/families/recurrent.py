# SPDX-License-Identifier: Apache-2.0
"""Recurrent layers: single steps and whole sequences."""

from __future__ import annotations

from typing import Any

from tests.contract.bad import Bad, BadLayer, zeros
from tests.contract.case import Case, Op, spread
from tests.contract.layer import Layer, LayerCase

X, H, C = spread(5, 3), spread(5, 4, start=30), spread(5, 4, start=60)
ALL = (0, 1, 2, 3, 4, 5)


def steps(gates: int, state: Any) -> tuple[Case, ...]:
    """With and without biases; one sample and none; far out."""
    w_ih, w_hh = spread(4 * gates, 3, start=7), spread(4 * gates, 4, start=90)
    b_ih, b_hh = spread(4 * gates, start=11), spread(4 * gates, start=70)
    first = tuple(s[:1] for s in state) if isinstance(state, tuple) else state[:1]
    none = tuple(s[:0] for s in state) if isinstance(state, tuple) else state[:0]
    by = (0, 2, 3, 4, 5) if isinstance(state, tuple) else ALL
    return (
        Case("biases", (X, state, w_ih, w_hh, b_ih, b_hh), by=by),
        Case("no-biases", (X, state, w_ih, w_hh), by=by[:-2]),
        Case("far", (20 * X, state, w_ih, w_hh, b_ih, b_hh)),
        Case("single", (X[:1], first, w_ih, w_hh, b_ih, b_hh), by=by),
        Case("empty", (X[:0], none, w_ih, w_hh, b_ih, b_hh)),
    )


# Sums of up to eight products as large as 9, in another order, and what the gates
# make of them: 4.8e-6 was measured in the gradients.
ATOL = 1e-5
OPS = (
    Op("rnn_tanh_cell", "torch.rnn_tanh_cell", steps(1, H), atol=ATOL),
    Op("rnn_relu_cell", "torch.rnn_relu_cell", steps(1, H), atol=ATOL),
    # In bfloat16 the cancelling sums of the gradients leave both sides as far from the
    # float64 gradient: up to 0.050 ours and 0.067 PyTorch's, at a largest of 1.4.
    Op("gru_cell", "torch.gru_cell", steps(3, H), atol=ATOL, bfloat16_steps=4),
    Op("lstm_cell", "torch.lstm_cell", steps(4, (H, C)), atol=ATOL, bfloat16_steps=20),
)


def sequences(states: int) -> tuple[LayerCase, ...]:
    """Each option by itself, and all together."""
    x, first = spread(6, 2, 3), (spread(6, 2, 3).transpose(1, 0, 2).copy(),)

    def state(layers: int, *sizes: int, batch: tuple[int, ...] = (2,)) -> Any:
        arrays = tuple(
            spread(layers, *batch, size, start=40 * k, low=-1.0, high=1.0)
            for k, size in enumerate(sizes)
        )
        return arrays[0] if states == 1 else arrays

    sizes = (4,) * states
    everything = {"num_layers": 2, "bidirectional": True, "batch_first": True}
    return (
        LayerCase("plain", (3, 4), inputs=(x,)),
        LayerCase("state", (3, 4), inputs=(x, state(1, *sizes)), by=(0, 1)),
        LayerCase("layers", (3, 4, 3), inputs=(x, state(3, *sizes)), by=(0, 1)),
        LayerCase("no-bias", (3, 4), {"bias": False}, (x,)),
        LayerCase("both-ways", (3, 4), {"bidirectional": True}, (x,)),
        LayerCase("batch-first", (3, 4), {"batch_first": True}, first),
        LayerCase("everything", (3, 4), everything, (first[0], state(4, *sizes))),
        LayerCase("unbatched", (3, 4), inputs=(x[:, 0], state(1, *sizes, batch=()))),
        LayerCase("one-step", (3, 4), inputs=(x[:1],)),
        LayerCase("no-batch", (3, 4), inputs=(x[:, :0],)),
        LayerCase("dropout", (3, 4, 3), {"dropout": 0.4, "bidirectional": True}, (x,)),
        LayerCase("eval", (3, 4, 2), {"dropout": 0.4}, (x,), training=False),
    )


def cells(states: int) -> tuple[LayerCase, ...]:
    """A batch, a sample, a state."""
    given = H if states == 1 else (H, C)
    sample = H[0] if states == 1 else (H[0], C[0])
    return (
        LayerCase("plain", (3, 4), inputs=(X,)),
        LayerCase("state", (3, 4), inputs=(X, given), by=(0, 1)),
        LayerCase("no-bias", (3, 4, False), inputs=(X, given)),
        LayerCase("unbatched", (3, 4), inputs=(X[0], sample)),
    )


PROJECTED = spread(2, 2, 2), spread(2, 2, 4, start=9)
LAYERS = (
    Layer(
        "RNN",
        "torch.nn.RNN",
        (
            *sequences(1),
            LayerCase("relu", (3, 4, 2, "relu"), inputs=(spread(6, 2, 3),)),
        ),
        atol=ATOL,
        differences="takes no packed sequences",
    ),
    Layer(
        "GRU",
        "torch.nn.GRU",
        sequences(1),
        atol=ATOL,
        differences="takes no packed sequences",
    ),
    Layer(
        "LSTM",
        "torch.nn.LSTM",
        (
            *sequences(2),
            LayerCase(
                "projection",
                (3, 4, 2),
                {"proj_size": 2},
                (spread(6, 2, 3), PROJECTED),
                (0, 1),
            ),
            LayerCase(
                "projection-both-ways",
                (3, 4, 2),
                {"proj_size": 2, "bidirectional": True},
                (spread(6, 2, 3),),
            ),
        ),
        atol=ATOL,
        differences="takes no packed sequences",
    ),
    Layer(
        "RNNCell",
        "torch.nn.RNNCell",
        (*cells(1), LayerCase("relu", (3, 4, True, "relu"), inputs=(X,))),
        atol=ATOL,
    ),
    Layer("GRUCell", "torch.nn.GRUCell", cells(1), atol=ATOL),
    Layer("LSTMCell", "torch.nn.LSTMCell", cells(2), atol=ATOL),
)

_W3, _W4 = (zeros(4, 3), zeros(4, 4))
BAD = tuple(
    Bad(op, (x, h, _W3, _W4), RuntimeError, words)
    for op in ("rnn_tanh_cell", "rnn_relu_cell")
    for x, h, words in (
        (
            zeros(5, 2),
            zeros(5, 4),
            "inconsistent input_size: got 2 expected 3",
        ),
        (zeros(5, 3), zeros(2, 4), "Input batch size 5 doesn't match hidden0 batch"),
        (zeros(5, 3), zeros(5, 3), "hidden0 has inconsistent hidden_size: got 3"),
    )
)
BAD_LAYERS = (
    *(
        bad
        for name in ("RNN", "GRU", "LSTM")
        for bad in (
            BadLayer(name, (0, 4), ValueError, "input_size must be greater than zero"),
            BadLayer(name, (3, 0), ValueError, "hidden_size must be greater than zero"),
            BadLayer(name, (3, 4, 0), ValueError, "num_layers must be greater than"),
            BadLayer(name, (3.0, 4), TypeError, "input_size should be of type int"),
            BadLayer(name, (3, 4), ValueError, "in range [0, 1]", {"dropout": 1.5}),
            BadLayer(name, (3, 4), TypeError, "bias should be of type", {"bias": 1}),
            BadLayer(
                name,
                (3, 4),
                ValueError,
                f"{name}: Expected input to be 2D or 3D, got 1D",
                inputs=(zeros(3),),
            ),
            BadLayer(
                name,
                (3, 4),
                RuntimeError,
                "must be equal to input_size. Expected 3, got 2",
                inputs=(zeros(5, 2, 2),),
            ),
            BadLayer(
                name,
                (3, 4),
                ValueError,
                "RNN input dtype",
                inputs=(zeros(5, 2, 3) > 0,),
            ),
            BadLayer(
                name,
                (3, 4),
                RuntimeError,
                "Expected sequence length to be larger than 0 in RNN",
                inputs=(zeros(0, 2, 3),),
            ),
        )
    ),
    *(
        BadLayer(name, (3, 4), RuntimeError, words, inputs=(zeros(5, 2, 3), h))
        for name in ("RNN", "GRU")
        for h, words in (
            (zeros(1, 3, 4), "Expected hidden size (1, 2, 4), got [1, 3, 4]"),
            (zeros(1, 4), "For batched 3-D input, hx should also be 3-D but got 2-D"),
        )
    ),
    BadLayer(
        "LSTM",
        (3, 4),
        RuntimeError,
        "Expected hidden[0] size (1, 2, 4), got [1, 3, 4]",
        inputs=(zeros(5, 2, 3), (zeros(1, 3, 4), zeros(1, 2, 4))),
    ),
    BadLayer(
        "LSTM",
        (3, 4),
        RuntimeError,
        "For unbatched 2-D input, hx and cx should also be 2-D but got (3-D, 3-D)",
        inputs=(zeros(5, 3), (zeros(1, 2, 4), zeros(1, 2, 4))),
    ),
    BadLayer("LSTM", (3, 4), ValueError, "proj_size has to be", {"proj_size": 4}),
    BadLayer("LSTM", (3, 4), ValueError, "proj_size should be", {"proj_size": -1}),
    BadLayer("RNN", (3, 4, 1, "elu"), ValueError, "Unknown nonlinearity 'elu'."),
    *(
        BadLayer(name, (3, 4), ValueError, f"{name}: Expected {what}", inputs=inputs)
        for name, what, inputs in (
            ("RNNCell", "input to be 1D or 2D, got 3D", (zeros(1, 2, 3),)),
            ("GRUCell", "hidden to be 1D or 2D, got 3D", (zeros(2, 3), zeros(1, 2, 4))),
            (
                "LSTMCell",
                "hx[1] to be 1D or 2D, got 3D",
                (zeros(2, 3), (zeros(2, 4), zeros(1, 2, 4))),
            ),
        )
    ),
)
