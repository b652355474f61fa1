# SPDX-License-Identifier: Apache-2.0
"""Architectures that give images back: transposed convolutions."""

from __future__ import annotations

from typing import Any

from tests.contract.architectures.parts import fill, fill_all, tree


def conv_autoencoder(nn: Any, **rngs: Any) -> Any:
    return tree(
        nn,
        encoder=nn.Sequential(
            nn.Conv2d(1, 8, 3, stride=2, padding=1, **rngs),
            nn.ReLU(),
            nn.Conv2d(8, 12, 3, stride=2, padding=1, **rngs),
            nn.ReLU(),
            nn.Conv2d(12, 20, 7, **rngs),
        ),
        decoder=nn.Sequential(
            nn.ConvTranspose2d(20, 12, 7, **rngs),
            nn.ReLU(),
            nn.ConvTranspose2d(12, 8, 3, 2, 1, output_padding=1, **rngs),
            nn.ReLU(),
            nn.ConvTranspose2d(8, 1, 3, 2, 1, output_padding=1, **rngs),
            nn.Sigmoid(),
        ),
    )


def variational_autoencoder(nn: Any, **rngs: Any) -> Any:
    decoder = nn.Sequential(
        nn.Linear(5, 8 * 4, **rngs),
        nn.Unflatten(1, (8, 2, 2)),
        nn.ConvTranspose2d(8, 4, 4, stride=2, padding=1, groups=2, **rngs),
        nn.Softplus(),
        nn.ConvTranspose2d(4, 1, 4, stride=2, padding=1, bias=False, **rngs),
    )
    encoder = nn.Sequential(
        nn.Conv2d(1, 4, 4, stride=2, padding=1, **rngs), nn.Softplus(), nn.Flatten()
    )
    # Constructed last, registered between the two.
    log_variance, mean = nn.Linear(64, 5, **rngs), nn.Linear(64, 5, **rngs)
    return tree(
        nn, encoder=encoder, mean=mean, log_variance=log_variance, decoder=decoder
    )


def dcgan(nn: Any, **rngs: Any) -> Any:
    generator = nn.Sequential(
        nn.ConvTranspose2d(10, 16, 4, 1, 0, bias=False, **rngs),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.ConvTranspose2d(16, 8, 4, 2, 1, bias=False, **rngs),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 3, 4, 2, 1, bias=False, **rngs),
        nn.Tanh(),
    )
    discriminator = nn.Sequential(
        nn.Conv2d(3, 8, 4, 2, 1, bias=False, **rngs),
        nn.LeakyReLU(0.2),
        nn.Conv2d(8, 16, 4, 2, 1, bias=False, **rngs),
        nn.InstanceNorm2d(16, affine=True),
        nn.LeakyReLU(0.2),
        nn.Conv2d(16, 1, 4, 1, 0, bias=False, **rngs),
    )
    model = tree(nn, generator=generator, discriminator=discriminator)
    for kind in (nn.ConvTranspose2d, nn.Conv2d):
        fill_all(nn, model, kind, "normal", 0.0, 0.02, **rngs)
    for index in (1, 4):
        fill(nn, generator[index].weight, "normal", 1.0, 0.02, **rngs)
        fill(nn, generator[index].bias, "zeros", **rngs)
    return model


def unet(nn: Any, **rngs: Any) -> Any:
    def double(size: int, width: int) -> Any:
        return nn.Sequential(
            nn.Conv2d(size, width, 3, padding=1, bias=False, **rngs),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False, **rngs),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        )

    widths = (4, 8, 16)
    downs, ups = nn.ModuleList(), nn.ModuleList()
    size = 1
    for width in widths:
        downs.append(double(size, width))
        size = width
    for width in reversed(widths):
        ups.append(nn.ConvTranspose2d(2 * width, width, 2, stride=2, **rngs))
        ups.append(double(2 * width, width))
    return tree(
        nn,
        ups=ups,
        downs=downs,
        bottleneck=double(16, 32),
        final=nn.Conv2d(4, 2, 1, **rngs),
    )


def dilated_segmentation(nn: Any, **rngs: Any) -> Any:
    rates = (1, 2, 4)
    branches = [
        nn.Conv2d(8, 4, 3, padding=rate, dilation=rate, **rngs) for rate in rates
    ]
    up = nn.ConvTranspose2d(12, 12, 4, stride=2, padding=1, groups=3, **rngs)
    model = tree(
        nn,
        stem=nn.Conv2d(3, 8, 3, padding=1, padding_mode="circular", **rngs),
        branches=nn.ModuleList(branches),
        up=up,
        last=nn.Conv2d(12, 5, 1, **rngs),
    )
    fill(nn, model.stem.weight, "dirac", **rngs)
    fill(nn, model.up.bias, "constant", 0.25, **rngs)
    return model
