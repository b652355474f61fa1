# SPDX-License-Identifier: Apache-2.0
"""Checks of an estimator's parameters, made when it is fitted."""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Iterable
from typing import Any


def suggestion(name: Any, known: Iterable[str]) -> str:
    """Returns " Did you mean …?" where a known name is near, else nothing."""
    near = difflib.get_close_matches(str(name), list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def check_choice(name: str, value: Any, choices: Iterable[str]) -> None:
    """Raises unless a parameter is one of some strings.

    Args:
        name: The parameter.
        value: Its value.
        choices: What it may be.

    Raises:
        ValueError: It is something else.
    """
    choices = list(choices)
    if not isinstance(value, str) or value not in choices:
        near = suggestion(value, choices)
        raise ValueError(f"{name} must be one of {choices}, got {value!r}.{near}")


def check_flags(estimator: Any, *names: str) -> None:
    """Raises unless these parameters of an estimator are True or False.

    Args:
        estimator: The estimator.
        *names: The parameters.

    Raises:
        TypeError: One of them is something else.
    """
    for name in names:
        value = getattr(estimator, name)
        if not isinstance(value, bool) and type(value).__name__ != "bool":
            raise TypeError(f"{name} must be True or False, got {value!r}")


def check_number(
    name: str,
    value: Any,
    low: float,
    high: float = float("inf"),
    *,
    integer: bool = False,
    open_low: bool = False,
    open_high: bool = False,
) -> None:
    """Raises unless a parameter is a number in a range.

    Args:
        name: The parameter.
        value: Its value.
        low: The least that it may be.
        high: The most that it may be.
        integer: Whether it must be a whole number.
        open_low: Whether it must be more than `low`.
        open_high: Whether it must be less than `high`.

    Raises:
        TypeError: It is not such a number.
        ValueError: It is out of its range.
    """
    kind = numbers.Integral if integer else numbers.Real
    if not isinstance(value, kind) or isinstance(value, bool):
        what = "an integer" if integer else "a number"
        raise TypeError(f"{name} must be {what}, got {value!r}")
    number = float(value)
    below = number <= low if open_low else number < low
    above = number >= high if open_high else number > high
    if below or above or number != number:
        left, right = "(" if open_low else "[", ")" if open_high else "]"
        raise ValueError(
            f"{name} must be in the range {left}{low:g}, {high:g}{right}, got {value!r}"
        )
