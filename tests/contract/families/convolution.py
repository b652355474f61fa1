# SPDX-License-Identifier: Apache-2.0
"""Convolutions and transposed convolutions."""

from __future__ import annotations

import numpy as np

from tests.contract.bad import Bad, BadLayer, zeros
from tests.contract.case import NN, Case, Op, spread
from tests.contract.layer import Layer, LayerCase

TWO, THREE = (0, 1), (0, 1, 2)
X1, X2, X3 = spread(2, 4, 7), spread(2, 4, 4, 5), spread(1, 2, 3, 3, 4)
B = spread(4, start=5)


def weight(*shape: int) -> np.ndarray:
    """Returns a weight that is not the input's beginning."""
    return spread(*shape, low=-1.0, high=1.0, start=40)


def sequences() -> tuple[Case, ...]:
    """What conv1d is tried with."""
    w = weight(2, 4, 3)
    return (
        Case("bias", (X1, w, B[:2]), by=THREE),
        Case("no-bias", (X1, w), by=TWO),
        Case("unbatched", (X1[0], w, B[:2]), by=THREE),
        Case("options", (X1, w, B[:2], 2, 3, 2), by=THREE),
        Case("groups", (X1, weight(4, 2, 3), B), {"groups": 2, "stride": 3}, THREE),
        Case("same", (X1, weight(2, 4, 4)), {"padding": "same", "dilation": 2}, TWO),
        Case("valid", (X1, w), {"padding": "valid", "stride": (2,)}, TWO),
        Case("one", (spread(1, 1, 1), weight(1, 1, 1), B[:1]), by=THREE),
        Case("empty-batch", (spread(0, 4, 7), w, B[:2]), by=THREE),
    )


def images() -> tuple[Case, ...]:
    """What conv2d is tried with."""
    w = weight(3, 4, 3, 2)
    return (
        Case("bias", (X2, w, B[:3]), by=THREE),
        Case("unbatched", (X2[0], w), by=TWO),
        Case("padding", (X2, w, B[:3], 1, (2, 1)), by=THREE),
        Case("stride", (X2, w, B[:3], (2, 3), 1), by=THREE),
        Case("dilation", (X2, w, B[:3]), {"dilation": (2, 3), "padding": 2}, THREE),
        Case("same", (X2, w, B[:3]), {"padding": "same", "dilation": (2, 1)}, THREE),
        Case("groups", (X2, weight(4, 2, 3, 2), B), {"groups": 2, "padding": 1}, THREE),
        Case("depthwise", (X2, weight(8, 1, 3, 2)), {"groups": 4, "stride": 2}, TWO),
        Case(
            "joined-groups",
            (spread(1, 20, 2, 3), weight(20, 1, 2, 2)),
            {"groups": 20},
            TWO,
        ),
        Case("pointwise", (X2, weight(3, 4, 1, 1), B[:3]), {"stride": 2}, THREE),
        Case("whole", (X2, weight(2, 4, 4, 5), B[:2]), by=THREE),
        Case("empty-batch", (spread(0, 4, 4, 5), w, B[:3]), by=THREE),
    )


def volumes() -> tuple[Case, ...]:
    """What conv3d is tried with."""
    w = weight(2, 2, 2, 3, 2)
    options = {"stride": (1, 2, 3), "padding": (1, 0, 2), "dilation": (2, 1, 2)}
    return (
        Case("bias", (X3, w, B[:2]), by=THREE),
        Case("options", (X3[0], w), options, TWO),
        Case("groups", (X3, weight(4, 1, 2, 2, 2)), {"groups": 2}, TWO),
        Case("same", (X3, w), {"padding": "same"}, TWO),
    )


def back_to_sequences() -> tuple[Case, ...]:
    """What conv_transpose1d is tried with."""
    w = weight(4, 2, 4)
    return (
        Case("bias", (X1, w, B[:2]), by=THREE),
        Case("unbatched", (X1[0], w), {"stride": 3}, TWO),
        Case("stride", (X1, w, B[:2], 2, 1, 1), by=THREE),
        Case("groups", (X1, w, B), {"groups": 2, "stride": 2}, THREE),
        Case("dilation", (X1, w), {"dilation": 2, "padding": 3}, TWO),
        Case("both", (X1, w), {"stride": 2, "dilation": 3, "output_padding": 2}, TWO),
        Case("gaps", (X1, weight(4, 1, 2)), {"stride": 5, "output_padding": 4}, TWO),
        Case("one", (spread(1, 1, 1), weight(1, 1, 1), B[:1]), by=THREE),
        Case("empty-batch", (spread(0, 4, 7), w), by=TWO),
    )


