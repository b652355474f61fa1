# SPDX-License-Identifier: Apache-2.0
"""Architectures of convolutions that classify."""

from __future__ import annotations

from typing import Any

from tests.contract.architectures.parts import fill_all, parameter, tree


def lenet(nn: Any, **rngs: Any) -> Any:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2, **rngs),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5, **rngs),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120, **rngs),
        nn.Tanh(),
        nn.Linear(120, 84, **rngs),
        nn.Tanh(),
        nn.Linear(84, 10, **rngs),
    )


def alexnet(nn: Any, **rngs: Any) -> Any:
    return tree(
        nn,
        features=nn.Sequential(
            nn.Conv2d(3, 8, 11, stride=4, padding=2, **rngs),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(8, 16, 5, padding=2, groups=2, **rngs),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(16, 24, 3, padding=1, **rngs),
        ),
        avgpool=nn.AdaptiveAvgPool2d((2, 2)),
        classifier=nn.Sequential(
            nn.Dropout(), nn.Linear(96, 32, **rngs), nn.ReLU(), nn.Linear(32, 7, **rngs)
        ),
    )


def vgg(nn: Any, **rngs: Any) -> Any:
    layers, size = [], 3
    for width in (8, 8, None, 16, 16, None, 24, None):
        if width is None:
            layers.append(nn.MaxPool2d(2, 2))
        else:
            conv = nn.Conv2d(size, width, 3, padding=1, **rngs)
            layers += [conv, nn.BatchNorm2d(width), nn.ReLU()]
            size = width
    model = tree(
        nn,
        features=nn.Sequential(*layers),
        classifier=nn.Sequential(
            nn.Linear(24 * 4, 20, **rngs), nn.ReLU(), nn.Linear(20, 10, **rngs)
        ),
    )
    options = {"mode": "fan_out", "nonlinearity": "relu"}
    fill_all(nn, model, nn.Conv2d, "kaiming_normal", **options, **rngs)
    fill_all(nn, model, nn.Linear, "normal", 0, 0.01, **rngs)
    return model


def resnet(nn: Any, **rngs: Any) -> Any:
    def block(size: int, width: int, stride: int) -> Any:
        made = tree(
            nn,
            conv1=nn.Conv2d(size, width, 3, stride, 1, bias=False, **rngs),
            bn1=nn.BatchNorm2d(width),
            relu=nn.ReLU(),
            conv2=nn.Conv2d(width, width, 3, padding=1, bias=False, **rngs),
            bn2=nn.BatchNorm2d(width),
        )
        if stride > 1:
            shortcut = nn.Conv2d(size, width, 1, stride, bias=False, **rngs)
            made.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(width))
        return made

    model = tree(
        nn,
        conv1=nn.Conv2d(3, 8, 7, stride=2, padding=3, bias=False, **rngs),
        bn1=nn.BatchNorm2d(8),
        maxpool=nn.MaxPool2d(3, 2, 1),
        layer1=nn.Sequential(block(8, 8, 1), block(8, 8, 1)),
        layer2=nn.Sequential(block(8, 16, 2), block(16, 16, 1)),
        layer3=nn.Sequential(block(16, 24, 2), block(24, 24, 1)),
        avgpool=nn.AdaptiveAvgPool2d(1),
        fc=nn.Linear(24, 10, **rngs),
    )
    options = {"mode": "fan_out", "nonlinearity": "relu"}
    fill_all(nn, model, nn.Conv2d, "kaiming_normal", **options, **rngs)
    return model


def preactivation_bottleneck(nn: Any, **rngs: Any) -> Any:
    def block(size: int) -> Any:
        narrow = size // 4
        return nn.Sequential(
            nn.BatchNorm2d(size),
            nn.ELU(),
            nn.Conv2d(size, narrow, 1, **rngs),
            nn.BatchNorm2d(narrow, affine=False),
            nn.ELU(),
            nn.Conv2d(narrow, narrow, 3, padding=1, padding_mode="reflect", **rngs),
            nn.Conv2d(narrow, size, 1, **rngs),
        )

    stem = nn.Conv2d(3, 16, 3, **rngs)
    blocks = nn.ModuleList([block(16) for _ in range(3)])
    return tree(nn, stem=stem, blocks=blocks, fc=nn.Linear(16, 4, **rngs))


