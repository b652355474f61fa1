# SPDX-License-Identifier: Apache-2.0
"""Pooling with maxima, means and power means."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tests.contract.bad import Bad, BadLayer, not_implemented, zeros
from tests.contract.case import NN, Case, Op, labels, spread
from tests.contract.layer import Layer, LayerCase

X1, X2, X3 = spread(2, 3, 11), spread(2, 2, 5, 6), spread(1, 2, 3, 3, 4)
INPUTS = {1: X1, 2: X2, 3: X3}
INDICES = {"return_indices": True}
PADDED = {"kernel_size": 3, "stride": 2, "padding": 1}


def ties(*shape: int) -> np.ndarray:
    """Returns few different numbers, so that maxima are tied."""
    return labels(*shape, classes=3).astype(np.float64)


def special(*shape: int) -> np.ndarray:
    """Returns numbers among which are nan and many of minus infinity."""
    kinds = labels(*shape, classes=5)
    found = np.where(kinds == 2, np.nan, spread(*shape))
    return np.where(kinds > 2, -np.inf, found)


def maxima(n: int) -> tuple[Case, ...]:
    """What maximum pooling over n dimensions is tried with."""
    x = INPUTS[n]
    lowest = np.full((1, 1, *(4,) * n), -np.inf)
    cases = (
        Case("plain", (x, 2)),
        Case("indices", (x, 3, 1, 1), INDICES),
        Case("special", (special(*x.shape), 2, 1), INDICES),
        Case("ceil", (x, 3, 2, 1, 1, True), INDICES),
    )
    if n == 3:
        return cases
    return (
        *cases,
        Case("unbatched", (x[0], 3, 2, 1)),
        Case("ties", (ties(*x.shape), 3, 2, 1), INDICES),
        Case("lowest", (lowest, 2, 1, 1, 2), INDICES),
        Case("dilation", (x, 2, 1, 1, 2), INDICES),
        Case("ceil-left-out", (x, 2, 3, 1), {"ceil_mode": True}),
        Case("whole", (x, x.shape[2:])),
        Case("empty-batch", (x[:0], 2), INDICES),
    )


def sizes(n: int) -> tuple[Case, ...]:
    """Options that differ from dimension to dimension."""
    x = INPUTS[n]
    options = {
        "kernel_size": (3, 2, 4)[:n],
        "stride": (1, 3, 2)[:n],
        "padding": (1, 0, 1)[:n],
    }
    return (Case("sizes", (x,), {**options, "ceil_mode": True}),)


def means(n: int) -> tuple[Case, ...]:
    """What average pooling over n dimensions is tried with."""
    x = INPUTS[n]
    uncounted = {"count_include_pad": False}
    divisor = (Case("divisor", (x, 3, 2, 1, True), {"divisor_override": 3}),)
    cases = (
        Case("plain", (x, 2)),
        Case("unbatched", (x[0], 3, 2, 1)),
        Case("ceil", (x, 3, 2, 1, True)),
        Case("ceil-uncounted", (x, 3, 2, 1, True), uncounted),
        *(divisor if n > 1 else ()),
    )
    if n == 3:
        return cases
    return (
        *cases,
        Case("overlap", (x, 3, 1, 1)),
        Case("uncounted", (x, 3, 2, 1), uncounted),
        Case("ceil-left-out", (x, 2, 3, 1, True)),
        Case("special", (special(*x.shape), 2, 1)),
        Case("large", (1e30 * x, 2)),
        Case("empty-batch", (x[:0], 2)),
    )


def adaptive(n: int) -> tuple[Case, ...]:
    """Sizes that divide the input's, that do not, and that exceed them."""
    x = INPUTS[n]
    mixed = (4, None, 3)[:n] if n > 1 else 4
    more = (x, 13) if n == 1 else (x[:, :1], (9, 7, 4)[:n])
    cases = (
        Case("plain", (x, 2)),
        Case("more", more),
        Case("unbatched", (x[0], mixed)),
    )
    if n == 3:
        return cases
    return (
        *cases,
        Case("one", (x, 1)),
        Case("own", (x, x.shape[2:])),
        Case("special", (special(*x.shape), 2)),
        Case("empty-batch", (x[:0], 2)),
    )


def adaptive_maxima(n: int) -> tuple[Case, ...]:
    """The same with indices."""
    x = INPUTS[n]
    return (
        *adaptive(n),
        Case("indices", (x, (4, 3, 2)[:n]), INDICES),
        Case("ties", (ties(*x.shape), 3), INDICES),
        Case("special-indices", (special(*x.shape), 3), INDICES),
    )