def back_to_images() -> tuple[Case, ...]:
    """What conv_transpose2d is tried with."""
    w = weight(4, 2, 3, 2)
    both = {"stride": (1, 2), "dilation": (2, 3), "padding": (1, 2)}
    return (
        Case("bias", (X2, w, B[:2]), by=THREE),
        Case("stride", (X2, w, B[:2], (2, 3), (1, 0), (1, 2)), by=THREE),
        Case("groups", (X2, w, B), {"groups": 2, "stride": 2, "padding": 1}, THREE),
        Case("depthwise", (X2, weight(4, 1, 4, 4)), {"groups": 4, "stride": 2}, TWO),
        Case("both", (X2, w), both, TWO),
        Case("unbatched", (X2[0], w), {"stride": (3, 1)}, TWO),
    )


def back_to_volumes() -> tuple[Case, ...]:
    """What conv_transpose3d is tried with."""
    options = {"stride": (2, 1, 3), "padding": 1, "output_padding": (1, 0, 2)}
    return (
        Case("bias", (X3, weight(2, 2, 2, 3, 2), B[:2]), by=THREE),
        Case("options", (X3[0], weight(2, 2, 2, 3, 2)), options, TWO),
        Case("groups", (X3, weight(2, 2, 2, 2, 2)), {"groups": 2, "stride": 2}, TWO),
    )


DIFFERENCES = (
    "On CPU, an infinity or nan in one group of channels can make nan in others; an "
    "input without channels gives the bias, PyTorch's no channels."
)
TRANSPOSED_DIFFERENCES = (
    "An infinity or nan can make nan of elements beside those it reaches in PyTorch; "
    "options are checked on empty batches, too."
)


def ops(names: dict[str, tuple[Case, ...]], differences: str) -> tuple[Op, ...]:
    """Returns the table's entries."""
    return tuple(
        Op(name, f"{NN}.{name}", cases, atol=ATOL, differences=differences)
        for name, cases in names.items()
    )


# Sums of up to about 80 products as large as 4.5, in another order: 2.4e-6 was
# measured.
ATOL = 4e-6
OPS = (
    *ops({"conv1d": sequences(), "conv2d": images(), "conv3d": volumes()}, DIFFERENCES),
    *ops(
        {
            "conv_transpose1d": back_to_sequences(),
            "conv_transpose2d": back_to_images(),
            "conv_transpose3d": back_to_volumes(),
        },
        TRANSPOSED_DIFFERENCES,
    ),
)


def padded() -> tuple[LayerCase, ...]:
    """A convolution with each way to pad."""
    return tuple(
        LayerCase(
            mode, (4, 2, 3), {"padding": 2, "padding_mode": mode, **more}, inputs=(X2,)
        )
        for mode, more in {
            "reflect": {"stride": 2},
            "replicate": {"dilation": 2},
            "circular": {"bias": False},
        }.items()
    )


LAYERS = (
    Layer(
        "Conv1d",
        "torch.nn.Conv1d",
        (
            LayerCase("plain", (4, 2, 3), inputs=(X1,)),
            LayerCase("options", (4, 2, 3, 2, 1, 2, 2, False), inputs=(X1,)),
            LayerCase("same", (4, 2, 4), {"padding": "same"}, (X1[0],)),
            LayerCase(
                "same-reflect",
                (4, 2, 4),
                {"padding": "same", "padding_mode": "reflect"},
                (X1,),
            ),
        ),
        atol=ATOL,
    ),
    Layer(
        "Conv2d",
        "torch.nn.Conv2d",
        (
            LayerCase("plain", (4, 2, 3), inputs=(X2,)),
            LayerCase("sizes", (4, 2, (3, 2), (2, 1), (1, 0)), inputs=(X2,)),
            LayerCase("dilation", (4, 2, 2), {"dilation": (3, 2)}, (X2,)),
            LayerCase("groups", (4, 4, 3), {"groups": 2, "bias": False}, (X2[0],)),
            LayerCase("same", (4, 2, (2, 3)), {"padding": "same"}, (X2,)),
            LayerCase("valid", (4, 2, 3), {"padding": "valid", "stride": 2}, (X2,)),
            *padded(),
        ),
        atol=ATOL,
    ),
    Layer(
        "Conv3d",
        "torch.nn.Conv3d",
        (
            LayerCase("plain", (2, 4, 2), inputs=(X3,)),
            LayerCase(
                "circular",
                (2, 4, (1, 2, 3)),
                {"padding": (0, 1, 2), "padding_mode": "circular", "groups": 2},
                (X3,),
            ),
        ),
        atol=ATOL,
    ),
    Layer(
        "ConvTranspose1d",
        "torch.nn.ConvTranspose1d",
        (
            LayerCase("plain", (4, 2, 3), inputs=(X1,)),
            LayerCase("options", (4, 2, 3, 2, 1, 1, 2, False, 2), inputs=(X1,)),
        ),
        atol=ATOL,
    ),
    Layer(
        "ConvTranspose2d",
        "torch.nn.ConvTranspose2d",
        (
            LayerCase("plain", (4, 2, 3), inputs=(X2,)),
            LayerCase("options", (4, 2, 3, 2, 1, (0, 1), 2, False, 1), inputs=(X2,)),
        ),
        atol=ATOL,
    ),
    Layer(
        "ConvTranspose3d",
        "torch.nn.ConvTranspose3d",
        (
            LayerCase("plain", (2, 4, 2), inputs=(X3,)),
            LayerCase("options", (2, 4, 2, 2, 1, 1, 2), inputs=(X3[0],)),
        ),
        atol=ATOL,
    ),
)


