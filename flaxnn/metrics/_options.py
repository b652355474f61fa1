# SPDX-License-Identifier: Apache-2.0
"""What the options of metrics have to be."""

from __future__ import annotations


def check_classes(num_classes: int | None) -> None:
    """Raises unless it is a number of classes, or None for binary outputs."""
    if num_classes is None:
        return
    if isinstance(num_classes, bool) or not isinstance(num_classes, int):
        raise TypeError(f"num_classes must be an int or None, got {num_classes!r}")
    if num_classes < 2:
        raise ValueError(
            f"num_classes must be at least 2, got {num_classes}; None is for outputs "
            "with one score for each sample"
        )


def check_from_logits(from_logits: bool) -> None:
    """Raises unless it is a bool: a number there is a misplaced argument."""
    if not isinstance(from_logits, bool):
        raise TypeError(f"from_logits must be True or False, got {from_logits!r}")


def check_positive(name: str, value: int) -> None:
    """Raises unless an option is a positive int."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, got {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")