def powers(n: int) -> tuple[Case, ...]:
    """What power means over n dimensions are tried with."""
    x = np.abs(INPUTS[n])
    with_zeros = np.where(ties(*x.shape) > 0, 0.0, x)
    # PyTorch takes a plain number only in one dimension.
    kernel = (2, 1, 3)[:n] if n > 1 else 3
    cases = (
        Case("plain", (x, 2, 2)),
        Case("negative", (INPUTS[n], 2.0, kernel, 1)),
        Case("zeros", (with_zeros, 2, 2)),
        Case("smallest", (with_zeros, -np.inf, 2)),
    )
    if n == 3:
        return cases
    return (
        *cases,
        Case("cubes", (x, 3, 2, 2, True)),
        Case("fraction", (x, 1.5, kernel)),
        Case("largest", (with_zeros, np.inf, 2)),
    )


def unpoolings(n: int) -> tuple[Case, ...]:
    """What the inverse of maximum pooling is tried with."""
    x = spread(2, 3, *(2,) * n)
    # 7 and the 4ⁿ positions have no common factor: a row's positions differ.
    rows = 7 * np.arange(6 * 2**n).reshape(6, 2**n) % 4**n
    where = rows.reshape(x.shape)
    cases = (
        Case("plain", (x, where, 2)),
        Case("size", (x, where, 2), {"output_size": (5,) * n}),
    )
    if n == 3:
        return cases
    return (
        *cases,
        Case("unbatched", (x[0], where[0], 2)),
        Case("shape", (x, where, 3, 2, 0), {"output_size": (2, 3, *(6,) * n)}),
        Case("padding", (x, where, 3, 3, 1)),
    )


# Sums of up to 9 numbers as large as 3, in another order: 3.9e-8 was measured.
MEANS = 2e-7


def mean_steps(n: int, steps: int) -> int | None:
    """Returns the steps in bfloat16: PyTorch's mean over volumes has no bfloat16."""
    return None if n == 3 else steps


OPS = tuple(
    op
    for n in (1, 2, 3)
    for op in (
        Op(
            f"max_pool{n}d",
            f"{NN}.max_pool{n}d",
            (*maxima(n), *sizes(n)),
            differences="Indices are int32 unless JAX has 64 bits.",
        ),
        Op(
            f"avg_pool{n}d",
            f"{NN}.avg_pool{n}d",
            (*means(n), *sizes(n)),
            atol=MEANS,
            bfloat16_steps=mean_steps(n, 2),
        ),
        Op(
            f"adaptive_max_pool{n}d",
            f"{NN}.adaptive_max_pool{n}d",
            adaptive_maxima(n),
            differences="Indices are int32 unless JAX has 64 bits.",
        ),
        Op(
            f"adaptive_avg_pool{n}d",
            f"{NN}.adaptive_avg_pool{n}d",
            adaptive(n),
            atol=MEANS,
        ),
        Op(
            f"lp_pool{n}d",
            f"{NN}.lp_pool{n}d",
            powers(n),
            bfloat16_steps=mean_steps(n, 2),
        ),
        Op(
            f"max_unpool{n}d",
            f"{NN}.max_unpool{n}d",
            unpoolings(n),
            differences="Indices of any integer type are taken.",
        ),
    )
)


def module(name: str, n: int, *cases: LayerCase) -> Layer:
    """Returns the table's entry of a pooling module over n dimensions."""
    atol = MEANS if "Avg" in name else 0.0
    steps = mean_steps(n, 4) if name in ("AvgPool", "LPPool") else 4
    return Layer(
        f"{name}{n}d", f"torch.nn.{name}{n}d", cases, atol=atol, bfloat16_steps=steps
    )


def case(name: str, n: int, *args: object, **kwargs: object) -> LayerCase:
    """Returns a module's options and its usual input."""
    return LayerCase(name, args, kwargs, (INPUTS[n],))


def pooled(n: int, divisor: Mapping[str, int]) -> tuple[Layer, ...]:
    """The modules over n dimensions."""
    pair = (2, 3, 1)[:n]
    return (
        module(
            "MaxPool",
            n,
            case("plain", n, 2),
            case("positions", n, 3, 2, 1, 1, True, True),
            case("sizes", n, pair, 1, dilation=(2, 1, 3)[:n]),
        ),
        module(
            "AvgPool",
            n,
            case("plain", n, 2),
            case("positions", n, 3, 2, 1, True, False, **divisor),
            case("sizes", n, pair, pair),
        ),
        module("AdaptiveMaxPool", n, case("plain", n, 3), case("both", n, pair, True)),
        module("AdaptiveAvgPool", n, case("plain", n, 3), case("sizes", n, pair)),
        module(
            "LPPool",
            n,
            case("plain", n, 2, 2),
            case("positions", n, 2, 3, 2, True),
            case("largest", n, float("inf"), 2),
        ),
        module(
            "MaxUnpool",
            n,
            LayerCase("plain", (2,), inputs=unpoolings(n)[0].args[:2]),
            LayerCase("padding", (3, 3, 1), inputs=unpoolings(n)[0].args[:2]),
        ),
    )


