# SPDX-License-Identifier: Apache-2.0
"""Architectures of linear layers and embeddings."""

from __future__ import annotations

from typing import Any

from tests.contract.architectures.parts import fill, fill_all, parameter, tree


def mlp(nn: Any, **rngs: Any) -> Any:
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(28 * 28, 64, **rngs),
        nn.ReLU(),
        nn.Linear(64, 48, **rngs),
        nn.ReLU(),
        nn.Linear(48, 10, **rngs),
    )


def self_normalizing(nn: Any, **rngs: Any) -> Any:
    layers = [nn.Linear(21, 40, **rngs), nn.SELU(), nn.Linear(40, 40, **rngs)]
    model = nn.Sequential(*layers, nn.SELU(), nn.Linear(40, 3, **rngs))
    fill_all(nn, model, nn.Linear, "kaiming_normal", nonlinearity="linear", **rngs)
    for index in (0, 2, 4):
        fill(nn, model[index].bias, "zeros", **rngs)
    return model


def highway(nn: Any, **rngs: Any) -> Any:
    gates, transforms = nn.ModuleList(), nn.ModuleList()
    for _ in range(4):
        transforms.append(nn.Linear(24, 24, **rngs))
        gates.append(nn.Linear(24, 24, **rngs))
        fill(nn, gates[-1].bias, "constant", -1.0, **rngs)
    # Registered the other way round than drawn.
    return tree(nn, gates=gates, transforms=transforms, out=nn.Linear(24, 5, **rngs))


def residual_mlp(nn: Any, **rngs: Any) -> Any:
    def block() -> Any:
        return tree(
            nn,
            norm=nn.LayerNorm(32),
            widen=nn.Linear(32, 64, **rngs),
            act=nn.PReLU(64),
            narrow=nn.Linear(64, 32, **rngs),
        )

    stem = nn.Linear(11, 32, **rngs)
    blocks = nn.Sequential(*(block() for _ in range(3)))
    return tree(nn, stem=stem, blocks=blocks, head=nn.Linear(32, 2, **rngs))


def mixture_of_experts(nn: Any, **rngs: Any) -> Any:
    def expert() -> Any:
        return nn.Sequential(
            nn.Linear(16, 24, **rngs), nn.GELU(), nn.Linear(24, 16, **rngs)
        )

    experts = nn.ModuleList([expert() for _ in range(4)])
    gate = nn.Linear(16, 4, bias=False, **rngs)
    return tree(nn, gate=gate, experts=experts)


def bilinear_pair(nn: Any, **rngs: Any) -> Any:
    return tree(
        nn,
        left=nn.Linear(12, 9, **rngs),
        right=nn.Linear(7, 5, **rngs),
        score=nn.Bilinear(9, 5, 4, **rngs),
        gate=nn.Bilinear(9, 5, 1, bias=False, **rngs),
    )


def wide_and_deep(nn: Any, **rngs: Any) -> Any:
    sizes = {"country": (50, 6), "device": (7, 3), "hour": (24, 4)}
    tables = {name: nn.Embedding(*size, **rngs) for name, size in sizes.items()}
    deep = nn.Sequential(
        nn.Linear(13 + 5, 32, **rngs), nn.ReLU(), nn.Linear(32, 1, **rngs)
    )
    return tree(
        nn, tables=nn.ModuleDict(tables), wide=nn.Linear(5, 1, **rngs), deep=deep
    )


def matrix_factorization(nn: Any, **rngs: Any) -> Any:
    model = tree(
        nn,
        users=nn.Embedding(41, 8, **rngs),
        items=nn.Embedding(29, 8, padding_idx=0, **rngs),
        user_bias=nn.Embedding(41, 1, **rngs),
        item_bias=nn.Embedding(29, 1, padding_idx=-1, **rngs),
    )
    model.offset = parameter(nn, (1,), "constant", 3.5, **rngs)
    for table in (model.users, model.items):
        fill(nn, table.weight, "normal", 0.0, 0.05, **rngs)
    return model


def dense_autoencoder(nn: Any, **rngs: Any) -> Any:
    model = tree(
        nn,
        encoder=nn.Sequential(
            nn.Linear(30, 12, **rngs), nn.Sigmoid(), nn.Linear(12, 3, **rngs)
        ),
        decoder=nn.Sequential(
            nn.Linear(3, 12, **rngs), nn.Sigmoid(), nn.Linear(12, 30, **rngs)
        ),
    )
    fill(nn, model.encoder[0].weight, "sparse", sparsity=0.4, std=0.1, **rngs)
    fill(nn, model.decoder[2].weight, "eye", **rngs)
    return model


def mlp_mixer(nn: Any, **rngs: Any) -> Any:
    def mixing(size: int, hidden: int) -> Any:
        return nn.Sequential(
            nn.Linear(size, hidden, **rngs), nn.GELU(), nn.Linear(hidden, size, **rngs)
        )

    def block() -> Any:
        return tree(
            nn,
            token_norm=nn.LayerNorm(24),
            tokens=mixing(16, 8),
            channel_norm=nn.LayerNorm(24),
            channels=mixing(24, 48),
        )

    return tree(
        nn,
        patches=nn.Conv2d(3, 24, kernel_size=7, stride=7, **rngs),
        blocks=nn.Sequential(*(block() for _ in range(2))),
        norm=nn.LayerNorm(24),
        head=nn.Linear(24, 10, **rngs),
    )
