# SPDX-License-Identifier: Apache-2.0
"""Elements that only move: unflatten, pixels and channels, columns of blocks."""

from __future__ import annotations

from tests.contract.bad import Bad, BadLayer, not_implemented, zeros
from tests.contract.case import NN, Case, Op, spread
from tests.contract.layer import Layer, LayerCase

IMAGE = spread(2, 3, 5, 6)
# Blocks of 2 × 3, every second row and third column, of images of 7 × 8.
SPARSE = {"dilation": (2, 1), "padding": (1, 2), "stride": (2, 3)}


def splits() -> tuple[Case, ...]:
    """What unflatten is tried with."""
    return (
        Case("inner", (spread(2, 12), 1, (3, 4))),
        Case("rest", (spread(2, 12, 3), -2, (2, -1, 3))),
        Case("first", (spread(6), 0, [2, 3])),
        Case("one", (spread(2, 3), 1, (3,))),
        Case("empty", (spread(0, 6), 1, (2, 3))),
        Case("nothing", (spread(2, 0), 1, (0, 3))),
    )


def blocks() -> tuple[Case, ...]:
    """What unfold is tried with."""
    return (
        Case("plain", (IMAGE, 2)),
        Case("unbatched", (IMAGE[0], (2, 3))),
        Case("sparse", (IMAGE, (2, 3)), SPARSE),
        Case("positions", (IMAGE, 2, 2, 1, 3)),
        Case("empty-batch", (IMAGE[:0], 2)),
    )


def sums() -> tuple[Case, ...]:
    """What fold is tried with."""
    return (
        Case("plain", (spread(2, 12, 20), (5, 6), 2)),
        Case("unbatched", (spread(6, 25), (5, 7), (1, 3))),
        Case("sparse", (spread(2, 12, 16), (7, 8), (2, 3)), SPARSE),
        Case("positions", (spread(1, 4, 4), 5, 2, 2, 1, 3)),
        Case("empty-batch", (spread(0, 4, 4), 3, 2)),
    )


OPS = (
    Op("unflatten", "torch.unflatten", splits()),
    Op(
        "pixel_shuffle",
        f"{NN}.pixel_shuffle",
        (
            Case("plain", (spread(2, 8, 3, 2), 2)),
            Case("outer", (spread(2, 1, 9, 2, 1), 3)),
            Case("unbatched", (spread(4, 1, 1), 2)),
        ),
        differences="PyTorch 2.13.0 has no gradient for an empty batch.",
    ),
    Op(
        "pixel_unshuffle",
        f"{NN}.pixel_unshuffle",
        (
            Case("plain", (spread(2, 2, 6, 4), 2)),
            Case("outer", (spread(2, 1, 1, 6, 3), 3)),
            Case("unbatched", (spread(1, 2, 2), 2)),
        ),
        differences="PyTorch 2.13.0 returns an empty batch with its shape unchanged.",
    ),
    Op("unfold", f"{NN}.unfold", blocks()),
    # Sums of up to four numbers as large as 3 in another order: 1.3e-7 was measured.
    Op("fold", f"{NN}.fold", sums(), atol=3e-7),
)

LAYERS = (
    Layer(
        "Unflatten",
        "torch.nn.Unflatten",
        (
            LayerCase("plain", (1, (3, 4)), inputs=(spread(2, 12),)),
            LayerCase("rest", (-1, (-1, 2)), inputs=(spread(2, 12),)),
        ),
        differences="A list of sizes is printed as a tuple.",
    ),
    Layer(
        "PixelShuffle",
        "torch.nn.PixelShuffle",
        (LayerCase("plain", (2,), inputs=(spread(2, 8, 3, 2),)),),
    ),
    Layer(
        "PixelUnshuffle",
        "torch.nn.PixelUnshuffle",
        (LayerCase("plain", (2,), inputs=(spread(2, 2, 6, 4),)),),
    ),
    Layer(
        "Unfold",
        "torch.nn.Unfold",
        (
            LayerCase("plain", (2,), inputs=(IMAGE,)),
            LayerCase("sparse", ((2, 3),), SPARSE, (IMAGE,)),
        ),
    ),
    Layer(
        "Fold",
        "torch.nn.Fold",
        (
            LayerCase("plain", ((5, 6), 2), inputs=(spread(2, 12, 20),)),
            LayerCase("sparse", ((7, 8), (2, 3)), SPARSE, (spread(2, 12, 16),)),
        ),
        atol=3e-7,
    ),
)

