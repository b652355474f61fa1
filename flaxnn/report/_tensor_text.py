# SPDX-License-Identifier: Apache-2.0
"""Arrays printed as PyTorch prints tensors, digit for digit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

# PyTorch's defaults (torch.set_printoptions).
_PRECISION = 4
_LINE_WIDTH = 80
_EDGE_ITEMS = 3
_THRESHOLD = 1000

_IMPLIED_DTYPES = ("float32", "int64", "bool")


def tensor_text(
    array: ArrayLike, *, prefix: str = "tensor(", suffix: str = "", dtype: bool = True
) -> str:
    """Returns an array as ``print`` shows a PyTorch tensor.

    Args:
        array: Array of any shape; real numbers or booleans.
        prefix: Text before the numbers; continuation lines align with it.
        suffix: Text before the closing bracket, such as ``"requires_grad=True"``.
        dtype: Whether to name the data type where PyTorch does: for all but
            float32, int64 and bool.

    Returns:
        Text whose numbers have PyTorch's digits, width and line breaks.

    Torch:
        ``repr(tensor)``, 2.13.0, with the default print options; dtypes are named
        as NumPy names them.

    Example:
        >>> print(tensor_text([[0.5, -1.25], [1e-3, 2.0]]))
        tensor([[ 5.0000e-01, -1.2500e+00],
                [ 1.0000e-03,  2.0000e+00]])
    """
    values = np.asarray(array)
    if values.dtype.kind == "f" and values.dtype.name == "float64":
        # A Python list means PyTorch's default dtype.
        values = values if isinstance(array, np.ndarray) else values.astype(np.float32)
    notes = []
    if values.size == 0 and values.ndim != 1:
        notes.append(f"size={tuple(values.shape)}")
    implied = _IMPLIED_DTYPES if values.size else ("float32",)
    if dtype and values.dtype.name not in implied:
        notes.append(f"dtype={values.dtype.name}")
    notes += [suffix] if suffix else []
    body = "[]" if values.size == 0 else _body(values, len(prefix))
    text = prefix + body
    note = ", ".join(notes)
    if not note:
        return text + ")"
    # PyTorch counts the length of the last line one too high; so do we.
    last_line = len(text) - text.rfind("\n") + 1
    fits = last_line + len(note) + 2 <= _LINE_WIDTH
    return f"{text}," + (" " if fits else "\n" + " " * len(prefix)) + f"{note})"


def _body(values: np.ndarray, indent: int) -> str:
    summarise = values.size > _THRESHOLD
    shown = _corners(values) if summarise else values
    write, width = _number_writer(shown)
    return _nested(values, indent, write, width, summarise)


def _corners(values: np.ndarray) -> np.ndarray:
    """The elements that a summary shows."""
    for axis in range(values.ndim):
        if values.shape[axis] > 2 * _EDGE_ITEMS:
            first, last = range(_EDGE_ITEMS), range(-_EDGE_ITEMS, 0)
            values = np.take(values, [*first, *last], axis=axis)
    return values


def _nested(
    values: np.ndarray,
    indent: int,
    write: Callable[..., str],
    width: int,
    summarise: bool,
) -> str:
    if values.ndim == 0:
        return write(values[()])
    cut = summarise and len(values) > 2 * _EDGE_ITEMS
    parts = [*values[:_EDGE_ITEMS], *values[-_EDGE_ITEMS:]] if cut else [*values]
    if values.ndim == 1:
        cells = [write(value) for value in parts]
        per_line = max(1, (_LINE_WIDTH - indent) // (width + 2))
        if cut:
            cells.insert(_EDGE_ITEMS, " ...")
        lines = [cells[i : i + per_line] for i in range(0, len(cells), per_line)]
        gap = ",\n" + " " * (indent + 1)
        return "[" + gap.join(", ".join(line) for line in lines) + "]"
    rows = [_nested(part, indent + 1, write, width, summarise) for part in parts]
    if cut:
        rows.insert(_EDGE_ITEMS, "...")
    gap = "," + "\n" * (values.ndim - 1) + " " * (indent + 1)
    return "[" + gap.join(rows) + "]"


def _number_writer(shown: np.ndarray) -> tuple[Callable[..., str], int]:
    """What writes one number in the width common to all, and that width."""
    real = shown.dtype.kind in "fV"  # V: NumPy's kind of bfloat16
    write = _float_writer(shown) if real else str
    # Of floats PyTorch measures those that are finite and not 0.
    measured = shown[np.isfinite(shown) & (shown != 0)] if real else shown.ravel()
    width = max((len(write(value)) for value in measured), default=1)
    return lambda value: write(value).rjust(width), width


def _float_writer(shown: np.ndarray) -> Callable[..., str]:
    """One of PyTorch's three notations, chosen by the finite numbers that are not 0."""
    wide = shown.astype(np.float64)
    nonzero = np.abs(wide[np.isfinite(wide) & (wide != 0)])
    smallest, largest = nonzero.min(initial=np.inf), nonzero.max(initial=0.0)
    spread = bool(nonzero.size) and largest / smallest > 1000.0
    integral = bool((nonzero == np.ceil(nonzero)).all())
    if spread or largest > 1.0e8 or (not integral and smallest < 1.0e-4):
        return lambda value: f"{float(value):.{_PRECISION}e}"
    if integral:
        return lambda value: f"{float(value):.0f}" + "." * bool(np.isfinite(value))
    return lambda value: f"{float(value):.{_PRECISION}f}"
