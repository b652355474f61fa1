# SPDX-License-Identifier: Apache-2.0
"""scikit-learn's random_state as a seed of PyTorch's generator."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from flaxnn.random import Generator


def seed_of(random_state: Any) -> int:
    """Returns the seed that a random_state stands for.

    Args:
        random_state: An int, which is the seed itself; None for a fresh one; or a
            NumPy ``RandomState`` (or the module ``numpy.random``), from which one is
            drawn.

    Raises:
        ValueError: It is none of these.
    """
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, numbers.Integral):
        check_random_state(int(random_state))
        return int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def generator_of(random_state: Any) -> Generator:
    """Returns PyTorch's generator for a random_state: an int is its seed.

    Args:
        random_state: As for `seed_of`.

    Raises:
        ValueError: It is none of these.
    """
    return Generator(seed_of(random_state))
