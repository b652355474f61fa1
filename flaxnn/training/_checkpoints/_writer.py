# SPDX-License-Identifier: Apache-2.0
"""A thread that writes while the run goes on, and gives way to it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

_NICENESS = 10


class Writer:
    """Does one thing at a time beside the run; whoever comes next waits for it."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "flaxnn-checkpoint", _give_way)
        self._under_way: Future[None] | None = None

    def start(self, action: Callable[[], None]) -> None:
        """Starts an action; the one before it has been waited for."""
        assert self._under_way is None
        self._under_way = self._pool.submit(action)

    def wait(self) -> None:
        """Waits for the action under way, and raises what it raised."""
        action, self._under_way = self._under_way, None
        if action is not None:
            action.result()

    def close(self) -> None:
        """Waits for the action under way, and ends the thread."""
        self._pool.shutdown()


def _give_way() -> None:
    """Lowers the priority of this thread, and so of those that it starts.

    A step on a CPU takes all cores, and waits for the slowest of them.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
