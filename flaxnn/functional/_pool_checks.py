# SPDX-License-Identifier: Apache-2.0
"""What the pooling functions check about their arguments, in PyTorch's words."""

from __future__ import annotations

from collections.abc import Sequence

from flaxnn._typing import Array, Shaped
from flaxnn.functional._spatial import per_dim, sizes

_COUNTS = {2: "two", 3: "three"}


def option(op: str, name: str, value: object, count: int) -> tuple[int, ...]:
    """Returns a pooling option for each dimension."""
    numbers = per_dim(op, name, value, count)
    if numbers is not None:
        return numbers
    got = len(value) if isinstance(value, Sequence) else 1
    if count == 1 and op.startswith("max"):
        raise RuntimeError(
            f"{op}() {name} must be an int, list of ints, or tuple of ints of size 1 "
            f"but got size {got}"
        )
    if count == 1:
        raise RuntimeError(
            f"{op}() argument '{name}' should contain one int (got {got})"
        )
    many = _COUNTS[count]
    raise RuntimeError(
        f"{op}: {name} must be a single int, or a tuple of {many} ints (got {got})"
    )


def check_options(
    op: str,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
) -> None:
    """Raises where a kernel, stride, padding or dilation is out of range."""
    if 0 in stride and not op.startswith("max_pool1d"):
        raise RuntimeError(f"stride should not be zero: {op} got {stride}")
    named = {"kernel_size": kernel, "stride": stride, "dilation": dilation}
    for name, numbers in named.items():
        if min(numbers) > 0:
            continue
        if op == "max_pool1d":
            raise RuntimeError(
                f"{op}() {name} must be greater than zero, but got {numbers[0]}"
            )
        word = name.replace("_", " ")
        raise RuntimeError(f"{word} should be greater than zero, but got {numbers}")
    for p, k, d in zip(padding, kernel, dilation, strict=True):
        if p < 0 and op == "max_pool1d":
            raise RuntimeError(f"{op}() padding must be non-negative, but got {p}")
        if p < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {p}")
        if p > k // 2 and op == "max_pool1d":
            raise RuntimeError(
                f"{op}() padding should be at most half of kernel size, but got "
                f"padding={p} and kernel_size={k}"
            )
        if p > k // 2:
            raise RuntimeError(
                "pad should be at most half of effective kernel size, but got "
                f"pad={p}, kernel_size={k} and dilation={d}"
            )


def check_windows(
    op: str,
    x: Shaped[Array, "N C *sizes"],
    kernel: tuple[int, ...],
    counts: tuple[int, ...],
) -> None:
    """Raises where not one window fits into the padded input."""
    if min(counts) > 0:
        return
    if op == "max_pool1d":
        raise RuntimeError(
            f"max_pool1d() Invalid computed output size: {counts[0]}: the padded "
            f"input is smaller than kernel size {kernel}"
        )
    shown = "x".join(map(str, x.shape[1:]))
    result = "x".join(map(str, (x.shape[1], *counts)))
    raise RuntimeError(
        f"Given input size: ({shown}). Calculated output size: ({result}). Output size "
        f"is too small: the padded input is smaller than kernel size {kernel}"
    )


def check_input(
    op: str, x: Shaped[Array, "..."], count: int, *, channels: bool = True
) -> None:
    """Raises unless the input has its dimensions, and none but the batch's is empty.

    Without `channels` there may be none of them either.
    """
    low, high = count + 1, count + 2
    if x.ndim not in (low, high) and count == 1 and not op.startswith("max"):
        raise RuntimeError(
            f"Expected 2 to 3 dimensions, but got {x.ndim}-dimensional tensor for "
            f"argument #1 'self' (while checking arguments for {op})"
        )
    full = x.shape[x.ndim - low + (not channels) :]
    if x.ndim not in (low, high) or 0 in full:
        raise RuntimeError(
            f"{op}: Expected {low}D or {high}D (batch mode) tensor with optional 0 dim "
            f"batch size for input, but got:{sizes(x.shape)}"
        )