LAYERS = (*pooled(1, {}), *pooled(2, {"divisor_override": 3}), *pooled(3, {}))

I1, I2, I3 = zeros(1, 1, 4), zeros(1, 1, 4, 4), zeros(1, 1, 4, 4, 4)
LONG1, LONG2 = I1.astype("int64"), I2.astype("int64")
LONG3 = I3.astype("int64")
DIMS = "Expected 2 to 3 dimensions, but got 4-dimensional tensor for argument #1"
TOO_SMALL = "Calculated output size: ({}). Output size is too small"


def refused(op: str, words: str, *args: object, **kwargs: object) -> Bad:
    """Returns a call that ends in a RuntimeError."""
    return Bad(op, args, RuntimeError, words, kwargs)


BAD = (
    refused("max_pool1d", "1d: Expected 2D or 3D (batch mode) tensor", I2, 2),
    refused("max_pool2d", "3D or 4D (batch mode) tensor", I1[0], 2),
    refused("max_pool2d", "Expected 3D or 4D (batch mode) tensor with optional 0 dim "
            "batch size for input, but got:[1, 0, 4, 4]", zeros(1, 0, 4, 4), 2),
    refused("max_pool2d", "but got:[0, 4, 4]", zeros(0, 4, 4), 2),
    refused("max_pool3d", "4D or 5D (batch mode) tensor", I2[0], 2),
    refused("max_pool1d", "max_pool1d() Invalid computed output size: 0", I1, 5),
    refused("max_pool2d", "Given input size: (1x4x4). " + TOO_SMALL.format("1x0x0"),
            I2, 5),
    refused("max_pool3d", TOO_SMALL.format("1x0x0x0"), I3, 5),
    refused("max_pool1d", "max_pool1d() padding should be at most half of kernel size, "
            "but got padding=2 and kernel_size=2", I1, 2, None, 2),
    refused("max_pool2d", "pad should be at most half of effective kernel size, but "
            "got pad=2, kernel_size=2 and dilation=1", I2, 2, None, 2),
    refused("max_pool2d", "half of", I2, 3, None, 2, 2),
    refused("max_pool1d", "padding must be non-negative, but got -1", I1, 2, None, -1),
    refused("max_pool2d", "pad must be non-negative, but got pad: -1", I2, 2, None, -1),
    refused("max_pool1d", "kernel_size must be greater than zero, but got 0", I1, 0),
    refused("max_pool2d", "stride should not be zero", I2, 0),
    refused("max_pool1d", "stride must be greater than zero, but got 0", I1, 2, 0),
    refused("max_pool2d", "stride should be greater than zero", I2, 2, -1),
    refused("max_pool1d", "dilation must be greater than zero", I1, 2, dilation=0),
    refused("max_pool3d", "dilation should be greater than zero", I3, 2, dilation=0),
    refused("max_pool1d", "size 1 but got size 2", I1, (2, 2)),
    refused("max_pool2d", "max_pool2d: kernel_size must ", I2, (2, 2, 2)),
    refused("max_pool2d", "a single int, or a tuple of two ints", I2, 2, (2, 2, 2)),
    refused("max_pool3d", "a single int, or a tuple of three ints", I3, 2, 2, (1, 1)),
    Bad("max_pool2d", (I2, 2.5), TypeError, "must be tuple of ints, not float"),
    Bad("max_pool1d", (I1 > 0, 2), NotImplementedError, "\"max_pool1d_impl\" not "
        "implemented for 'Bool'"),
    Bad("max_pool2d", (I2 > 0, 2), NotImplementedError, "\"max_pool2d\" not "
        "implemented for 'Bool'"),
    Bad("max_pool3d", (I3 + 0j, 2), NotImplementedError, "\"max_pool3d\" not "
        "implemented for 'ComplexFloat'"),
    refused("avg_pool1d", DIMS, I2, 2),
    Bad("avg_pool2d", (I2[0, 0], 2), IndexError, "Dimension out of range (expected to "
        "be in range of [-2, 1], but got -3)"),
    refused("avg_pool2d", "Expected 3D or 4D (batch mode) tensor", I3, 2),
    refused("avg_pool3d", "4D or 5D (batch mode) tensor", I2[0], 2),
    refused("avg_pool1d", "Output size is too small", I1, 5),
    refused("avg_pool2d", TOO_SMALL.format("1x0x0"), I2, 5),
    refused("avg_pool3d", "smaller than kernel size (", I3, 5),
    refused("avg_pool2d", "pad should be at most half of effective kernel size",
            I2, 2, None, 2),
    refused("avg_pool1d", "pad must be non-negative, but got pad: -1", I1, 2, None, -1),
    refused("avg_pool1d", "stride should not be zero", I1, 0),
    refused("avg_pool2d", "divisor must be not zero", I2, 2, divisor_override=0),
    refused("avg_pool1d", "avg_pool1d() argument 'kernel_size' should contain one int "
            "(got 2)", I1, (2, 2)),
    refused("avg_pool2d", "avg_pool2d: padding must ", I2, 2, None, (1, 1, 1)),
    Bad("avg_pool2d", (LONG2.astype("int32"), 2), NotImplementedError, "\"avg_pool2d\" "
        "not implemented for 'Int'"),
    refused("adaptive_avg_pool1d", DIMS, I2, 2),
    refused("adaptive_avg_pool2d", "Expected 3D or 4D", I3, 2),
    refused("adaptive_avg_pool3d", "Expected 4D or 5D", I2[0], 2),
    refused("adaptive_avg_pool2d", "output_size must be 2", I2, (2, 2, 2)),
    refused("adaptive_avg_pool3d", "output_size must be 3", I3, (2, 2)),
    refused("adaptive_avg_pool1d", "adaptive_avg_pool1d() argument 'output_size' should"
            " contain one int (got 2)", I1, (2, 2)),
    refused("adaptive_avg_pool2d", "elements of output_size must be greater than or "
            "equal to 0", I2, -1),
    refused("adaptive_avg_pool2d", "Expected", zeros(1, 1, 0, 4), 2),
    Bad("adaptive_avg_pool2d", (I2, 2.5), TypeError, ""),
    Bad("adaptive_avg_pool1d", (I1, None), TypeError, "must be tuple of ints"),
    not_implemented("adaptive_avg_pool1d", "adaptive_avg_pool2d", LONG1, 2),
    not_implemented("adaptive_avg_pool2d", "adaptive_avg_pool2d", LONG2, 2),
    not_implemented("adaptive_avg_pool3d", "adaptive_avg_pool3d_cpu", LONG3, 2),
    refused("adaptive_max_pool1d", DIMS, I2, 2),
    refused("adaptive_max_pool2d", "Expected 3D or 4D", I1[0], 2),
    refused("adaptive_max_pool2d", "output_size", I2, (2, 2, 2)),
    refused("adaptive_max_pool2d", "negative dimension", I2, -1),
    refused("adaptive_max_pool1d", "Expected", zeros(1, 0, 4), 2),
    not_implemented("adaptive_max_pool1d", "adaptive_max_pool2d", LONG1, 2),
    not_implemented("adaptive_max_pool3d", "adaptive_max_pool3d_cpu", LONG3, 2),
    refused("lp_pool1d", "'kernel_size' should contain one int (got 2)", I1, 2, (2, 2)),
    refused("lp_pool2d", "Output size is too small", I2, 2, 5),
    Bad("lp_pool2d", (I2, 0, 2), ZeroDivisionError, "division by zero"),
    refused("max_unpool2d", "Input to max_unpooling2d should be a 3d or 4d Tensor, but "
            "got a tensor with 2 dimensions.", I2[0, 0], LONG2[0, 0], 2),
    refused("max_unpool2d", "elements in indices should be type int64 but got: Float",
            I2, I2, 2),
    refused("max_unpool2d", "shape of indices to be same as that of the input tensor "
            "([1, 1, 4, 4]) but got indices tensor with shape: [1, 1, 4, 3]",
            I2, LONG2[..., :3], 2),
    refused("max_unpool2d", "Found an invalid max index: 99 (output volumes are of "
            "size 8x8)", I2, LONG2 + 99, 2),
    refused("max_unpool3d", "Found an invalid max index: -1", I3, LONG3 - 1, 2),
    Bad("max_unpool2d", (I2, LONG2, 2), ValueError, "invalid output_size \"(10, 9)\" "
        "(dim 0 must be between 6 and 10)", {"output_size": (10, 9)}),
    Bad("max_unpool2d", (I2, LONG2, 2), ValueError, "output_size should be a sequence "
        "containing 2 or 4 elements, but it has a length of '1'",
        {"output_size": (8,)}),
)  # fmt: skip

BAD_LAYERS = (
    BadLayer("MaxPool2d", (2,), RuntimeError, "3D or 4D (batch mode) tensor",
             inputs=(X1[0],)),
    BadLayer("AvgPool1d", (5,), RuntimeError, "Output size is too small",
             inputs=(I1,)),
)  # fmt: skip
