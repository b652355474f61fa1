# SPDX-License-Identifier: Apache-2.0
"""Architectures for text and signals: recurrent layers and convolutions in time."""

from __future__ import annotations

from typing import Any

from tests.contract.architectures.parts import fill, fill_all, tree


def char_rnn(nn: Any, **rngs: Any) -> Any:
    return tree(
        nn,
        encoder=nn.Embedding(31, 12, **rngs),
        rnn=nn.RNN(12, 20, num_layers=2, nonlinearity="relu", **rngs),
        decoder=nn.Linear(20, 31, **rngs),
    )


def stacked_bidirectional_lstm(nn: Any, **rngs: Any) -> Any:
    return tree(
        nn,
        embedding=nn.Embedding(40, 10, padding_idx=0, **rngs),
        lstm=nn.LSTM(
            10, 14, num_layers=3, bidirectional=True, batch_first=True, dropout=0.2,
            **rngs,
        ),
        tags=nn.Linear(28, 9, **rngs),
    )  # fmt: skip


def gru_seq2seq(nn: Any, **rngs: Any) -> Any:
    encoder = tree(
        nn, embedding=nn.Embedding(25, 8, **rngs), gru=nn.GRU(8, 16, 2, **rngs)
    )
    decoder = tree(
        nn,
        embedding=nn.Embedding(27, 8, **rngs),
        attention=nn.Linear(8 + 16, 10, **rngs),
        combine=nn.Linear(8 + 16, 16, **rngs),
        gru=nn.GRU(16, 16, bias=False, **rngs),
        out=nn.Linear(16, 27, **rngs),
    )
    return tree(nn, encoder=encoder, decoder=decoder)


def cells(nn: Any, **rngs: Any) -> Any:
    return tree(
        nn,
        lstm=nn.ModuleList([nn.LSTMCell(6, 11, **rngs), nn.LSTMCell(11, 11, **rngs)]),
        gru=nn.GRUCell(11, 7, **rngs),
        rnn=nn.RNNCell(7, 5, bias=False, nonlinearity="relu", **rngs),
        out=nn.Linear(5, 1, **rngs),
    )


def projected_lstm(nn: Any, **rngs: Any) -> Any:
    return tree(
        nn,
        lstm=nn.LSTM(9, 16, num_layers=2, proj_size=6, bidirectional=True, **rngs),
        norm=nn.LayerNorm(12),
        out=nn.Linear(12, 4, **rngs),
    )


def tied_language_model(nn: Any, **rngs: Any) -> Any:
    model = tree(
        nn,
        drop=nn.Dropout(0.5),
        encoder=nn.Embedding(33, 16, **rngs),
        rnn=nn.LSTM(16, 16, 2, dropout=0.5, **rngs),
        decoder=nn.Linear(16, 33, **rngs),
    )
    model.decoder.weight = model.encoder.weight
    fill(nn, model.encoder.weight, "uniform", -0.1, 0.1, **rngs)
    fill(nn, model.decoder.bias, "zeros", **rngs)
    return model


def text_cnn(nn: Any, **rngs: Any) -> Any:
    convs = [nn.Conv1d(12, 8, width, **rngs) for width in (3, 4, 5)]
    return tree(
        nn,
        embedding=nn.Embedding(60, 12, padding_idx=1, **rngs),
        convs=nn.ModuleList(convs),
        dropout=nn.Dropout(0.5),
        fc=nn.Linear(24, 2, **rngs),
    )


def temporal_convolutions(nn: Any, **rngs: Any) -> Any:
    def block(size: int, width: int, dilation: int) -> Any:
        made = tree(
            nn,
            conv1=nn.Conv1d(size, width, 3, padding="same", dilation=dilation, **rngs),
            conv2=nn.Conv1d(width, width, 3, padding="same", dilation=dilation, **rngs),
        )
        if size != width:
            made.downsample = nn.Conv1d(size, width, 1, **rngs)
        return made

    blocks = [block(2, 8, 1), block(8, 8, 2), block(8, 12, 4)]
    model = tree(nn, blocks=nn.Sequential(*blocks), out=nn.Linear(12, 1, **rngs))
    fill_all(nn, model, nn.Conv1d, "normal", 0, 0.01, **rngs)
    return model


def wavenet(nn: Any, **rngs: Any) -> Any:
    filters, gates, skips = (nn.ModuleList() for _ in range(3))
    for power in range(4):
        for layers in (filters, gates):
            layers.append(nn.Conv1d(6, 6, 2, dilation=2**power, **rngs))
        skips.append(nn.Conv1d(6, 10, 1, bias=False, **rngs))
    return tree(
        nn,
        start=nn.Conv1d(1, 6, 1, **rngs),
        filters=filters,
        gates=gates,
        skips=skips,
        upsample=nn.ConvTranspose1d(4, 6, 8, stride=4, padding=2, **rngs),
        end=nn.Sequential(nn.ReLU(), nn.Conv1d(10, 16, 1, **rngs)),
    )
