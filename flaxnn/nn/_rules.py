# SPDX-License-Identifier: Apache-2.0
"""The table of what Flax's parameters are called in PyTorch, and how they lie there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from flax import nnx

from flaxnn.nn._layouts import LAYOUTS, SAME, Layout, contracted


@dataclass(frozen=True)
class Rule:
    """What a parameter of Flax is called in PyTorch, and how it lies there.

    Args:
        leaf: Flax's name of the parameter, ``"kernel"``.
        torch: PyTorch's name of it, ``"weight"``.
        layout: ``"same"``; ``"linear"``, ``(in, out)`` from ``(out, in)``; ``"conv"``,
            ``(H, W, in, out)`` from ``(out, in, H, W)`` with one to three spatial
            axes; ``"conv_transpose"``, ``(H, W, in, out)`` from ``(in, out, H, W)``
            turned around in space; ``"linear_to_heads"``, ``(in, heads, features)``
            from ``(heads * features, in)``; ``"linear_from_heads"``,
            ``(heads, features, out)`` from ``(out, heads * features)``; ``"flat"``, any
            shape from a vector; a `Layout`; or a function from the NNX module to one.
        module: Which modules it is for: a class (or several) of NNX modules, or a
            pattern as in `fnmatch` of the module's name or of its dotted path.
        ranks: How many axes the parameter may have; empty for any number.

    Example:
        >>> from flaxnn import nn
        >>> rule = nn.Rule("kernel", "weight", "conv_transpose", module="decoder.up_*")
        >>> rule.layout
        'conv_transpose'
    """

    leaf: str
    torch: str
    layout: str | Layout | Callable[[Any], Layout] = "same"
    module: type | tuple[type, ...] | str = "*"
    ranks: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.layout, str) and self.layout not in LAYOUTS:
            raise ValueError(
                f"layout must be one of {sorted(LAYOUTS)} or a flaxnn.nn.Layout, got "
                f"{self.layout!r}"
            )

    def matches(self, path: tuple[str, ...], rank: int, module: Any) -> bool:
        """Whether it is for the parameter at a path, of a rank, in an NNX module."""
        *where, leaf = path
        if leaf != self.leaf or (self.ranks and rank not in self.ranks):
            return False
        if not isinstance(self.module, str):
            return isinstance(module, self.module)
        name = where[-1] if where else ""
        return any(fnmatchcase(text, self.module) for text in (name, ".".join(where)))

    def layout_in(self, module: Any) -> Layout:
        """Returns the layout of the parameter in a module."""
        if isinstance(self.layout, str):
            return LAYOUTS[self.layout]
        return self.layout if isinstance(self.layout, Layout) else self.layout(module)


def _conv_transpose(module: nnx.ConvTranspose) -> Layout:
    """With ``transpose_kernel`` Flax turns the kernel around itself."""
    return LAYOUTS["conv" if module.transpose_kernel else "conv_transpose"]


def _linear_general(module: nnx.LinearGeneral) -> Layout:
    """One linear weight, but for batch axes, which PyTorch's has not."""
    if module.batch_axis:
        return SAME
    inputs = len(module.in_features)
    axes = range(inputs + len(module.out_features))
    return contracted("linear", axes[:inputs], axes[inputs:])


def _einsum(module: nnx.Einsum) -> Layout:
    """One linear weight, where each axis is either summed over or in the output."""
    operands, output = module.einsum_str.replace(" ", "").split("->")
    features, kernel = operands.split(",")
    if any(axis in features and axis in output for axis in kernel):
        return SAME
    inputs = sorted((axis for axis in kernel if axis in features), key=features.index)
    outputs = sorted((axis for axis in kernel if axis in output), key=output.index)
    return contracted(
        "linear", [*map(kernel.index, inputs)], [*map(kernel.index, outputs)]
    )


_NORMS = (nnx.LayerNorm, nnx.RMSNorm, nnx.GroupNorm, nnx.InstanceNorm)
_GENERAL = (nnx.LinearGeneral, nnx.Einsum)
_CONVOLUTION = (3, 4, 5)

# The first rule that matches holds. What no rule knows keeps its name and its layout.
NNX_RULES = (
    Rule("kernel", "weight", "linear", nnx.Linear),
    Rule("kernel", "weight", "conv", nnx.Conv),
    Rule("kernel", "weight", _conv_transpose, nnx.ConvTranspose),
    Rule("kernel", "weight", _linear_general, nnx.LinearGeneral),
    Rule("kernel", "weight", _einsum, nnx.Einsum),
    Rule("bias", "bias", "flat", _GENERAL),
    Rule("scale", "weight", "same", (nnx.BatchNorm, *_NORMS)),
    Rule("mean", "running_mean", "same", nnx.BatchNorm),
    Rule("var", "running_var", "same", nnx.BatchNorm),
    Rule("embedding", "weight", "same", nnx.Embed),
    Rule("negative_slope", "weight", "flat", nnx.PReLU),
)

# Linen's variables do not say what module they are of: its default name, the name of
# the parameter and its rank have to.
LINEN_RULES = (
    Rule("kernel", "weight", "linear_to_heads", "*Attention_*.query", (3,)),
    Rule("kernel", "weight", "linear_to_heads", "*Attention_*.key", (3,)),
    Rule("kernel", "weight", "linear_to_heads", "*Attention_*.value", (3,)),
    Rule("kernel", "weight", "linear_from_heads", "*Attention_*.out", (3,)),
    Rule("kernel", "weight", "conv_transpose", "ConvTranspose_*", _CONVOLUTION),
    Rule("kernel", "weight", "conv", ranks=_CONVOLUTION),
    Rule("kernel", "weight", "linear", ranks=(2,)),
    Rule("bias", "bias", "flat"),
    Rule("scale", "weight"),
    Rule("mean", "running_mean"),
    Rule("var", "running_var"),
    Rule("embedding", "weight"),
    Rule("negative_slope", "weight", "flat"),
)