I, W, T = zeros(1, 4, 4, 4), zeros(2, 4, 1, 1), zeros(4, 2, 1, 1)  # noqa: E741
HALF = zeros(2, dtype="float16")
NOT_FITTING = "to match the convolution dimensions, but got"


def refused(op: str, words: str, *args: object, **kwargs: object) -> Bad:
    """Returns a call that ends in a RuntimeError."""
    return Bad(op, args, RuntimeError, words, kwargs)


BAD = (
    refused("conv1d", "Expected 2D (unbatched) or 3D (batched) input to", I, W[..., 0]),
    refused("conv2d", "but got input of size: [4, 4]", I[0, 0], W),
    refused("conv3d", "Expected 4D (unbatched) or 5D (batched)", I[0], W[..., None]),
    refused("conv2d", "or a list of 1 values to match the convolution", I, W[..., 0]),
    refused("conv2d", "weight should have at least three dimensions", I, W[0, 0]),
    refused("conv2d", "weight of size [2, 3, 1, 1], expected input[1, 4, 4, 4] to have "
            "3 channels, but got 4 channels instead", I, zeros(2, 3, 1, 1)),
    refused("conv2d", "expected input[1, 4, 4, 4] to have 6", I[0], zeros(2, 6, 1, 1)),
    refused("conv2d", "Given groups=2, weight of size", I, zeros(2, 3, 1, 1), groups=2),
    refused("conv2d", "to be divisible by 2 at dimension 0, but got weight of size "
            "[[3, 2, 1, 1]] instead", I, zeros(3, 2, 1, 1), groups=2),
    refused("conv2d", "weight to be at least 2 at", I, zeros(1, 2, 1, 1), groups=2),
    refused("conv2d", "weight to be at least 1 at", I, zeros(0, 4, 1, 1)),
    refused("conv2d", "non-positive groups is not supported", I, W, groups=0),
    refused("conv2d", "non-positive stride is not supported", I, W, stride=0),
    refused("conv2d", "negative padding is not supported", I, W, padding=-1),
    refused("conv2d", "dilation should be greater than zero", I, W, dilation=0),
    refused("conv2d", f"{NOT_FITTING} stride=[1, 1, 1]", I, W, stride=(1, 1, 1)),
    refused("conv2d", f"{NOT_FITTING} padding=[1, 1, 1]", I, W, padding=(1, 1, 1)),
    refused("conv2d", f"{NOT_FITTING} dilation=[1, 1, 1]", I, W, dilation=(1, 1, 1)),
    refused("conv2d", "Calculated padded input size per channel: (6 x 4). Kernel size: "
            "(5 x 5). Kernel size can't be greater than actual input size",
            I, zeros(2, 4, 5, 5), padding=(1, 0)),
    refused("conv1d", "channel: (4). Kernel size: (5).", I[0], zeros(2, 4, 3),
            dilation=2),
    refused("conv2d", "kernel size should be greater than zero", I, zeros(2, 4, 0, 1)),
    refused("conv2d", "Only zero batch or zero channel inputs are supported",
            zeros(1, 4, 0, 4), W, padding=1),
    refused("conv2d", "expected bias to be 1-dimensional with 2 elements, but got bias "
            "of size [3] instead", I, W, zeros(3)),
    refused("conv2d", "but got bias of size [1, 2] instead", I, W, zeros(1, 2)),
    refused("conv2d", "Invalid padding string: 'full'", I, W, padding="full"),
    refused("conv2d", "padding='same' is not supported for strided convolutions",
            I, W, padding="same", stride=2),
    refused("conv2d", "expected scalar type Half but found Float",
            I.astype("float16"), W),
    refused("conv2d", "should be the same", I, W, HALF),
    Bad("conv2d", (I > 0, W > 0), NotImplementedError, "not implemented for 'Bool'"),
    Bad("conv2d", (I, W, None, 1.5), TypeError, "conv2d()"),
    refused("conv_transpose2d", "weight of size [3, 2, 1, 1], expected input[1, 4, 4, "
            "4] to have 3 channels", I, zeros(3, 2, 1, 1)),
    refused("conv_transpose2d", "Given transposed=1, weight of size [4, 2, 1, 1], "
            "expected bias to be 1-dimensional with 4 elements", I, T, zeros(2),
            groups=2),
    refused("conv_transpose2d", "to be divisible by 3 at dimension 0", I, T, groups=3),
    refused("conv_transpose2d", "output padding must be smaller than either stride or "
            "dilation", I, T, output_padding=1),
    refused("conv_transpose2d", "negative output_padding is not supported",
            I, T, output_padding=-1),
    refused("conv_transpose1d", f"{NOT_FITTING} output_padding=[1, 1]",
            I[0], T[..., 0], output_padding=(1, 1)),
    refused("conv_transpose2d", "Given input size per channel: (4 x 4). Calculated "
            "output size per channel: (-6 x -6). Output size is too small",
            I, T, padding=5),
    refused("conv_transpose2d", "Only zero batch or zero channel inputs are supported",
            zeros(1, 4, 0, 4), T),
    refused("conv_transpose2d", "weight tensor expected, but got: [4, 0, 1, 1]",
            I, zeros(4, 0, 1, 1)),
    Bad("conv_transpose2d", (I, T, None, 1, "same"), TypeError,
        "must be tuple of ints, not str"),
)  # fmt: skip


