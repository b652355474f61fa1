# SPDX-License-Identifier: Apache-2.0
"""Bilinear forms of two inputs."""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax

from flaxnn._typing import Array, ArrayLike, Num, Shaped
from flaxnn.functional._checks import as_array, dtype_name, widen


def bilinear(
    input1: ArrayLike,
    input2: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    precision: lax.PrecisionLike = lax.Precision.HIGHEST,
) -> Num[Array, "..."]:
    """Returns ``x1ᵀ W_o x2 + b_o`` for every output o.

    Args:
        input1: ``(*, in1)``.
        input2: ``(*, in2)``; all but the last size are those of `input1`.
        weight: ``(out, in1, in2)``; the inputs' dtype.
        bias: ``(out,)``; the inputs' dtype.
        precision: Of the products. HIGHEST is PyTorch's on CPU; JAX's own default is
            bfloat16 on TPU and TF32 on recent NVIDIA GPUs (T3).

    Returns:
        ``(*, out)``.

    Raises:
        RuntimeError: Sizes or dtypes do not fit.
        NotImplementedError: Bools.

    Torch:
        ``torch.nn.functional.bilinear``, 2.13.0. T1 in float64; in float32 the sums
        differ in their order, which is T2's noise; T3 in half precision.

    Example:
        >>> bilinear([1.0, 2.0], [3.0, 4.0], [[[1.0, 0.0], [0.0, 1.0]]], [0.5])
        Array([11.5], dtype=float32)
    """
    given = {"input1": input1, "input2": input2, "weight": weight}
    given |= {} if bias is None else {"bias": bias}
    arrays = {name: as_array(value, name) for name, value in given.items()}
    _check(given, arrays)
    x1, x2, w = (widen(arrays[name]) for name in ("input1", "input2", "weight"))
    # (*, in1) by (out, in1, in2) gives (*, out, in2), which is cheap to sum then.
    dimensions = (((x1.ndim - 1,), (1,)), ((), ()))
    partial = lax.dot_general(x1, w, dimensions, precision=precision)
    y = jnp.sum(partial * x2[..., None, :], axis=-1)
    if bias is not None:
        b = widen(arrays["bias"])
        y = y + b.reshape(*(1,) * (y.ndim - 1), -1)
    return y.astype(arrays["input1"].dtype)


def _check(
    given: dict[str, ArrayLike], arrays: dict[str, Shaped[Array, "..."]]
) -> None:
    """Raises unless sizes and dtypes fit, in PyTorch's words."""
    if len({array.dtype for array in arrays.values()}) > 1:
        got = ", ".join(f"{k}: {dtype_name(given[k]).lower()}" for k in arrays)
        raise RuntimeError(f"All tensors must have the same dtype, got {got}")
    x1, x2, w = (arrays[name] for name in ("input1", "input2", "weight"))
    if x1.dtype == jnp.bool_:
        raise NotImplementedError(
            "\"bmm\" not implemented for 'Bool': convert inputs and weight to numbers"
        )
    if x1.ndim == 0 or x2.ndim == 0:
        raise IndexError(
            "Dimension specified as -1 but tensor has no dimensions: expected inputs "
            "of (*, in1) and (*, in2)"
        )
    if x1.ndim != x2.ndim:
        raise RuntimeError(
            f"bilinear(): input dimensions do not match: got {x1.ndim} and {x2.ndim}"
        )
    for dim, (one, two) in enumerate(zip(x1.shape[:-1], x2.shape[:-1], strict=True)):
        if one != two:
            raise RuntimeError(
                f"bilinear(): input batch dimensions do not match at dim {dim}: got "
                f"{one} and {two}"
            )
    if w.ndim != 3:
        raise RuntimeError(
            f"bilinear(): expected a weight of (out, in1, in2), got {w.shape}"
        )
    for name, x, expected in (("input1", x1, w.shape[1]), ("input2", x2, w.shape[2])):
        if x.shape[-1] != expected:
            raise RuntimeError(
                f"bilinear(): {name} size does not match weight size: got "
                f"{x.shape[-1]} but expected {expected}"
            )
    if "bias" in arrays and arrays["bias"].shape != w.shape[:1]:
        sizes = ", ".join(map(str, arrays["bias"].shape))
        raise RuntimeError(
            f"bilinear(): bias size does not match weight size: got {sizes} but "
            f"expected {w.shape[0]}"
        )
