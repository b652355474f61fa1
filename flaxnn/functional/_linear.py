# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of the layers that only multiply, add and reshape."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax import lax

from flaxnn._typing import Array, ArrayLike, Num, Shaped
from flaxnn.functional._checks import as_array, check_dim, dtype_name


def linear(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    precision: lax.PrecisionLike = lax.Precision.HIGHEST,
) -> Num[Array, "..."]:
    """Returns ``x Wᵀ + b`` over the last dimension.

    Args:
        input: ``(*, in_features)``.
        weight: ``(out_features, in_features)``, as PyTorch stores it, or
            ``(in_features,)``; the input's dtype.
        bias: ``(out_features,)`` or what broadcasts to the output; the input's dtype.
        precision: Of the product. HIGHEST is PyTorch's on CPU; JAX's own default is
            bfloat16 on TPU and TF32 on recent NVIDIA GPUs (T3).

    Returns:
        ``(*, out_features)``, or ``(*,)`` for a one-dimensional weight.

    Raises:
        RuntimeError: Shapes or dtypes do not fit.
        NotImplementedError: Bools.

    Torch:
        ``torch.nn.functional.linear``, 2.13.0. T1 in float64; in float32 the sums
        differ in their order, which is T2's noise; T3 in half precision. PyTorch
        words some of the dtype errors differently where there is no bias.

    Example:
        >>> linear([1.0, 2.0, 3.0], [[1.0, 0.0, 2.0]], [0.5])
        Array([7.5], dtype=float32)
    """
    x, w = as_array(input, "input"), as_array(weight, "weight")
    if x.ndim == 0 or w.ndim == 0:
        raise RuntimeError(
            "both arguments to linear need to be at least 1D, but they are "
            f"{x.ndim}D and {w.ndim}D"
        )
    if w.ndim > 2:
        raise RuntimeError(
            f"t() expects a tensor with <= 2 dimensions, but self is {w.ndim}D: "
            f"expected a weight of (out_features, in_features), got {w.shape}"
        )
    if w.ndim == 1 and bias is not None:
        raise RuntimeError(
            f"mat2 must be a matrix, got 1-D tensor: with a bias the weight is "
            f"(out_features, in_features), got {w.shape}"
        )
    if x.dtype != w.dtype:
        raise RuntimeError(
            "mat1 and mat2 must have the same dtype, but got "
            f"{dtype_name(input)} and {dtype_name(weight)}: convert the input with "
            f".astype('{w.dtype}')"
        )
    if x.dtype == jnp.bool_:
        raise NotImplementedError(
            "\"addmm_impl_cpu_\" not implemented for 'Bool': convert input and weight "
            "to numbers"
        )
    if x.shape[-1] != w.shape[-1]:
        raise RuntimeError(_mismatch(x.shape, w.shape))
    product = _contract_last(x, w, precision)
    return product if bias is None else product + _as_bias(bias, product)


def flatten(
    input: ArrayLike, start_dim: int = 0, end_dim: int = -1
) -> Shaped[Array, "..."]:
    """Returns the input with dimensions `start_dim` to `end_dim` made one.

    Args:
        input: Any shape and dtype.
        start_dim: First dimension to flatten.
        end_dim: Last dimension to flatten.

    Returns:
        The same numbers in the same order; a scalar becomes one-dimensional.

    Raises:
        IndexError: A dimension is out of range.
        RuntimeError: `start_dim` comes after `end_dim`.

    Torch:
        ``torch.flatten``, 2.13.0: exact.

    Example:
        >>> import jax.numpy as jnp
        >>> flatten(jnp.ones((3, 28, 28)), start_dim=1).shape
        (3, 784)
    """
    x = as_array(input, "input")
    start, end = check_dim(start_dim, x.ndim), check_dim(end_dim, x.ndim)
    if start > end:
        raise RuntimeError(
            "flatten() has invalid args: start_dim cannot come after end_dim: got "
            f"start_dim={start_dim} and end_dim={end_dim} for {x.ndim} dimensions"
        )
    size = math.prod(x.shape[start : end + 1])
    return x.reshape(*x.shape[:start], size, *x.shape[end + 1 :])


def _mismatch(input: tuple[int, ...], weight: tuple[int, ...]) -> str:
    """Returns PyTorch's message about shapes that do not multiply."""
    rows, inner = math.prod(input[:-1]), input[-1]
    if len(weight) == 1:
        vector = weight[0]
        return (
            f"size mismatch, got input ({rows}), mat ({rows}x{inner}), vec ({vector})"
        )
    return (
        f"mat1 and mat2 shapes cannot be multiplied ({rows}x{inner} and "
        f"{weight[1]}x{weight[0]}): the weight, (out_features, in_features) = "
        f"{weight}, expects an input of (*, {weight[1]}), got {input}"
    )


def _contract_last(
    x: Num[Array, "*N D"], w: Num[Array, "*O D"], precision: lax.PrecisionLike
) -> Num[Array, "..."]:
    """Returns the sum over the last dimension of both, with no transpose."""
    dimensions = (((x.ndim - 1,), (w.ndim - 1,)), ((), ()))
    return lax.dot_general(x, w, dimensions, precision=precision)


def _as_bias(bias: ArrayLike, product: Num[Array, "*N O"]) -> Num[Array, "*N O"]:
    """Returns the bias in the product's shape."""
    b = as_array(bias, "bias")
    if b.dtype != product.dtype:
        raise RuntimeError(
            f"self and mat2 must have the same dtype, but got {dtype_name(b)} and "
            f"{dtype_name(product)}: convert the bias with .astype('{product.dtype}')"
        )
    try:
        return jnp.broadcast_to(b, product.shape)
    except ValueError:
        pass
    raise RuntimeError(
        f"The expanded size of the tensor ({product.shape[-1]}) must match the "
        f"existing size ({b.shape[-1]}) at non-singleton dimension 1: expected a bias "
        f"of (out_features,) = ({product.shape[-1]},), got {b.shape}"
    )
