# SPDX-License-Identifier: Apache-2.0
"""Dropout of elements and of channels, with a mask that is handed in."""

from __future__ import annotations

from flaxnn._typing import Array, ArrayLike, Shaped
from flaxnn.functional._checks import as_array, warn_caller
from flaxnn.functional._masks import Mask, channels, dropped
from flaxnn.functional._options import Option


def dropout(
    input: ArrayLike,
    p: Option = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    mask: Mask = None,
) -> Shaped[Array, "..."]:
    """Returns the input with elements set to 0 and the others divided by ``1 - p``.

    Args:
        input: Any shape; floating point.
        p: Probability of an element to be set to 0, in [0, 1].
        training: Whether anything is done at all.
        inplace: Only False: JAX arrays cannot be changed.
        mask: Of the input's shape, True or 1 where an element is kept; or a function
            from that shape to it.

    Returns:
        The input's shape and dtype.

    Raises:
        ValueError: `p` is not in [0, 1], `mask` has another shape, or ``inplace``.
        TypeError: There is no mask, and one is needed.
        RuntimeError: The input is not floating point, or `p` is nan.

    Torch:
        ``torch.nn.functional.dropout``, 2.13.0: exact, given its mask. It draws
        ``generator.bernoulli(1 - p, input.shape)``.

    Example:
        >>> dropout([1.0, 2.0, 3.0], 0.5, mask=[True, False, True])
        Array([2., 0., 6.], dtype=float32)

    References:
        Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from
        Overfitting", 2014.
    """
    x = as_array(input, "input")
    return dropped(input, p, training, inplace, mask, x.shape)


def dropout1d(
    input: ArrayLike,
    p: Option = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    mask: Mask = None,
) -> Shaped[Array, "..."]:
    """Returns the input with whole channels set to 0, the others over ``1 - p``.

    Args:
        input: ``(N, C, L)`` or ``(C, L)``; floating point.
        p: Probability of a channel to be set to 0, in [0, 1].
        training: Whether anything is done at all.
        inplace: Only False: JAX arrays cannot be changed.
        mask: ``(N, C, 1)`` or ``(C, 1)``, True or 1 where a channel is kept; or a
            function from that shape to it.

    Returns:
        The input's shape and dtype.

    Raises:
        ValueError: `p` is not in [0, 1], `mask` has another shape, or ``inplace``.
        TypeError: There is no mask, and one is needed.
        RuntimeError: The input has another number of dimensions or is not floating
            point, or `p` is nan.

    Torch:
        ``torch.nn.functional.dropout1d``, 2.13.0: exact, given its mask. It draws
        ``generator.bernoulli(1 - p, (N, C, 1))``.

    Example:
        >>> dropout1d([[1.0, 2.0], [3.0, 4.0]], 0.5, mask=[[True], [False]])
        Array([[2., 4.],
               [0., 0.]], dtype=float32)

    References:
        Tompson et al., "Efficient Object Localization Using Convolutional Networks",
        2015.
    """
    x = as_array(input, "input")
    if x.ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {x.ndim}D input: it "
            "is (N, C, L) or (C, L)"
        )
    noise = channels(x.shape, batched=x.ndim == 3)
    return dropped(input, p, training, inplace, mask, noise)


def dropout2d(
    input: ArrayLike,
    p: Option = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    mask: Mask = None,
) -> Shaped[Array, "..."]:
    """Returns the input with whole channels set to 0, the others over ``1 - p``.

    Args:
        input: ``(N, C, H, W)``; floating point. Other numbers of dimensions warn, and
            the first two are taken for N and C.
        p: Probability of a channel to be set to 0, in [0, 1].
        training: Whether anything is done at all.
        inplace: Only False: JAX arrays cannot be changed.
        mask: ``(N, C, 1, 1)``, True or 1 where a channel is kept; or a function from
            that shape to it.

    Returns:
        The input's shape and dtype.

    Raises:
        ValueError: `p` is not in [0, 1], `mask` has another shape, or ``inplace``.
        TypeError: There is no mask, and one is needed.
        RuntimeError: There are fewer than two dimensions, the input is not floating
            point, or `p` is nan.

    Torch:
        ``torch.nn.functional.dropout2d``, 2.13.0: exact, given its mask. It draws
        ``generator.bernoulli(1 - p, (N, C, 1, 1))``.

    Example:
        >>> import jax.numpy as jnp
        >>> dropout2d(jnp.ones((1, 2, 1, 1)), 0.5, mask=[[[[True]], [[False]]]]).ravel()
        Array([2., 0.], dtype=float32)
    """
    x = as_array(input, "input")
    if x.ndim == 3:
        warn_caller(
            "dropout2d: Received a 3D input to dropout2d and assuming that "
            "channel-wise 1D dropout behavior is desired: the input is (N, C, L); use "
            "dropout1d for it"
        )
    elif x.ndim != 4:
        _warn_dimensions("dropout2d", x.ndim, "(N, C, H, W)")
    return dropped(input, p, training, inplace, mask, channels(x.shape, batched=True))


def dropout3d(
    input: ArrayLike,
    p: Option = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    mask: Mask = None,
) -> Shaped[Array, "..."]:
    """Returns the input with whole channels set to 0, the others over ``1 - p``.

    Args:
        input: ``(N, C, D, H, W)`` or ``(C, D, H, W)``; floating point. Other numbers of
            dimensions warn, and the first is taken for C.
        p: Probability of a channel to be set to 0, in [0, 1].
        training: Whether anything is done at all.
        inplace: Only False: JAX arrays cannot be changed.
        mask: ``(N, C, 1, 1, 1)`` or ``(C, 1, 1, 1)``, True or 1 where a channel is
            kept; or a function from that shape to it.

    Returns:
        The input's shape and dtype.

    Raises:
        ValueError: `p` is not in [0, 1], `mask` has another shape, or ``inplace``.
        TypeError: There is no mask, and one is needed.
        RuntimeError: The input has no dimensions or is not floating point, or `p` is
            nan.

    Torch:
        ``torch.nn.functional.dropout3d``, 2.13.0: exact, given its mask. It draws
        ``generator.bernoulli(1 - p, (N, C, 1, 1, 1))``.

    Example:
        >>> import jax.numpy as jnp
        >>> mask = jnp.array([True, False]).reshape(2, 1, 1, 1)
        >>> dropout3d(jnp.ones((2, 1, 1, 1)), 0.5, mask=mask).ravel()
        Array([2., 0.], dtype=float32)
    """
    x = as_array(input, "input")
    if x.ndim not in (4, 5):
        _warn_dimensions("dropout3d", x.ndim, "(N, C, D, H, W)")
    noise = channels(x.shape, batched=x.ndim == 5)
    return dropped(input, p, training, inplace, mask, noise)


def _warn_dimensions(function: str, ndim: int, expected: str) -> None:
    warn_caller(
        f"{function}: Received a {ndim}-D input to {function}, which is deprecated and "
        f"will result in an error in a future release of PyTorch: expected {expected}, "
        "or use dropout"
    )
