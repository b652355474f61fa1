# SPDX-License-Identifier: Apache-2.0
"""Padding with constants, reflections, copies of the edge, or periodically."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from flaxnn._typing import Array, ArrayLike, Shaped
from flaxnn.functional._checks import as_array
from flaxnn.functional._spatial import Number, Size, sizes

_PREFIXES = {"reflect": "reflection", "replicate": "replication"}


def pad(
    input: ArrayLike,
    pad: Size,
    mode: str = "constant",
    value: Number | None = None,
) -> Shaped[Array, "..."]:
    """Returns the input with elements added at the ends of its last dimensions.

    Args:
        input: Any shape; a mode other than "constant" takes N, C and one to three
            spatial dimensions, of which all are padded, or that without N.
        pad: How many elements in front and behind, the last dimension's pair first;
            negative numbers cut off.
        mode: ``"constant"``; ``"reflect"`` mirrors at the outermost element, which is
            not repeated; ``"replicate"`` repeats it; ``"circular"`` goes on at the
            other end.
        value: The constant, 0 where None; the other modes take none.

    Returns:
        The input's dtype, larger or smaller by the pairs.

    Raises:
        RuntimeError: `pad` does not fit the input's dimensions or sizes.
        TypeError: `pad` does not consist of integers.
        NotImplementedError: An unknown mode, or one without a rule for these
            dimensions or bools.

    Torch:
        ``torch.nn.functional.pad``, 2.13.0: exact; gradients are sums, T1 in float64.

    Example:
        >>> pad([1.0, 2.0, 3.0], (1, 1))
        Array([0., 1., 2., 3., 0.], dtype=float32)
        >>> pad([[1.0, 2.0, 3.0]], (2, -1), "reflect")
        Array([[3., 2., 1., 2.]], dtype=float32)
    """
    x = as_array(input, "input")
    pairs = _pairs(pad, x.ndim)
    if mode == "constant":
        for dim, (before, after) in pairs.items():
            if x.shape[dim] + min(before, 0) + min(after, 0) < 0:
                raise RuntimeError(
                    "narrow(): length must be non-negative: padding "
                    f"{(before, after)} leaves nothing of dimension {dim} of "
                    f"{sizes(x.shape)}"
                )
        config = [(*pairs.get(dim, (0, 0)), 0) for dim in range(x.ndim)]
        return _filled(x, config, 0 if value is None else value)
    positions_of = _MODES.get(mode)
    if positions_of is None:
        raise NotImplementedError(
            f"Unrecognised padding mode {mode}: expected 'constant', 'reflect', "
            "'replicate' or 'circular'"
        )
    # PyTorch lets a value of 0 pass.
    if value is not None and not (isinstance(value, int | float) and value == 0):
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    _check_spatial(x, mode, pairs)
    for dim, (before, after) in sorted(pairs.items(), reverse=True):
        positions = positions_of(x, dim, before, after)
        x = _rearranged(x, positions, dim)
    return x


def _filled(
    x: Shaped[Array, "..."], config: list[tuple[int, int, int]], value: Number
) -> Shaped[Array, "..."]:
    """Returns the input padded with a constant, of the input's dtype."""
    fill = jnp.asarray(value).astype(x.dtype)
    if not isinstance(value, jax.Array):
        return lax.pad(x, fill, config)
    # lax.pad cannot be differentiated by its constant alone (JAX 0.10.2).
    inside = lax.pad(jnp.ones(x.shape, bool), False, config)
    return jnp.where(inside, lax.pad(x, jnp.zeros((), x.dtype), config), fill)


