# SPDX-License-Identifier: Apache-2.0
"""Which generator a loader or a split draws from."""

from __future__ import annotations

from typing import Any

from flaxnn.random import Generator


def as_generator(value: Any, argument: str) -> Generator | None:
    """The Generator given as `rngs` or `generator`, None for none or for JAX keys."""
    if value is None or isinstance(value, Generator):
        return value
    if argument == "rngs" and _is_flax_rngs(value):
        return None
    raise TypeError(
        f"{argument} must be a flaxnn.random.Generator, got {_qualified(value)}. "
        "For torch.manual_seed(0) or torch.Generator().manual_seed(0), pass "
        "flaxnn.random.Generator(0); for a torch generator in mid-stream, one whose "
        "set_state was given its get_state().numpy()"
    )


def missing_generator(purpose: str, rngs: Any) -> TypeError:
    """The error for drawing from nothing, or from JAX keys."""
    got = "flax.nnx.Rngs" if rngs is not None else "neither rngs nor generator"
    return TypeError(
        f"{purpose} needs PyTorch's random numbers, got {got}. Pass "
        "rngs=flaxnn.random.Generator(seed), the run's generator (in PyTorch: the "
        "global one, seeded by torch.manual_seed), or "
        "generator=flaxnn.random.Generator(seed), one of its own"
    )


def _is_flax_rngs(value: Any) -> bool:
    """Whether a value is flax.nnx.Rngs, told without importing flax."""
    return any(
        base.__name__ == "Rngs" and base.__module__.partition(".")[0] == "flax"
        for base in type(value).__mro__
    )


def _qualified(value: Any) -> str:
    kind = type(value)
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"
