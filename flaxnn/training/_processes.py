# SPDX-License-Identifier: Apache-2.0
"""What to say when another process of a run is gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import jax

# What the collectives and the coordinator say when the other side has gone.
_SIGNS = ("gloo", "connection", "unavailable", "unhealthy", "heartbeat", "peer")


class ProcessLostError(RuntimeError):
    """Another process of the run ended or cannot be reached.

    Args:
        lost: As below.
        reason: What the connection said.

    Attributes:
        lost: The numbers of the processes that are gone; empty if that is unknown.
    """

    def __init__(self, lost: tuple[int, ...], reason: str):
        self.lost = lost
        which = (
            f"process {', '.join(map(str, lost))} of {jax.process_count()} is gone"
            if lost
            else "a process of the run is gone"
        )
        super().__init__(
            f"{which}, and process {jax.process_index()} cannot go on alone: start all "
            "of them again with the same call; with checkpoints the run goes on behind "
            f"the newest. The connection said: {reason}"
        )


@contextmanager
def explaining_processes() -> Iterator[None]:
    """Turns a broken connection into an error that names the process that is gone."""
    try:
        yield
    except (jax.errors.JaxRuntimeError, ValueError) as error:
        text = str(error).lower()
        if jax.process_count() == 1 or not any(sign in text for sign in _SIGNS):
            raise
        reason = str(error).splitlines()[0][:200]
        raise ProcessLostError(_lost(), reason) from error


def _lost() -> tuple[int, ...]:
    """The processes that are gone, as far as this one can tell before JAX ends it.

    The coordinator names each of them on standard error when it has not heard of them
    for a heartbeat, and ends the others then.
    """
    others = [n for n in range(jax.process_count()) if n != jax.process_index()]
    return tuple(others) if len(others) == 1 else ()
