# SPDX-License-Identifier: Apache-2.0
"""One figure: what the reference says, what we compute, how far apart they are."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from flaxnn._criteria import PROOF, worst


@dataclass(frozen=True)
class Figure:
    """A reference, our value, and the verdict.

    Attributes:
        group: What it belongs to, such as ``"losses"``; a table shows a row for each.
        name: Its name within the group.
        reference: As printed in a document, or PyTorch's number.
        value: Ours, written with the reference's digits where it is printed.
        error: Absolute difference; for T1 relative to the largest magnitude; nan
            where texts are compared.
        tolerance: The largest error that passes.
        grade: T0 to T3, or "printed" for digits of a document.
        passed: Whether it passes.
        count: How many numbers it stands for; reference and value are the worst.
    """

    group: str
    name: str
    reference: str
    value: str
    error: float
    tolerance: float
    grade: str
    passed: bool
    count: int = 1

    @property
    def digits(self) -> int | None:
        """Significant decimal digits that agree; None for texts."""
        try:
            reference, value = float(self.reference), float(self.value)
        except ValueError:
            return None
        if reference == value or (math.isnan(reference) and math.isnan(value)):
            return len(re.sub(r"[eE].*|\D", "", self.reference).lstrip("0")) or 1
        if not (math.isfinite(reference) and math.isfinite(value)) or reference == 0:
            return 0
        return max(0, math.floor(-math.log10(abs(value - reference) / abs(reference))))


def exact(group: str, name: str, reference: Any, value: Any) -> Figure:
    """Returns a figure that must be the same text, T0.

    Args:
        group: What it belongs to.
        name: Its name.
        reference: What it must be, as text.
        value: What it is, as text.
    """
    reference, value = str(reference), str(value)
    same = reference == value
    return Figure(group, name, reference, value, math.nan, 0.0, "T0", same)


def printed(
    group: str,
    reference: Any,
    value: ArrayLike,
    *,
    names: list[str] | None = None,
    tolerance: float | None = None,
) -> Iterator[Figure]:
    """Yields figures for numbers that a document prints.

    Args:
        group: What they belong to.
        reference: A printed string, or nested lists of them.
        value: Our numbers, of the same shape.
        names: A name for each number; its index when None.
        tolerance: The largest absolute difference; None asks for every printed digit.

    Raises:
        ValueError: The shapes differ.
    """
    texts, values = np.asarray(reference), np.asarray(value)
    if texts.shape != values.shape:
        raise ValueError(
            f"{group}: the document prints {texts.shape}, got {values.shape}"
        )
    for k, index in enumerate(np.ndindex(texts.shape)):
        text, number = str(texts[index]), float(values[index])
        name = names[k] if names else ", ".join(map(str, index))
        yield _printed(group, name, text, number, tolerance)


def _printed(
    group: str, name: str, text: str, number: float, tolerance: float | None
) -> Figure:
    ours = _written_like(text, number)
    if not math.isfinite(float(text)):
        passed = ours == text
        return Figure(group, name, text, ours, math.nan, 0.0, "printed", passed)
    error = abs(number - float(text))
    half_a_digit = 0.5 * 10.0 ** _exponent_of_last_digit(text)
    if tolerance is None:
        passed = float(ours) == float(text)
        return Figure(group, name, text, ours, error, half_a_digit, "printed", passed)
    passed = error <= tolerance
    return Figure(group, name, text, ours, error, tolerance, "printed", passed)


def _written_like(text: str, number: float) -> str:
    """A number in the notation and with the decimals of a printed one."""
    mantissa, _, exponent = text.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    if exponent:
        return f"{number:.{decimals}e}"
    return f"{number:.{decimals}f}" + "." * text.endswith(".")


def _exponent_of_last_digit(text: str) -> int:
    mantissa, _, exponent = text.lower().partition("e")
    return int(exponent or 0) - len(mantissa.partition(".")[2])


def within(
    group: str,
    name: str,
    reference: ArrayLike,
    value: ArrayLike,
    *,
    tolerance: float,
    grade: str,
    relative: bool = False,
) -> Figure:
    """Returns one figure for a whole array: its worst element.

    Args:
        group: What it belongs to.
        name: Its name.
        reference: PyTorch's numbers.
        value: Ours, of the same shape.
        tolerance: The largest error that passes.
        grade: The grade of the claim.
        relative: Whether errors are divided by the largest magnitude of the
            reference, as T1 asks.

    Raises:
        ValueError: The shapes differ or are empty.
    """
    theirs, ours = np.asarray(reference), np.asarray(value)
    return series_within(
        group,
        name,
        theirs.ravel(),
        ours.reshape(theirs.shape).ravel(),
        tolerances=np.full(theirs.size, tolerance),
        grade=grade,
        scale=np.abs(theirs).max() if relative else 1.0,
    )


def proof(group: str, name: str, reference: ArrayLike, value: ArrayLike) -> Figure:
    """Returns one figure for a float64 array, held to T1.

    Args:
        group: What it belongs to.
        name: Its name.
        reference: The numbers of the oracle, float64.
        value: Ours, of the same shape.

    Raises:
        ValueError: The shapes differ or are empty.
    """
    return within(
        group, name, reference, value, tolerance=PROOF, grade="T1", relative=True
    )


def series_within(
    group: str,
    name: str,
    reference: np.ndarray,
    value: np.ndarray,
    *,
    tolerances: np.ndarray,
    grade: str,
    scale: float = 1.0,
    running: bool = False,
) -> Figure:
    """Returns one figure for a series with a tolerance for each element, its worst.

    Args:
        group: What it belongs to.
        name: Its name.
        reference: ``(n,)`` PyTorch's numbers.
        value: ``(n,)`` ours.
        tolerances: ``(n,)`` largest errors that pass.
        grade: The grade of the claim.
        scale: What errors are divided by.
        running: Whether an element's error is the largest so far, as T2 asks.

    Raises:
        ValueError: The shapes differ or are empty.
    """
    if not reference.shape == value.shape == tolerances.shape or not reference.size:
        raise ValueError(
            f"{name}: shapes {reference.shape}, {value.shape} and {tolerances.shape} "
            "must be the same, and not empty"
        )
    found = worst(reference, value, tolerances, scale=scale, running=running)
    theirs, ours = (float(series[found.index]) for series in (reference, value))
    return Figure(
        group,
        name,
        f"{theirs:.9g}" if reference.dtype != np.float64 else f"{theirs}",
        f"{ours:.9g}" if value.dtype != np.float64 else f"{ours}",
        found.error,
        found.limit,
        grade,
        found.passed,
        int(reference.size),
    )
