# SPDX-License-Identifier: Apache-2.0
"""Calls that PyTorch refuses: the type of the exception and words from its message."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.contract.case import labels, spread


@dataclass(frozen=True, eq=False)
class Bad:
    """A refused call; `words` stand in both messages, ours and PyTorch's."""

    op: str
    args: tuple[Any, ...]
    error: type[Exception]
    words: str
    kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class BadLayer:
    """A module that refuses its options, or else its inputs."""

    layer: str
    args: tuple[Any, ...]
    error: type[Exception]
    words: str
    kwargs: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[Any, ...] = ()


SCALAR = np.array(1.0, np.float32)
X = spread(4, 3).astype(np.float32)
Y = labels(4, classes=3)
P = spread(3, low=0.0, high=1.0).astype(np.float32)
LONG = np.arange(6).reshape(2, 3)
RANGE = "Dimension out of range (expected to be in range of [{}, {}], but got {})"


def not_implemented(op: str, kernel: str, *args: Any) -> Bad:
    """Returns a call with integers that PyTorch's kernel does not know."""
    words = f"\"{kernel}\" not implemented for 'Long'"
    return Bad(op, args, NotImplementedError, words)


def zeros(*shape: int, dtype: str = "float32") -> np.ndarray:
    """Returns zeros; float32, so that no dtype is cast in a refused call."""
    return np.zeros(shape, dtype)


def longs(*values: int) -> np.ndarray:
    """Returns int64 labels."""
    return np.array(values)
