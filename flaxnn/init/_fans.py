# SPDX-License-Identifier: Apache-2.0
"""What the scale of an initial weight is computed from: gains and fans."""

from __future__ import annotations

import math

_UNIT_GAIN = {
    "linear",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "sigmoid",
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Returns the recommended gain of a nonlinearity.

    Args:
        nonlinearity: ``"linear"``, ``"conv2d"``, ``"sigmoid"``, ``"tanh"``,
            ``"relu"``, ``"leaky_relu"`` or ``"selu"`` (and the other convolutions).
        param: Negative slope, for ``"leaky_relu"`` only; 0.01 when None.

    Raises:
        ValueError: The nonlinearity is unknown or ``param`` is not a number.

    Torch:
        ``torch.nn.init.calculate_gain``, 2.13.0, T0.

    Example:
        >>> calculate_gain("leaky_relu", 0.2)
        1.3867504905630728

    References:
        He et al., "Delving deep into rectifiers", 2015, equations 10 and 15.
    """
    if nonlinearity in _UNIT_GAIN:
        return 1.0
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "selu":
        return 3.0 / 4
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, int | float):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def fan_in_and_fan_out(shape: tuple[int, ...]) -> tuple[int, int]:
    """Returns how many inputs and outputs an element of a weight connects.

    Args:
        shape: ``(out, in, *kernel)``, PyTorch's layout.

    Raises:
        ValueError: The shape has fewer than two dimensions.

    Torch:
        ``torch.nn.init._calculate_fan_in_and_fan_out``, 2.13.0, T0.

    Example:
        >>> fan_in_and_fan_out((8, 4, 3, 3))
        (36, 72)
    """
    if len(shape) < 2:
        raise ValueError(
            "Fan in and fan out can not be computed for tensor with fewer than 2 "
            f"dimensions; got shape {tuple(shape)}"
        )
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel
