# SPDX-License-Identifier: Apache-2.0
"""The states of a run's Generators, as PyTorch's files have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from flaxnn.random import Generator


def generator_states(value: Any, expected: int, name: str) -> tuple[np.ndarray, ...]:
    """The states, each checked.

    Args:
        value: One state, as ``torch.get_rng_state()`` gives it, or several of them.
        expected: How many Generators the run has.
        name: The entry's name, for messages.

    Raises:
        ValueError: There are fewer or more, or one is not a Generator's state.
    """
    if isinstance(value, Mapping):
        value = list(value.values())
    several = value if isinstance(value, list | tuple) else [value]
    if len(several) != expected:
        raise ValueError(
            f"{name} has the state(s) of {len(several)} generator(s), and this run has "
            f"{expected}: the one for the model's draws and the loader's own; pass the "
            "loader as data="
        )
    states = []
    for state in several:
        generator = Generator()
        try:
            generator.set_state(np.asarray(state))
        except (RuntimeError, TypeError, ValueError) as error:
            raise ValueError(
                f"{name} is not the state of a PyTorch CPU generator: {error}"
            ) from error
        states.append(generator.get_state())
    return tuple(states)