def bad_layer(
    name: str, error: type[Exception], words: str, *args: object, **kwargs: object
) -> BadLayer:
    """Returns a module that refuses its options."""
    return BadLayer(name, args, error, words, kwargs)


SAME = {"padding": "same"}
BAD_LAYERS = (
    bad_layer("Conv2d", ValueError, "groups must be a positive", 2, 2, 3, groups=0),
    bad_layer("Conv2d", ValueError, "in_channels must be div", 1, 2, 3, groups=2),
    bad_layer("Conv2d", ValueError, "out_channels must be div", 2, 3, 3, groups=2),
    bad_layer("Conv2d", ValueError, "Invalid padding string 'full', should be one of",
              1, 1, 3, padding="full"),
    bad_layer("Conv2d", ValueError, "padding='same' is not supported for strided",
              1, 1, 3, 2, "same"),
    bad_layer("Conv2d", ValueError, "padding_mode must be one of", 1, 1, 3,
              padding_mode="edge"),
    bad_layer("Conv2d", RuntimeError, "Trying to create tensor with negative dimension",
              1, 1, -3),
    bad_layer("ConvTranspose2d", ValueError, 'Only "zeros" padding mode is supported '
              "for ConvTranspose2d", 1, 1, 3, padding_mode="reflect"),
    BadLayer("ConvTranspose2d", (4, 1, 3), TypeError, "must be tuple of ints",
             SAME, (I,)),
    BadLayer("ConvTranspose2d", (4, 1, 3, 2), ValueError, "ConvTranspose2D: for 4D "
             "input, output_size must have 2 or 4 elements (got 3)",
             inputs=(I, (1, 9, 9))),
    BadLayer("ConvTranspose2d", (4, 1, 3, 2), ValueError, "requested an output size of "
             "(11, 11), but valid sizes range from [9, 9] to [10, 10]",
             inputs=(I, (11, 11))),
    BadLayer("Conv1d", (2, 2, 3, 1, 3), RuntimeError, "Argument #4: Padding size "
             "should be less than the corresponding input dimension",
             {"padding_mode": "reflect"}, (zeros(2, 3),)),
)  # fmt: skip