X, C = zeros(2, 6), zeros(1, 8, 9)
PIXELS, PICTURE = zeros(1, 3, 2, 3), zeros(1, 2, 4, 4)


def refused(op: str, words: str, *args: object, **kwargs: object) -> Bad:
    """Returns a call that ends in a RuntimeError."""
    return Bad(op, args, RuntimeError, words, kwargs)


BAD = (
    refused("unflatten", "unflatten: sizes must be non-empty", X, 1, ()),
    refused("unflatten", "Provided sizes [4, -1] don't multiply up to the size of dim "
            "1 (6) in the input tensor", X, 1, (4, -1)),
    refused("unflatten", "Provided sizes [2, 2] don't multiply", X, 1, (2, 2)),
    refused("unflatten", "only one dimension can be inferred", X, 1, (-1, -1)),
    refused("unflatten", "invalid shape dimension", X, 1, (-2, -3)),
    refused("unflatten", "the unspecified dimension size -1 can be any value and is "
            "ambiguous", zeros(2, 0), 1, (0, -1)),
    refused("unflatten", "tensor has no dimensions", zeros(), 0, (1,)),
    Bad("unflatten", (X, 2, (2, 3)), IndexError, "Dimension out of range (expected to "
        "be in range of [-2, 1], but got 2)"),
    Bad("unflatten", (X, 1, 6), TypeError, "argument 'sizes' (position 3) must be "
        "tuple of ints, not int"),
    refused("pixel_shuffle", "expects input to have at least 3 dimensions, but got "
            "input with 2 dimension(s)", X, 2),
    refused("pixel_shuffle", "input.size(-3)=3 is not divisible by 4", PIXELS, 2),
    refused("pixel_shuffle", "expects a positive upscale_factor", PIXELS, 0),
    Bad("pixel_shuffle", (PIXELS, 2.0), TypeError, ""),
    refused("pixel_unshuffle", "at least 3 dimensions", X, 2),
    refused("pixel_unshuffle", "width to be divisible by downscale_factor, but "
            "input.size(-1)=3 is not divisible by 2", PIXELS, 2),
    refused("pixel_unshuffle", "input.size(-2)=2 is not divisible by 3", PIXELS, 3),
    refused("pixel_unshuffle", "expects a positive downscale_factor", PIXELS, -1),
    Bad("unfold", (X, 2), IndexError, "Dimension out of range"),
    refused("unfold", "Expected 3D or 4D (batch mode) tensor", zeros(1, 0, 4, 4), 2),
    refused("unfold", "Given input with spatial size (4, 4), kernel_size=(5, 5), "
            "dilation=(1, 1), padding=(0, 0), calculated shape of the array of sliding "
            "blocks as (0, 0), but its components must be at least one.", PICTURE, 5),
    refused("unfold", "kernel size should be greater than zero", PICTURE, 0),
    refused("unfold", "dilation should be greater than zero", PICTURE, 2, 0),
    refused("unfold", "padding should be non-negative", PICTURE, 2, 1, -1),
    refused("unfold", "stride should be greater than zero", PICTURE, 2, 1, 0, 0),
    refused("unfold", "It is expected kernel_size equals to 2, but got size 3",
            PICTURE, (2, 2, 2)),
    not_implemented("unfold", "im2col_out_cpu", PICTURE.astype("int64"), 2),
    refused("fold", "Expected 2D or 3D (batch mode) tensor for input", C[0, 0], 4, 2),
    refused("fold", "divisible by the product of kernel_size, but got input.size(1)=7 "
            "and kernel_size=(2, 2).", zeros(1, 7, 9), (4, 4), 2),
    refused("fold", "expected size of input's dimension 2 to match the calculated "
            "number of sliding blocks 3 * 3 = 9, but got input.size(2)=8.",
            zeros(1, 8, 8), (4, 4), 2),
    refused("fold", "It is expected output_size equals to 2, but got size 3",
            C, (4, 4, 4), 2),
)  # fmt: skip

BAD_LAYERS = (
    BadLayer("Unflatten", (1, 6), TypeError, "unflattened_size must be a tuple of "
             "ints, but found type int"),
    BadLayer("Unflatten", (1, (2, 3.0)), TypeError, "unflattened_size must be tuple of "
             "ints, but found element of type float at pos 1"),
)  # fmt: skip
