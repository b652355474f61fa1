# SPDX-License-Identifier: Apache-2.0
"""Padding as modules."""

from __future__ import annotations

import jax
import numpy as np

from flaxnn import functional as F
from flaxnn._typing import ArrayLike
from flaxnn.init import Source
from flaxnn.nn._module import Module
from flaxnn.nn._options import Size, each


class _PadNd(Module):
    """What all paddings have in common: a mode, and two numbers for each dimension."""

    _count: int
    _mode: str

    def __init__(self, padding: Size, *, rngs: Source | None = None):
        self.padding: tuple[int, ...] = each(padding, 2 * self._count)

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the padded input."""
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return f"{self.padding}"


class _ConstantPadNd(_PadNd):
    """Paddings with a constant that is given."""

    _mode = "constant"

    def __init__(self, padding: Size, value: float, *, rngs: Source | None = None):
        super().__init__(padding)
        self.value = value

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the padded input."""
        return F.pad(input, self.padding, self._mode, self.value)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return f"padding={self.padding}, value={self.value}"


class _CircularPadNd(_PadNd):
    """Periodic paddings, which look at the input's dimensions first."""

    _mode = "circular"

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the padded input."""
        ndim, least = np.ndim(input), self._count + 1
        if ndim not in (least, least + 1):
            raise ValueError(
                f"expected {least}D or {least + 1}D input (got {ndim}D input)"
            )
        return super().forward(input)


class ZeroPad1d(_PadNd):
    """Adds zeros at both ends of ``(N, C, L)``.

    Args:
        padding: ``(left, right)`` or one number for both.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.ZeroPad1d``, 2.13.0, T0.

    Example:
        >>> import jax.numpy as jnp
        >>> ZeroPad1d(1)(jnp.ones((1, 2))).shape
        (1, 4)
    """

    _count = 1
    _mode = "constant"


class ZeroPad2d(_PadNd):
    """Adds zeros on all sides of ``(N, C, H, W)``.

    Args:
        padding: ``(left, right, top, bottom)`` or one number for all.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.ZeroPad2d``, 2.13.0, T0.

    Example:
        >>> import jax.numpy as jnp
        >>> ZeroPad2d(1)(jnp.ones((1, 2, 2))).shape
        (1, 4, 4)
    """

    _count = 2
    _mode = "constant"


class ZeroPad3d(_PadNd):
    """Adds zeros on all sides of ``(N, C, D, H, W)``.

    Args:
        padding: ``(left, right, top, bottom, front, back)`` or one number for all.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.ZeroPad3d``, 2.13.0, T0.

    Example:
        >>> import jax.numpy as jnp
        >>> ZeroPad3d(1)(jnp.ones((1, 2, 2, 2))).shape
        (1, 4, 4, 4)
    """

    _count = 3
    _mode = "constant"


class ConstantPad1d(_ConstantPadNd):
    """Adds a constant at both ends of ``(N, C, L)``.

    Args:
        padding: ``(left, right)`` or one number for both.
        value: The constant.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.ConstantPad1d``, 2.13.0, T0.

    Example:
        >>> import jax.numpy as jnp
        >>> ConstantPad1d(1, 0.5)(jnp.ones((1, 2))).shape
        (1, 4)
    """

    _count = 1


class ConstantPad2d(_ConstantPadNd):
    """Adds a constant on all sides of ``(N, C, H, W)``.

    Args:
        padding: ``(left, right, top, bottom)`` or one number for all.
        value: The constant.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.ConstantPad2d``, 2.13.0, T0.

    Example:
        >>> import jax.numpy as jnp
        >>> ConstantPad2d(1, 0.5)(jnp.ones((1, 2, 2))).shape
        (1, 4, 4)
    """

    _count = 2


class ConstantPad3d(_ConstantPadNd):
    """Adds a constant on all sides of ``(N, C, D, H, W)``.

    Args:
        padding: ``(left, right, top, bottom, front, back)`` or one number for all.
        value: The constant.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.ConstantPad3d``, 2.13.0, T0.

    Example:
        >>> import jax.numpy as jnp
        >>> ConstantPad3d(1, 0.5)(jnp.ones((1, 2, 2, 2))).shape
        (1, 4, 4, 4)
    """

    _count = 3


class ReflectionPad1d(_PadNd):
    """Mirrors the input at its edges of ``(N, C, L)``.

    Args:
        padding: ``(left, right)`` or one number for both.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.ReflectionPad1d``, 2.13.0, T0.

    Example:
        >>> import jax.numpy as jnp
        >>> ReflectionPad1d(1)(jnp.ones((1, 2))).shape
        (1, 4)
    """

    _count = 1
    _mode = "reflect"


class ReflectionPad2d(_PadNd):
    """Mirrors the input at its edges of ``(N, C, H, W)``.

    Args:
        padding: ``(left, right, top, bottom)`` or one number for all.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.ReflectionPad2d``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> ReflectionPad2d(1)(jnp.ones((1, 2, 2))).shape
        (1, 4, 4)
    """

    _count = 2
    _mode = "reflect"


class ReflectionPad3d(_PadNd):
    """Mirrors the input at its edges of ``(N, C, D, H, W)``.

    Args:
        padding: ``(left, right, top, bottom, front, back)`` or one number for all.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.ReflectionPad3d``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> ReflectionPad3d(1)(jnp.ones((1, 2, 2, 2))).shape
        (1, 4, 4, 4)
    """

    _count = 3
    _mode = "reflect"


class ReplicationPad1d(_PadNd):
    """Repeats the elements at the edges of ``(N, C, L)``.

    Args:
        padding: ``(left, right)`` or one number for both.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.ReplicationPad1d``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> ReplicationPad1d(1)(jnp.ones((1, 2))).shape
        (1, 4)
    """

    _count = 1
    _mode = "replicate"


class ReplicationPad2d(_PadNd):
    """Repeats the elements at the edges of ``(N, C, H, W)``.

    Args:
        padding: ``(left, right, top, bottom)`` or one number for all.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.ReplicationPad2d``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> ReplicationPad2d(1)(jnp.ones((1, 2, 2))).shape
        (1, 4, 4)
    """

    _count = 2
    _mode = "replicate"


class ReplicationPad3d(_PadNd):
    """Repeats the elements at the edges of ``(N, C, D, H, W)``.

    Args:
        padding: ``(left, right, top, bottom, front, back)`` or one number for all.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.ReplicationPad3d``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> ReplicationPad3d(1)(jnp.ones((1, 2, 2, 2))).shape
        (1, 4, 4, 4)
    """

    _count = 3
    _mode = "replicate"


class CircularPad1d(_CircularPadNd):
    """Goes on at the other end of ``(N, C, L)``.

    Args:
        padding: ``(left, right)`` or one number for both.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.CircularPad1d``, 2.13.0, T0.

    Example:
        >>> import jax.numpy as jnp
        >>> CircularPad1d(1)(jnp.ones((1, 2))).shape
        (1, 4)
    """

    _count = 1


class CircularPad2d(_CircularPadNd):
    """Goes on at the other end of ``(N, C, H, W)``.

    Args:
        padding: ``(left, right, top, bottom)`` or one number for all.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.CircularPad2d``, 2.13.0, T0.

    Example:
        >>> import jax.numpy as jnp
        >>> CircularPad2d(1)(jnp.ones((1, 2, 2))).shape
        (1, 4, 4)
    """

    _count = 2


class CircularPad3d(_CircularPadNd):
    """Goes on at the other end of ``(N, C, D, H, W)``.

    Args:
        padding: ``(left, right, top, bottom, front, back)`` or one number for all.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.CircularPad3d``, 2.13.0, T0.

    Example:
        >>> import jax.numpy as jnp
        >>> CircularPad3d(1)(jnp.ones((1, 2, 2, 2))).shape
        (1, 4, 4, 4)
    """

    _count = 3
