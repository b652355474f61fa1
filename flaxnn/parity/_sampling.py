# SPDX-License-Identifier: Apache-2.0
"""Which steps of a run are recorded whole, as `recorder.py` chooses them."""

from __future__ import annotations

from collections.abc import Callable, Container

Steps = Container[int] | Callable[[int], bool] | None
# As many more steps are whole because a rate or the size of the batch changed.
_MOST = 8


class Sampling:
    """Decides step by step.

    Args:
        whole: The steps, as a container or a function of the number. By default 0, 1,
            2, 4, 8, …, and up to eight more at which the batch's size changes, or the
            learning rate after it was constant.
    """

    def __init__(self, whole: Steps) -> None:
        self._whole = whole
        self._size: int | None = None
        self._rates: list[object] = []
        self._resized = False
        self._changes = 0

    def is_whole(self, step: int, size: int, rates: object) -> bool:
        """Whether a step is whole; asked once for each, in order.

        Args:
            step: Its number.
            size: The rows of its batch.
            rates: Its learning rates, anything that can be compared.
        """
        before, self._resized = self._resized, self._size not in (None, size)
        steady = len(self._rates) == 2 and self._rates[0] == self._rates[1]
        changed = before or self._resized or (steady and self._rates[1] != rates)
        self._size, self._rates = size, [*self._rates[-1:], rates]
        if self._whole is not None:
            chosen = self._whole
            return bool(chosen(step) if callable(chosen) else step in chosen)
        if step & (step - 1) == 0:
            return True
        more = changed and self._changes < _MOST
        self._changes += more
        return more
