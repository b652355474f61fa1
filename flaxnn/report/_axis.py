# SPDX-License-Identifier: Apache-2.0
"""The scale of an axis: where numbers lie on it and which of them are written."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
# Smaller numbers are written as powers of ten.
_SMALLEST = 1e-3
# The least ratio of numbers that makes their axis logarithmic.
_DECADES = 100.0
# A logarithmic axis of fewer decades has ticks within them.
_FEW_DECADES = 1.5


@dataclass(frozen=True)
class Axis:
    """An axis from its lowest to its highest number.

    Attributes:
        low: The number at 0.
        high: The number at 1.
        log: Whether equal ratios, and no equal differences, are equally long.
    """

    low: float
    high: float
    log: bool = False

    @classmethod
    def around(cls, numbers: np.ndarray, *, log: bool | None = None) -> Axis:
        """The axis that shows these numbers with some room on both sides.

        Args:
            numbers: ``(N,)`` finite.
            log: Whether it is logarithmic; None decides by the range of the numbers.
        """
        low, high = float(numbers.min()), float(numbers.max())
        if log is None:
            log = low > 0 and high / low > _DECADES
        if log:
            room = max((high / low) ** 0.05, 1.2)
            return cls(low / room, high * room, True)
        room = 0.05 * (high - low) or 0.05 * abs(high) or 0.5
        return cls(low - room, high + room)

    def at(self, numbers: np.ndarray) -> np.ndarray:
        """Where numbers lie, from 0 to 1."""
        if self.log:
            span = math.log(self.high / self.low)
            return np.log(np.maximum(numbers, self.low) / self.low) / span
        return (numbers - self.low) / (self.high - self.low)

    def ticks(self, most: int = 6, *, whole: bool = False) -> list[tuple[float, str]]:
        """Where ticks are, from 0 to 1, and what they say.

        Args:
            most: About how many there may be.
            whole: Whether only whole numbers are ticks.
        """
        numbers = self._decades(most) if self.log else self._steps(most, whole)
        places = self.at(np.array(numbers)).tolist()
        # Powers of ten, where some of the numbers have to be.
        powers = self.log and self.low < _SMALLEST
        return [
            (at, _power(number) if powers else _written(number))
            for at, number in zip(places, numbers, strict=True)
        ]

    def _steps(self, most: int, whole: bool) -> list[float]:
        rough = (self.high - self.low) / most
        size = 10.0 ** math.floor(math.log10(rough))
        step = next(size * k for k in (1, 2, 5, 10) if size * k >= 0.999 * rough)
        if whole:
            step = max(1.0, step)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        # Rounded to a digit below the step, so that 3 × 0.1 is 0.3.
        digits = 2 - math.floor(math.log10(step))
        return [round(k * step, digits) + 0.0 for k in range(first, last + 1)]

    def _decades(self, most: int) -> list[float]:
        first = math.ceil(math.log10(self.low) - 1e-9)
        last = math.floor(math.log10(self.high) + 1e-9)
        if math.log10(self.high / self.low) < _FEW_DECADES:
            return [
                leading * 10.0**exponent
                for exponent in range(first - 1, last + 1)
                for leading in (1, 2, 5)
                if self.low <= leading * 10.0**exponent <= self.high
            ]
        stride = -(-(last - first + 1) // most)
        return [10.0**exponent for exponent in range(first, last + 1, stride)]


def _written(number: float) -> str:
    if number == 0 or _SMALLEST <= abs(number) < 1e6:
        return f"{number:,.10g}"
    return _power(number)


def _power(number: float) -> str:
    mantissa, _, exponent = f"{number:.6e}".partition("e")
    power = "10" + str(int(exponent)).translate(_SUPERSCRIPT)
    leading = f"{float(mantissa):g}"
    return power if leading == "1" else f"{leading}·{power}"