def densenet(nn: Any, **rngs: Any) -> Any:
    features, size, growth = [nn.Conv2d(3, 8, 3, padding=1, **rngs)], 8, 4
    for layers in (3, 2):
        dense = {}
        for index in range(layers):
            dense[f"denselayer{index + 1}"] = nn.Sequential(
                nn.BatchNorm2d(size),
                nn.ReLU(),
                nn.Conv2d(size, 4 * growth, 1, bias=False, **rngs),
                nn.BatchNorm2d(4 * growth),
                nn.ReLU(),
                nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False, **rngs),
            )
            size += growth
        transition = nn.Conv2d(size, size // 2, 1, bias=False, **rngs)
        features += [nn.ModuleDict(dense), transition, nn.AvgPool2d(2)]
        size //= 2
    return tree(
        nn, features=nn.Sequential(*features), classifier=nn.Linear(size, 10, **rngs)
    )


def inception(nn: Any, **rngs: Any) -> Any:
    def conv(size: int, width: int, kernel: Any, padding: Any = 0) -> Any:
        layer = nn.Conv2d(size, width, kernel, padding=padding, bias=False, **rngs)
        return tree(nn, conv=layer, bn=nn.BatchNorm2d(width, eps=1e-3))

    def mixed(size: int) -> Any:
        return nn.ModuleDict(
            {
                "one": conv(size, 4, 1),
                "three": nn.Sequential(conv(size, 3, 1), conv(3, 4, 3, 1)),
                "seven": nn.Sequential(
                    conv(size, 3, 1), conv(3, 4, (1, 7), (0, 3)), conv(4, 4, (7, 1))
                ),
                "pool": nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(size, 4, 1)),
            }
        )

    model = tree(
        nn, stem=conv(3, 8, 3), mixed1=mixed(8), mixed2=mixed(16),
        fc=nn.Linear(16, 5, **rngs),
    )  # fmt: skip
    for kind in (nn.Conv2d, nn.Linear):
        fill_all(nn, model, kind, "trunc_normal", 0.0, 0.1, -2, 2, **rngs)
    return model


def depthwise_separable(nn: Any, **rngs: Any) -> Any:
    def block(size: int, width: int, stride: int) -> list[Any]:
        return [
            nn.Conv2d(size, size, 3, stride, 1, groups=size, bias=False, **rngs),
            nn.BatchNorm2d(size),
            nn.ReLU6(),
            nn.Conv2d(size, width, 1, bias=False, **rngs),
            nn.BatchNorm2d(width),
            nn.ReLU6(),
        ]

    stem = nn.Conv2d(3, 8, 3, 2, 1, bias=False, **rngs)
    blocks = [*block(8, 16, 1), *block(16, 24, 2), *block(24, 24, 1)]
    return nn.Sequential(stem, *blocks, nn.Flatten(), nn.Linear(24, 10, **rngs))


def squeeze_and_excitation(nn: Any, **rngs: Any) -> Any:
    def block(size: int, wide: int) -> Any:
        return tree(
            nn,
            expand=nn.Conv2d(size, wide, 1, bias=False, **rngs),
            depthwise=nn.Conv2d(wide, wide, 5, padding=2, groups=wide, **rngs),
            reduce=nn.Linear(wide, wide // 4, **rngs),
            restore=nn.Linear(wide // 4, wide, **rngs),
            gate=nn.Hardsigmoid(),
            project=nn.Conv2d(wide, size, 1, bias=False, **rngs),
            norm=nn.BatchNorm2d(size, momentum=0.01),
        )

    stem = nn.Sequential(nn.Conv2d(3, 8, 3, **rngs), nn.Hardswish())
    return tree(
        nn, stem=stem, blocks=nn.Sequential(block(8, 16), block(8, 24)),
        head=nn.Linear(8, 10, **rngs),
    )  # fmt: skip


def convnext(nn: Any, **rngs: Any) -> Any:
    def block(size: int) -> Any:
        made = tree(
            nn,
            depthwise=nn.Conv2d(size, size, 7, padding=3, groups=size, **rngs),
            norm=nn.LayerNorm(size, eps=1e-6),
            widen=nn.Linear(size, 4 * size, **rngs),
            narrow=nn.Linear(4 * size, size, **rngs),
        )
        made.gamma = parameter(nn, (size,), "constant", 1e-6, **rngs)
        return made

    model = tree(
        nn,
        stem=nn.Conv2d(3, 8, 4, stride=4, **rngs),
        stage=nn.Sequential(block(8), block(8)),
        down=nn.Sequential(nn.GroupNorm(1, 8), nn.Conv2d(8, 16, 2, stride=2, **rngs)),
        last=block(16),
        head=nn.Linear(16, 10, **rngs),
    )
    for kind in (nn.Conv2d, nn.Linear):
        fill_all(nn, model, kind, "trunc_normal", std=0.02, **rngs)
    return model


def conv_mixer(nn: Any, **rngs: Any) -> Any:
    def block(size: int) -> Any:
        return nn.Sequential(
            nn.Conv2d(size, size, 5, padding="same", groups=size, **rngs),
            nn.GELU(),
            nn.GroupNorm(4, size),
            nn.Conv2d(size, size, 1, **rngs),
            nn.GELU(),
            nn.GroupNorm(2, size, affine=False),
        )

    stem = nn.Conv2d(3, 16, 7, stride=7, **rngs)
    return nn.Sequential(
        stem, block(16), block(16), nn.Flatten(), nn.Linear(16, 4, **rngs)
    )
