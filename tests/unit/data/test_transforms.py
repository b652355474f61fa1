# SPDX-License-Identifier: Apache-2.0
"""Transforms: which numbers they draw, what they compute, and what they refuse."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError, dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from flaxnn.data import DataLoader
from flaxnn.data.transforms import (
    Compose,
    Normalize,
    RandomCrop,
    RandomHorizontalFlip,
    RandomVerticalFlip,
    Transform,
)
from flaxnn.random import Generator

IMAGES = np.random.default_rng(0).random((5, 3, 6, 8), np.float32)
AUGMENT = Compose(
    [RandomCrop(6, padding=2), RandomHorizontalFlip(), Normalize(0.3, 0.4)]
)


def test_numbers_are_drawn_image_by_image() -> None:
    """Known facts: two integers for a crop, one uniform number for a flip."""
    generator, loop = Generator(3), Generator(3)
    tops, lefts, coins = AUGMENT.draw(generator, 5, (3, 6, 8))
    for image in range(5):
        assert tops[image] == loop.randint(0, 5, (1,))[0]
        assert lefts[image] == loop.randint(0, 7, (1,))[0]
        assert coins[image] == loop.rand(1)[0]
    np.testing.assert_array_equal(generator.get_state(), loop.get_state())
    assert [column.dtype for column in (tops, lefts, coins)] == [
        np.int32,
        np.int32,
        np.float32,
    ]


@pytest.mark.parametrize(
    ("transform", "shape", "numbers"),
    [
        (Normalize(0.5, 0.5), (6, 8), ()),
        (RandomCrop((6, 8)), (6, 8), ()),
        (RandomCrop((8, 10), padding=1), (6, 8), ()),
        (RandomCrop((6, 7)), (6, 8), (1, 2)),
        (RandomCrop(4, (1, 2)), (1, 6, 8), (7, 7)),
        (RandomCrop(10, pad_if_needed=True), (6, 8), (5, 3)),
        (RandomVerticalFlip(), (6, 8), (None,)),
        (Compose([]), (6, 8), ()),
        (Compose([AUGMENT, RandomCrop(5)]), (6, 8), (5, 7, None, 2, 2)),
    ],
)
def test_which_numbers_an_image_takes(transform: Any, shape: Any, numbers: Any) -> None:
    assert transform.numbers(shape) == numbers
    if not numbers:
        assert transform.draw(None, 4, shape) == ()


@pytest.mark.parametrize("images", [IMAGES, IMAGES[:, 0]], ids=["colour", "grey"])
def test_arithmetic_is_numpys(images: np.ndarray) -> None:
    draws = AUGMENT.draw(Generator(1), 5, images.shape[1:])
    expected = np.empty((*images.shape[:-2], 6, 6), np.float32)
    widths = [(0, 0)] * (images.ndim - 3) + [(2, 2), (2, 2)]
    for k, (top, left, coin) in enumerate(zip(*draws, strict=True)):
        window = np.pad(images[k], widths)[..., top : top + 6, left : left + 6]
        window = window[..., ::-1] if coin < 0.5 else window
        expected[k] = (window - np.float32(0.3)) / np.float32(0.4)
    for result in (AUGMENT(images, *draws), jax.jit(AUGMENT)(images, *draws)):
        np.testing.assert_array_equal(result, expected)
    one_by_one = jax.vmap(lambda x, *d: AUGMENT(x[None], *(n[None] for n in d))[0])
    np.testing.assert_array_equal(one_by_one(images, *draws), expected)
    assert AUGMENT.output_shape(images.shape[1:]) == expected.shape[1:]


def test_channels_have_their_own_mean_and_std() -> None:
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
    columns = (np.array(values, np.float32).reshape(3, 1, 1) for values in (mean, std))
    centre, scale = columns
    transform = Normalize(mean, std)
    for result in (transform(IMAGES), jax.jit(transform)(IMAGES)):
        np.testing.assert_array_equal(result, (IMAGES - centre) / scale)


def test_dtypes_are_kept() -> None:
    for dtype in (jnp.bfloat16, jnp.float16, jnp.float32):
        assert Normalize(0.5, 0.5)(jnp.asarray(IMAGES, dtype)).dtype == dtype
    with jax.enable_x64(True):
        result = Normalize(0.1, 0.3)(np.float64(IMAGES))
        np.testing.assert_array_equal(result, (np.float64(IMAGES) - 0.1) / 0.3)


def test_equal_options_make_equal_transforms() -> None:
    """A step is found again by them, so a fresh equal one must not compile again."""

    def make() -> Compose:
        return Compose(
            [RandomCrop([6], [2]), RandomHorizontalFlip(1), Normalize([0], 1)]
        )

    assert make() == make()
    assert hash(make()) == hash(make())
    assert len({make(), Compose([RandomCrop(6, 2)]), RandomCrop(6, 2)}) == 3
    assert RandomHorizontalFlip() != RandomVerticalFlip()
    assert RandomCrop(6) != RandomCrop(6, padding=0)
    assert RandomCrop(6) != RandomCrop(6, padding_mode="edge")
    traces = []

    def step(transform: Transform, images: jax.Array, *draws: jax.Array) -> jax.Array:
        traces.append(transform)
        return transform(images, *draws)

    compiled = jax.jit(step, static_argnums=0)
    for _ in range(2):
        transform = make()
        compiled(transform, IMAGES, *transform.draw(Generator(0), 5, (3, 6, 8)))
    assert len(traces) == 1


def test_a_transform_cannot_be_changed() -> None:
    for transform, name in (
        (RandomCrop(3), "size"),
        (RandomHorizontalFlip(), "p"),
        (Normalize(0, 1), "std"),
        (AUGMENT, "transforms"),
    ):
        with pytest.raises(FrozenInstanceError):
            setattr(transform, name, 1)


@dataclass(frozen=True)
class Brightness(Transform):
    """A transform as users write it."""

    def numbers(self, image_shape: tuple[int, ...]) -> tuple[int | None, ...]:
        return (None,)

    def __call__(self, images: Any, *draws: Any) -> jax.Array:
        return images * draws[0].reshape(-1, 1, 1)


def test_a_transform_of_the_users_own_takes_its_turn() -> None:
    both = Compose([RandomCrop(5), Brightness()])
    loop = Generator(0)
    loop.randint(0, 4, (2,))
    first = loop.rand(1)[0]
    assert both.draw(Generator(0), 3, (8, 8))[2][0] == first


def test_a_loader_draws_batch_by_batch() -> None:
    run = Generator(0, ledger=True)
    pixels = (IMAGES * 255).astype(np.uint8)
    loader = DataLoader(
        (pixels, np.arange(5)), 2, shuffle=True, rngs=run, transform=AUGMENT
    )
    images, labels = next(iter(loader))
    assert run.ledger is not None
    assert [(draw.words, draw.consumer) for draw in run.ledger] == [
        (2, "DataLoader(5 rows, shuffle=True)/base seed"),
        (2, "DataLoader(5 rows, shuffle=True)/RandomSampler"),
        (6, "Compose"),
    ]
    twin = Generator(0)
    twin.random((2,))
    draws = AUGMENT.draw(twin, 2, (3, 6, 8))
    floats = np.divide(pixels[labels], np.float32(255), dtype=np.float32)
    np.testing.assert_array_equal(images, AUGMENT(floats, *draws))
    images[:] = 0  # the caller's own


def test_a_loader_without_numbers_to_draw_needs_no_generator() -> None:
    loader = DataLoader(IMAGES, 5, transform=Normalize(0.5, 0.5))
    ((images,),) = loader
    np.testing.assert_array_equal(images, (IMAGES - np.float32(0.5)) / np.float32(0.5))
    assert loader.generators == ()
    rows = DataLoader(list(IMAGES), 5, transform=Normalize(0.5, 0.5))
    np.testing.assert_array_equal(next(iter(rows))[0], images)
    assert repr(loader).endswith("transform=Normalize(mean=(0.5,), std=(0.5,)))")


def test_data_load_no_jax_before_a_transform() -> None:
    code = (
        "import sys; from flaxnn import data; assert 'jax' not in sys.modules;"
        "data.transforms.Compose([]); assert 'jax' in sys.modules"
    )
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)


NONE = Generator(0)
REFUSED: list[tuple[Any, type[Exception], str]] = [
    (lambda: RandomHorizontalFlip(1.5), ValueError, "in the interval \\[0.0, 1.0\\]"),
    (lambda: RandomVerticalFlip(float("nan")), ValueError, "in the interval"),
    (lambda: RandomHorizontalFlip("x"), TypeError, "number for p"),
    (lambda: Normalize([], 1), ValueError, "finite numbers for mean, got \\[\\]"),
    (lambda: Normalize(0, np.inf), ValueError, "finite numbers for std"),
    (lambda: Normalize(0, 0)(IMAGES), ValueError, "std evaluated to zero"),
    (lambda: Normalize(0, 1e-50)(IMAGES), ValueError, "to float32, leading to div"),
    (lambda: Normalize(0, 1)(IMAGES > 0), TypeError, "should be a float.*bool"),
    (lambda: Normalize([0, 0], 1)(IMAGES), ValueError, "mean for each of 3 channels"),
    (lambda: Normalize(0, [1] * 3)(IMAGES[:, 0]), ValueError, "std for each of 1"),
    (
        lambda: RandomCrop(7)(IMAGES),
        ValueError,
        "Required crop size \\(7, 7\\) is larg",
    ),
    (lambda: RandomCrop(7).draw(NONE, 2, (6, 8)), ValueError, "Required crop size"),
    (lambda: RandomCrop((1, 2, 3)), ValueError, "1 or 2 number"),
    (lambda: RandomCrop(0), ValueError, "size of at least 1, got 0"),
    (lambda: RandomCrop(2.0), TypeError, "ints for size, got 2.0"),
    (lambda: RandomCrop(2, -1), ValueError, "padding of at least 0"),
    (lambda: RandomCrop(2, (1, 2, 3)), ValueError, "1 or 2 or 4 number"),
    (lambda: RandomCrop(2, padding_mode="wrap"), ValueError, "constant, edge, reflect"),
    (
        lambda: RandomCrop(2, 6, padding_mode="reflect").output_shape((6, 8)),
        ValueError,
        "Padding size should be less than the corresponding input dimension",
    ),
    (
        lambda: RandomCrop(2, 7, padding_mode="symmetric").output_shape((6, 8)),
        ValueError,
        "Padding size should be less",
    ),
    (lambda: RandomCrop(2)(IMAGES), ValueError, "not enough values"),
    (lambda: RandomCrop(2)(IMAGES[0, 0]), ValueError, "got \\(N, 8\\)"),
    (lambda: Compose([np.flip]), TypeError, "with its base Transform, got <"),
    (
        lambda: AUGMENT.draw(None, 1, (6, 8)),
        TypeError,
        "Compose needs PyTorch's random",
    ),
    (
        lambda: DataLoader(IMAGES, transform=RandomHorizontalFlip()),
        TypeError,
        "RandomHorizontalFlip needs PyTorch's random numbers",
    ),
    (
        lambda: DataLoader(IMAGES, transform=RandomCrop(9), rngs=NONE),
        ValueError,
        "Required crop size",
    ),
    (
        lambda: DataLoader(np.ones((3, 4)), transform=RandomCrop(1), rngs=NONE),
        ValueError,
        "expected images.*got \\(N, 4\\)",
    ),
    (
        lambda: DataLoader(IMAGES, transform=np.flip),  # pyright: ignore
        TypeError,
        "expected a transform of flaxnn.data.transforms",
    ),
    (
        lambda: next(iter(DataLoader(list(IMAGES), transform=RandomHorizontalFlip()))),
        TypeError,
        "RandomHorizontalFlip needs PyTorch's random numbers",
    ),
]


@pytest.mark.parametrize(("make", "error", "words"), REFUSED)
def test_refused(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()
