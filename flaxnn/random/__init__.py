# SPDX-License-Identifier: Apache-2.0
"""PyTorch's CPU random numbers in NumPy, bit for bit.

A `Generator` is seeded like PyTorch's and draws what PyTorch draws: initial weights,
permutations and dropout masks come out the same. Importing this loads no JAX.

Example:
    >>> from flaxnn.random import Generator
    >>> Generator(42).randperm(5)
    array([2, 4, 3, 0, 1])
"""

from __future__ import annotations

from flaxnn.random._explain import Explanation, explain
from flaxnn.random._generator import Generator
from flaxnn.random._ledger import Draw

__all__ = ["Draw", "Explanation", "Generator", "explain"]
