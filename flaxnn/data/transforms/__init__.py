# SPDX-License-Identifier: Apache-2.0
"""Normalisation, flips and crops with torchvision's names and PyTorch's draws.

The numbers are drawn on the host, in PyTorch's order; the arithmetic is JAX's and runs
inside the compiled step.

Example:
    >>> import numpy as np
    >>> from flaxnn.data import DataLoader, transforms
    >>> from flaxnn.random import Generator
    >>> augment = transforms.Compose(
    ...     [
    ...         transforms.RandomCrop(28, padding=4),
    ...         transforms.RandomHorizontalFlip(),
    ...         transforms.Normalize(0.2860, 0.3530),
    ...     ]
    ... )
    >>> images = np.zeros((10, 28, 28), np.uint8)
    >>> loader = DataLoader((images,), 4, rngs=Generator(0), transform=augment)
    >>> [(batch.shape, batch.dtype) for (batch,) in loader][2]
    ((2, 28, 28), dtype('float32'))
"""

from __future__ import annotations

from flaxnn.data.transforms._compose import Compose
from flaxnn.data.transforms._crop import RandomCrop
from flaxnn.data.transforms._flips import RandomHorizontalFlip, RandomVerticalFlip
from flaxnn.data.transforms._normalize import Normalize
from flaxnn.data.transforms._transform import Transform

__all__ = [
    "Compose",
    "Normalize",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomVerticalFlip",
    "Transform",
]
