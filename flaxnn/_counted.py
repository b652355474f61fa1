# SPDX-License-Identifier: Apache-2.0
"""Class labels that lie whole on every device, while samples are shared among them.

A loss that divides by how many labels count needs that number before the gradient can
start. Where the labels of a batch are cut among devices, that is an all-reduce of its
own at each step; where every device has all labels, it is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import jax

_WHOLE: ContextVar[bool] = ContextVar("labels lie whole on every device", default=False)


@contextmanager
def whole_labels(whole: bool) -> Iterator[None]:
    """Says so of the labels that losses are traced with meanwhile."""
    token = _WHOLE.set(whole)
    try:
        yield
    finally:
        _WHOLE.reset(token)


def counted(labels: jax.Array) -> jax.Array:
    """The labels to count with: where they lie whole, a value of their own.

    XLA would otherwise count with the part of the labels that a device compares with
    its samples, and add up the counts of all devices.
    """
    return jax.lax.optimization_barrier(labels) if _WHOLE.get() else labels
