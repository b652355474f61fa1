# SPDX-License-Identifier: Apache-2.0
"""What convolutions and their transposes hold: parameters and options."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax

from flaxnn import functional as F
from flaxnn import init
from flaxnn._typing import ArrayLike, DTypeLike
from flaxnn.init import Source
from flaxnn.nn._module import Module
from flaxnn.nn._options import Size, each
from flaxnn.nn._parameter import Parameter


class ConvNd(Module):
    """What convolutions and their transposes have in common."""

    def __init__(
        self,
        count: int,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size,
        padding: str | Size,
        dilation: Size,
        groups: int,
        bias: bool,
        padding_mode: str,
        rngs: Source,
        dtype: DTypeLike,
        *,
        transposed: bool = False,
        output_padding: Size = 0,
    ):
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size: tuple[int, ...] = each(kernel_size, count)
        self.stride: tuple[int, ...] = each(stride, count)
        named = isinstance(padding, str) and not transposed
        self.padding: str | tuple[Any, ...] = (
            str(padding) if named else each(padding, count)
        )
        self.dilation: tuple[int, ...] = each(dilation, count)
        self.output_padding: tuple[int, ...] = each(output_padding, count)
        self.groups = groups
        self.padding_mode = padding_mode
        self._check()
        ends = (out_channels, in_channels // groups)
        if transposed:
            ends = (in_channels, out_channels // groups)
        shape = (*ends, *self.kernel_size)
        if min(shape) < 0:
            raise RuntimeError(
                "Trying to create tensor with negative dimension "
                f"{min(shape)}: {list(shape)}"
            )
        self.weight: Parameter[jax.Array] = Parameter(
            init.kaiming_uniform(shape, a=math.sqrt(5), rngs=rngs, dtype=dtype)
        )
        if not bias:
            self.bias: Parameter[jax.Array] | None = None
            return
        fan_in, _ = init.fan_in_and_fan_out(shape)
        bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0.0
        self.bias = Parameter(
            init.uniform((out_channels,), -bound, bound, rngs=rngs, dtype=dtype)
        )

    def _check(self) -> None:
        """Raises for options that do not fit together."""
        if self.groups <= 0:
            raise ValueError(f"groups must be a positive integer, got {self.groups}")
        for name in ("in_channels", "out_channels"):
            channels = getattr(self, name)
            if channels % self.groups:
                raise ValueError(
                    f"{name} must be divisible by groups, got {channels} and "
                    f"{self.groups}"
                )
        if isinstance(self.padding, str):
            if self.padding not in ("same", "valid"):
                raise ValueError(
                    f"Invalid padding string {self.padding!r}, should be one of "
                    "'same' and 'valid', or integers"
                )
            if self.padding == "same" and any(step != 1 for step in self.stride):
                raise ValueError(
                    "padding='same' is not supported for strided convolutions: got "
                    f"stride {self.stride}"
                )
        modes = ("zeros", "reflect", "replicate", "circular")
        if self.padding_mode not in modes:
            raise ValueError(
                f"padding_mode must be one of {modes}, but got "
                f"padding_mode='{self.padding_mode}'"
            )

    def _convolved(
        self, function: Callable[..., jax.Array], input: ArrayLike
    ) -> jax.Array:
        """Returns the convolution, of the padded input unless the padding is zeros."""
        padding = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._edges(), self.padding_mode), 0
        weight, bias = self._values()
        return function(
            input, weight, bias, self.stride, padding, self.dilation, self.groups
        )

    def _values(self) -> tuple[jax.Array, jax.Array | None]:
        bias = None if self.bias is None else self.bias.get_value()
        return self.weight.get_value(), bias

    def _edges(self) -> list[int]:
        """Returns the padding as `F.pad` takes it, the last dimension first."""
        if not isinstance(self.padding, str):
            return [n for pad in reversed(self.padding) for n in (pad, pad)]
        same = self.padding == "same"
        totals = [
            same * spread * (size - 1)
            for spread, size in zip(self.dilation, self.kernel_size, strict=True)
        ]
        return [n for t in reversed(totals) for n in (t // 2, t - t // 2)]

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer: what is not the default."""
        shown: dict[str, Any] = {
            "kernel_size": self.kernel_size,
            "stride": self.stride,
        }
        usual = {"padding": 0, "dilation": 1, "output_padding": 0}
        for name, default in usual.items():
            value = getattr(self, name)
            if isinstance(value, str) or set(value) != {default}:
                shown[name] = value
        if self.groups != 1:
            shown["groups"] = self.groups
        if self.bias is None:
            shown["bias"] = False
        if self.padding_mode != "zeros":
            shown["padding_mode"] = self.padding_mode
        options = ", ".join(f"{name}={value}" for name, value in shown.items())
        return f"{self.in_channels}, {self.out_channels}, {options}"
