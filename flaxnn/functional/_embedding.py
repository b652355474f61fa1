# SPDX-License-Identifier: Apache-2.0
"""Rows looked up by their index, and indices as rows of zeros and a one."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn._typing import Array, ArrayLike, Bool, Int, Num
from flaxnn.functional._checks import as_array, dtype_name, host_value
from flaxnn.functional._options import Option


def embedding(
    input: ArrayLike,
    weight: ArrayLike,
    padding_idx: int | None = None,
    max_norm: Option | None = None,
    norm_type: Option = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Num[Array, "... D"]:
    """Returns the rows of a table that indices name.

    Args:
        input: Indices in [0, rows) of any shape; int64 or int32.
        weight: The table, ``(rows, D)``.
        padding_idx: A row that gets no gradient; a negative one counts from the end.
        max_norm: Only None: PyTorch shortens the rows of the table itself in place.
        norm_type: Not used; it belongs to `max_norm`.
        scale_grad_by_freq: Whether a row's gradient is divided by how often its index
            occurs in `input`.
        sparse: Only False: JAX's gradients are dense.

    Returns:
        The input's shape with ``D`` appended, in the table's dtype.

    Raises:
        IndexError: An index is out of range. Inside ``jax.jit``, where nothing can
            raise, its row becomes nan (in an integer table the smallest integer).
        RuntimeError: The indices are not int64 or int32, or the table has not two
            dimensions.
        AssertionError: `padding_idx` is out of range.
        ValueError: `max_norm` or `sparse` is given.

    Torch:
        ``torch.nn.functional.embedding``, 2.13.0: exact values; gradients are sums in
        another order.

    Example:
        >>> embedding([1, 0], [[1.0, 2.0], [3.0, 4.0]])
        Array([[3., 4.],
               [1., 2.]], dtype=float32)
    """
    del norm_type
    _check_options(max_norm, sparse)
    table = as_array(weight, "weight")
    if table.ndim != 2:
        raise RuntimeError(
            f"'weight' must be 2-D, (rows, D), got {table.ndim}-D: {table.shape}"
        )
    rows = table.shape[0]
    padding = _row_of(padding_idx, rows)
    indices = as_array(input, "input")
    if indices.dtype not in (jnp.int32, jnp.int64):
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following "
            f"scalar types: Long, Int; but got {dtype_name(input)}"
        )
    _check_range(input, rows)
    looked_up = table.at[indices].get(
        mode="fill",
        fill_value=_poison(table.dtype),
        wrap_negative_indices=False,
    )
    if scale_grad_by_freq:
        counts = jnp.zeros(rows, jnp.int32).at[indices.reshape(-1)].add(1)
        share = 1 / counts[indices].astype(table.dtype)
        looked_up = _with_scaled_gradient(looked_up, share[..., None])
    if padding is not None:
        is_padding = (indices == padding)[..., None]
        looked_up = jnp.where(is_padding, jax.lax.stop_gradient(looked_up), looked_up)
    return looked_up


def one_hot(tensor: ArrayLike, num_classes: int = -1) -> Int[Array, "... C"]:
    """Returns a row for each class index: 1 at the index, else 0.

    Args:
        tensor: Class indices of any shape; int64 or int32.
        num_classes: Length of the rows; -1 for the largest index plus one, which has to
            be known: not inside ``jax.jit``.

    Returns:
        The input's shape with the classes appended, int64 where JAX's 64-bit mode is
        on, else int32.

    Raises:
        RuntimeError: An index is negative or too large, the indices are not int64 or
            int32, or there are none to tell the number of classes from. Inside
            ``jax.jit``, where nothing can raise, a row of an index out of range holds
            the smallest integer.
        TypeError: `num_classes` is no integer, or not positive where the indices are
            not known.

    Torch:
        ``torch.nn.functional.one_hot``, 2.13.0: exact. It takes int64 only.

    Example:
        >>> one_hot([0, 2])
        Array([[1, 0, 0],
               [0, 0, 1]], dtype=int32)
    """
    classes = as_array(tensor, "tensor")
    if classes.dtype not in (jnp.int32, jnp.int64):
        raise RuntimeError(
            "one_hot is only applicable to index tensor of type LongTensor: expected "
            f"int64 or int32, got {dtype_name(tensor)}"
        )
    if isinstance(num_classes, bool) or not isinstance(num_classes, int | np.integer):
        raise TypeError(
            "one_hot(): argument 'num_classes' must be int, not "
            f"{type(num_classes).__name__}"
        )
    known = host_value(tensor)
    if known is not None:
        num_classes = _check_classes(known, int(num_classes))
    elif num_classes <= 0:
        raise TypeError(
            "one_hot cannot tell the number of classes inside a transformation such as "
            f"jax.jit: pass num_classes, got {num_classes}"
        )
    steps = jnp.arange(num_classes).reshape(*(1,) * classes.ndim, num_classes)
    hot = (classes[..., None] == steps).astype(jax.dtypes.canonicalize_dtype("int64"))
    if known is not None:
        return hot
    outside = (classes < 0) | (classes >= num_classes)
    return jnp.where(outside[..., None], _poison(hot.dtype), hot)


def _check_options(max_norm: Option | None, sparse: bool) -> None:
    """Raises for what a pure function on dense arrays cannot do."""
    if max_norm is not None:
        raise ValueError(
            f"max_norm={max_norm}: PyTorch shortens the table's rows in place, which a "
            "pure function cannot; shorten them yourself before the run"
        )
    if sparse:
        raise ValueError("sparse=True: JAX's gradients are dense; drop the argument")


def _row_of(padding_idx: int | None, rows: int) -> int | None:
    """Returns the padding row counted from the front."""
    if padding_idx is None:
        return None
    if not -rows <= padding_idx < max(rows, 1):
        raise AssertionError(
            f"Padding_idx must be within num_embeddings: expected {-rows} to "
            f"{rows - 1}, got {padding_idx}"
        )
    return padding_idx % rows if rows else None


def _check_range(input: ArrayLike, rows: int) -> None:
    """Raises where an index that is known now names no row."""
    known = host_value(input)
    if known is None:
        return
    outside: Bool[np.ndarray, ...] = (known < 0) | (known >= rows)
    if outside.any():
        raise IndexError(
            f"index out of range in self: expected 0 to {rows - 1}, got "
            f"{known[outside].flat[0]}"
        )


def _check_classes(known: np.ndarray, num_classes: int) -> int:
    """Returns the number of classes that the indices have, or raises."""
    if known.size == 0:
        if num_classes <= 0:
            raise RuntimeError(
                "Can not infer total number of classes from empty tensor."
            )
        return num_classes
    if known.min() < 0:
        raise RuntimeError(f"Class values must be non-negative. Got {known.min()}")
    if num_classes == -1:
        return int(known.max()) + 1
    if known.max() >= num_classes:
        raise RuntimeError(
            "Class values must be smaller than num_classes. Got "
            f"{known.max()} for num_classes={num_classes}"
        )
    return num_classes


def _poison(dtype: np.dtype) -> Any:
    """Returns what stands where nothing can raise: nan, or the smallest integer."""
    if jnp.issubdtype(dtype, jnp.inexact):
        return jnp.nan
    return jnp.iinfo(dtype).min


# JAX calls functions with a derivative of their own with NumPy arrays too: hence Any.
@jax.custom_jvp
def _with_scaled_gradient(x: Any, scale: Any) -> Num[Array, "..."]:
    """Returns x, whose derivative is the scale."""
    return x


@_with_scaled_gradient.defjvp
def _with_scaled_gradient_jvp(
    primals: tuple[Any, Any], tangents: tuple[Any, Any]
) -> tuple[Num[Array, "..."], Num[Array, "..."]]:
    (x, scale), (dx, _) = primals, tangents
    return x, scale * dx