def _pairs(pad: Size, ndim: int) -> dict[int, tuple[int, int]]:
    """Returns what is added in front of and behind each dimension that is named."""
    if not isinstance(pad, Sequence) or isinstance(pad, str):
        raise TypeError(
            "pad(): argument 'pad' (position 2) must be tuple of ints, not "
            f"{type(pad).__name__}"
        )
    for position, number in enumerate(pad):
        if not isinstance(number, int | np.integer):
            raise TypeError(
                "pad(): argument 'pad' (position 2) must be tuple of ints, but found "
                f"element of type {type(number).__name__} at pos {position}"
            )
    if len(pad) % 2:
        raise RuntimeError(
            f"Padding length must be divisible by 2: a pair for each dimension, got "
            f"{len(pad)} numbers"
        )
    if len(pad) > 2 * ndim:
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input "
            f"dimension but got padding length {len(pad)} and input of dimension {ndim}"
        )
    return {
        ndim - 1 - k: (int(pad[2 * k]), int(pad[2 * k + 1]))
        for k in range(len(pad) // 2)
    }


def _check_spatial(
    x: Shaped[Array, "..."], mode: str, pairs: dict[int, tuple[int, int]]
) -> None:
    """Raises where a mode has no rule for the input's dimensions, sizes or dtype."""
    count = len(pairs)
    if count not in (1, 2, 3) or x.ndim not in (count + 1, count + 2):
        raise NotImplementedError(
            f"Padding size {2 * count} is not supported for {x.ndim}D input tensor.\n"
            "Supported combinations for non-constant padding:\n"
            "  - 2D or 3D input: padding size = 2 (pads last dimension)\n"
            "  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n"
            "  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"
        )
    if mode == "circular":
        return
    if 0 in x.shape[-count - 1 :]:
        raise RuntimeError(
            f"Expected {count + 1}D or {count + 2}D (batch mode) tensor with possibly "
            "0 batch size and other non-zero dimensions for input, but got: "
            f"{sizes(x.shape)}"
        )
    results = [x.shape[dim] + sum(pair) for dim, pair in sorted(pairs.items())]
    if max(results) < 1 or min(results) < 0:
        raise RuntimeError(
            f"input ({_named(x.shape[-count:])}) is too small. Calculated output "
            f"{_named(results)}"
        )
    if x.dtype == jnp.bool_:
        raise NotImplementedError(
            f"\"{_PREFIXES[mode]}_pad{count}d\" not implemented for 'Bool': convert "
            "the input to numbers"
        )


def _named(spatial: Sequence[int]) -> str:
    """Returns spatial sizes with their letters."""
    letters = "DHW"[-len(spatial) :]
    return " ".join(f"{k}: {n}" for k, n in zip(letters, spatial, strict=True))


def _reflected(
    x: Shaped[Array, "..."], dim: int, before: int, after: int
) -> np.ndarray:
    size = x.shape[dim]
    if before >= size or after >= size:
        raise RuntimeError(
            f"Argument #{2 * (x.ndim - dim) + 2}: Padding size should be less than the "
            f"corresponding input dimension, but got: padding {(before, after)} at "
            f"dimension {dim} of input {sizes(x.shape)}"
        )
    positions = np.abs(_positions(x, dim, before, after))
    return np.where(positions < size, positions, 2 * (size - 1) - positions)


def _replicated(
    x: Shaped[Array, "..."], dim: int, before: int, after: int
) -> np.ndarray:
    return np.clip(_positions(x, dim, before, after), 0, x.shape[dim] - 1)


def _circular(x: Shaped[Array, "..."], dim: int, before: int, after: int) -> np.ndarray:
    size = x.shape[dim]
    if size + before + after < 0:
        raise RuntimeError(
            "Negative padding value is resulting in an empty dimension: got "
            f"{(before, after)} for dimension {dim} of {sizes(x.shape)}"
        )
    # What negative padding cuts off takes no part in the period.
    kept = np.arange(max(0, -before), size + min(0, after))
    if max(before, after) > len(kept):
        raise RuntimeError(
            "Padding value causes wrapping around more than once. Got "
            f"{(before, after)} for dimension {dim} of {sizes(x.shape)}"
        )
    if not len(kept):
        return kept
    return kept[np.arange(-max(0, before), len(kept) + max(0, after)) % len(kept)]


_MODES = {"reflect": _reflected, "replicate": _replicated, "circular": _circular}


def _positions(
    x: Shaped[Array, "..."], dim: int, before: int, after: int
) -> np.ndarray:
    """Returns the positions of the output's elements, some outside the input."""
    return np.arange(-before, x.shape[dim] + after)


def _rearranged(
    x: Shaped[Array, "..."], positions: np.ndarray, dim: int
) -> Shaped[Array, "..."]:
    """Returns the elements at the positions, as pieces that are joined.

    A gather would do as well, but its gradient, a scatter, takes three times as long.
    """
    steps = np.diff(positions)
    pieces, start = [], 0
    while start < len(positions):
        step = int(steps[start]) if start < len(steps) else 1
        if abs(step) > 1:
            step = 1
        stop = start + 1
        while stop < len(positions) and steps[stop - 1] == step:
            stop += 1
        pieces.append(_piece(x, dim, int(positions[start]), step, stop - start))
        start = stop
    empty = lax.slice_in_dim(x, 0, 0, axis=dim)
    return jnp.concatenate(pieces, dim) if pieces else empty


def _piece(
    x: Shaped[Array, "..."], dim: int, first: int, step: int, count: int
) -> Shaped[Array, "..."]:
    """Returns `count` elements from `first` on, forwards, backwards or one repeated."""
    if step == 0:
        return jnp.repeat(lax.slice_in_dim(x, first, first + 1, axis=dim), count, dim)
    if step < 0:
        last = first - count + 1
        return jnp.flip(lax.slice_in_dim(x, last, first + 1, axis=dim), dim)
    return lax.slice_in_dim(x, first, first + count, axis=dim)
