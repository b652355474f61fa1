# SPDX-License-Identifier: Apache-2.0
"""Architectures of multi-head attention."""

from __future__ import annotations

from typing import Any

from tests.contract.architectures.parts import fill, fill_all, parameter, tree

# As a module registers them.
PROJECTIONS = ("q_proj_weight", "k_proj_weight", "v_proj_weight", "in_proj_weight")
MATRICES = (*PROJECTIONS, "weight")


def transformer_encoder(nn: Any, **rngs: Any) -> Any:
    def layer() -> Any:
        return tree(
            nn,
            self_attn=nn.MultiheadAttention(24, 4, dropout=0.1, **rngs),
            linear1=nn.Linear(24, 48, **rngs),
            linear2=nn.Linear(48, 24, **rngs),
            norm1=nn.LayerNorm(24),
            norm2=nn.LayerNorm(24),
        )

    return tree(
        nn,
        embedding=nn.Embedding(50, 24, padding_idx=0, **rngs),
        layers=nn.ModuleList([layer() for _ in range(3)]),
        classifier=nn.Linear(24, 3, **rngs),
    )


def translation_transformer(nn: Any, **rngs: Any) -> Any:
    def layer(crossed: bool) -> Any:
        parts = {"attention": nn.MultiheadAttention(16, 2, batch_first=True, **rngs)}
        if crossed:
            # Keys and values of the encoder's width: three projections, not one.
            parts["cross"] = nn.MultiheadAttention(16, 2, kdim=20, vdim=12, **rngs)
        parts["up"] = nn.Linear(16, 32, **rngs)
        parts["down"] = nn.Linear(32, 16, **rngs)
        return tree(nn, **parts)

    model = tree(
        nn,
        source=nn.Embedding(30, 16, **rngs),
        target=nn.Embedding(35, 16, **rngs),
        encoder=nn.ModuleList([layer(False) for _ in range(2)]),
        decoder=nn.ModuleList([layer(True) for _ in range(2)]),
        out=nn.Linear(16, 35, bias=False, **rngs),
    )
    for module in model.modules():
        for name in MATRICES:
            weight = getattr(module, name, None)
            if weight is not None and len(weight.shape) > 1:
                fill(nn, weight, "xavier_uniform", **rngs)
    return model


def vision_transformer(nn: Any, **rngs: Any) -> Any:
    def block() -> Any:
        return tree(
            nn,
            ln_1=nn.LayerNorm(24, eps=1e-6),
            self_attention=nn.MultiheadAttention(24, 3, batch_first=True, **rngs),
            ln_2=nn.LayerNorm(24, eps=1e-6),
            mlp=nn.Sequential(
                nn.Linear(24, 96, **rngs), nn.GELU(), nn.Linear(96, 24, **rngs)
            ),
        )

    model = tree(nn, conv_proj=nn.Conv2d(3, 24, 8, stride=8, **rngs))
    model.class_token = parameter(nn, (1, 1, 24), "zeros", **rngs)
    model.position = parameter(nn, (1, 17, 24), "trunc_normal", std=0.02, **rngs)
    model.blocks = nn.Sequential(block(), block())
    model.ln = nn.LayerNorm(24, eps=1e-6)
    model.head = nn.Linear(24, 10, **rngs)
    fill(nn, model.conv_proj.weight, "trunc_normal", std=(1 / 192) ** 0.5, **rngs)
    fill_all(nn, model.blocks, nn.Linear, "xavier_uniform", **rngs)
    fill(nn, model.head.weight, "zeros", **rngs)
    return model


def set_transformer(nn: Any, **rngs: Any) -> Any:
    model = tree(nn, embed=nn.Linear(5, 16, **rngs))
    model.inducing = parameter(nn, (1, 6, 16), "xavier_uniform", **rngs)
    model.inward = nn.MultiheadAttention(16, 4, bias=False, **rngs)
    model.outward = nn.MultiheadAttention(16, 4, add_bias_kv=True, **rngs)
    model.seed = parameter(nn, (1, 1, 16), "xavier_normal", **rngs)
    model.pool = nn.MultiheadAttention(16, 1, **rngs)
    model.head = nn.Linear(16, 2, **rngs)
    return model


def conformer(nn: Any, **rngs: Any) -> Any:
    def block() -> Any:
        return tree(
            nn,
            feed_forward=nn.Sequential(
                nn.LayerNorm(12),
                nn.Linear(12, 48, **rngs),
                nn.SiLU(),
                nn.Dropout(0.1),
                nn.Linear(48, 12, **rngs),
            ),
            attention=nn.MultiheadAttention(12, 3, **rngs),
            convolution=nn.Sequential(
                nn.Conv1d(12, 24, 1, **rngs),
                nn.GLU(dim=1),
                nn.Conv1d(12, 12, 15, padding=7, groups=12, **rngs),
                nn.BatchNorm1d(12),
                nn.SiLU(),
                nn.Conv1d(12, 12, 1, **rngs),
            ),
            norm=nn.LayerNorm(12, elementwise_affine=False),
        )

    subsample = nn.Conv1d(20, 12, 3, stride=2, **rngs)
    blocks = nn.Sequential(block(), block())
    return tree(nn, subsample=subsample, blocks=blocks, out=nn.Linear(12, 29, **rngs))
