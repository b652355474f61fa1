# SPDX-License-Identifier: Apache-2.0
"""Transforms in a DataLoader against a live PyTorch, bit for bit (T0).

The oracle is what torchvision's documentation says, in a few lines of PyTorch, applied
image by image as a DataLoader without workers does. torchvision itself is not needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from torch.nn import functional as torch_functional  # noqa: E402
from torch.utils import data as torch_data  # noqa: E402

from flaxnn.data import DataLoader, WeightedRandomSampler, transforms  # noqa: E402
from flaxnn.random import Generator  # noqa: E402

pytestmark = pytest.mark.torch

Change = Callable[[Any], Any]

ROWS = 23
PIXELS = np.random.default_rng(0).integers(0, 256, (ROWS, 3, 9, 11), np.uint8)
GREY = PIXELS[:, 0]


def flip(p: float, dim: int) -> Change:
    return lambda image: image.flip(dim) if torch.rand(1) < p else image


def normalize(mean: list[float], std: list[float]) -> Change:
    def change(image: Any) -> Any:
        columns = (
            torch.as_tensor(v, dtype=image.dtype).view(-1, 1, 1) for v in (mean, std)
        )
        centre, scale = columns
        return image.sub(centre).div(scale)

    return change


def pad(image: Any, sides: tuple[int, ...], fill: float, mode: str) -> Any:
    left, top, right, bottom = sides
    if mode == "symmetric":  # PyTorch has no such mode
        widths = ((0, 0), (top, bottom), (left, right))
        return torch.from_numpy(np.pad(image.numpy(), widths, mode="symmetric"))
    value = {"value": fill} if mode == "constant" else {}
    name = {"edge": "replicate"}.get(mode, mode)
    return torch_functional.pad(image, (left, right, top, bottom), mode=name, **value)


def crop(
    size: tuple[int, int],
    padding: tuple[int, int, int, int] | None = None,
    if_needed: bool = False,
    fill: float = 0.0,
    mode: str = "constant",
) -> Change:
    def change(image: Any) -> Any:
        if padding is not None:
            image = pad(image, padding, fill, mode)
        if if_needed and image.shape[-1] < size[1]:
            missing = size[1] - image.shape[-1]
            image = pad(image, (missing, 0, missing, 0), fill, mode)
        if if_needed and image.shape[-2] < size[0]:
            missing = size[0] - image.shape[-2]
            image = pad(image, (0, missing, 0, missing), fill, mode)
        height, width = image.shape[-2:]
        if (height, width) == size:
            return image
        top = torch.randint(0, height - size[0] + 1, size=(1,)).item()
        left = torch.randint(0, width - size[1] + 1, size=(1,)).item()
        return image[..., top : top + size[0], left : left + size[1]]

    return change


class Images(torch_data.Dataset):
    """Images as ToTensor makes them, changed one at a time, and their row."""

    def __init__(self, pixels: np.ndarray, changes: list[Change]) -> None:
        self.pixels, self.changes = pixels, changes

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        image = torch.from_numpy(self.pixels[index])
        image = image if image.ndim == 3 else image[None]
        if image.dtype == torch.uint8:
            image = image.to(torch.float32).div(255)
        for change in self.changes:
            image = change(image)
        return image, index


MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]

CASES: dict[str, tuple[transforms.Transform, list[Change]]] = {
    "horizontal": (transforms.RandomHorizontalFlip(), [flip(0.5, -1)]),
    "vertical": (transforms.RandomVerticalFlip(0.3), [flip(0.3, -2)]),
    "never": (transforms.RandomHorizontalFlip(0.0), [flip(0.0, -1)]),
    "always": (transforms.RandomVerticalFlip(1.0), [flip(1.0, -2)]),
    "normalize": (transforms.Normalize(MEAN, STD), [normalize(MEAN, STD)]),
    "one for all": (
        transforms.Normalize(0.1307, 0.3081),
        [normalize([0.1307], [0.3081])],
    ),
    "crop": (transforms.RandomCrop((7, 5)), [crop((7, 5))]),
    "crop of one": (transforms.RandomCrop(1), [crop((1, 1))]),
    "crop of all": (transforms.RandomCrop((9, 11)), [crop((9, 11))]),
    "crop of all rows": (transforms.RandomCrop((9, 4)), [crop((9, 4))]),
    "padded": (transforms.RandomCrop((9, 11), 4), [crop((9, 11), (4, 4, 4, 4))]),
    "padded aside": (
        transforms.RandomCrop(10, (2, 3), fill=0.5),
        [crop((10, 10), (2, 3, 2, 3), fill=0.5)],
    ),
    "edge": (
        transforms.RandomCrop(12, [1, 2, 3, 4], padding_mode="edge"),
        [crop((12, 12), (1, 2, 3, 4), mode="edge")],
    ),
    "reflect": (
        transforms.RandomCrop(12, (8, 8), padding_mode="reflect"),
        [crop((12, 12), (8, 8, 8, 8), mode="reflect")],
    ),
    "symmetric": (
        transforms.RandomCrop(12, 9, padding_mode="symmetric"),
        [crop((12, 12), (9, 9, 9, 9), mode="symmetric")],
    ),
    "if needed": (
        transforms.RandomCrop((16, 10), None, True, 0.25),
        [crop((16, 10), None, True, 0.25)],
    ),
    "both": (
        transforms.RandomCrop((16, 16), 1, True, padding_mode="reflect"),
        [crop((16, 16), (1, 1, 1, 1), True, mode="reflect")],
    ),
    "all": (
        transforms.Compose(
            [
                transforms.RandomCrop(8, padding=2),
                transforms.RandomHorizontalFlip(),
                transforms.Normalize(0.286, 0.353),
                transforms.RandomVerticalFlip(0.7),
                transforms.RandomCrop(6),
            ]
        ),
        [
            crop((8, 8), (2, 2, 2, 2)),
            flip(0.5, -1),
            normalize([0.286], [0.353]),
            flip(0.7, -2),
            crop((6, 6)),
        ],
    ),
}


def _assert_same_state(ours: Generator) -> None:
    np.testing.assert_array_equal(
        ours.get_state(), torch.default_generator.get_state().numpy()
    )


@pytest.mark.parametrize("pixels", [PIXELS, GREY], ids=["colour", "grey"])
@pytest.mark.parametrize("name", CASES)
def test_batches_and_the_states_after_each(name: str, pixels: np.ndarray) -> None:
    ours, theirs = CASES[name]
    if name == "normalize" and pixels is GREY:
        pytest.skip("three means for one channel are refused")
    torch.manual_seed(2025)
    run = Generator(2025)
    # A weighted sampler draws from the same stream as the images do.
    weights = np.arange(ROWS) % 4
    left = DataLoader(
        (pixels, np.arange(ROWS)),
        8,
        sampler=WeightedRandomSampler(weights, 20),
        rngs=run,
        transform=ours,
    )
    right = torch_data.DataLoader(
        Images(pixels, theirs),
        8,
        sampler=torch_data.WeightedRandomSampler(weights.tolist(), 20),
    )
    for _ in range(2):
        for batch, expected in zip(left, right, strict=True):
            _assert_same_state(run)
            images = expected[0].numpy()
            images = images if pixels.ndim == 4 else images[:, 0]
            assert batch[0].dtype == images.dtype == np.float32
            np.testing.assert_array_equal(batch[0], images)
            np.testing.assert_array_equal(batch[1], expected[1].numpy())
        _assert_same_state(run)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shuffled_floats_with_a_generator_of_the_loaders(dtype: Any) -> None:
    """The order from the loader's generator, the images' numbers from the run's."""
    pixels = np.random.default_rng(1).random((ROWS, 3, 9, 11)).astype(dtype)
    ours, theirs = CASES["all"]
    torch.manual_seed(3)
    run, own = Generator(3), Generator(4)
    torch_own = torch.Generator().manual_seed(4)
    left = DataLoader(
        pixels, 6, True, rngs=run, generator=own, drop_last=True, transform=ours
    )
    right = torch_data.DataLoader(
        Images(pixels, theirs), 6, shuffle=True, drop_last=True, generator=torch_own
    )
    assert left.generators == (own, run)
    for (batch,), (images, _) in zip(left, right, strict=True):
        _assert_same_state(run)
        assert batch.dtype == dtype
        np.testing.assert_array_equal(batch, images.numpy())
    np.testing.assert_array_equal(own.get_state(), torch_own.get_state().numpy())


def test_one_generator_for_order_images_and_the_run() -> None:
    """The discarded permutation comes before the short batch's own numbers."""
    ours, theirs = CASES["all"]
    run, torch_run = Generator(9), torch.manual_seed(9)
    left = DataLoader(PIXELS, 6, True, rngs=run, generator=run, transform=ours)
    right = torch_data.DataLoader(
        Images(PIXELS, theirs), 6, shuffle=True, generator=torch_run
    )
    assert left.generators == (run,)
    for _ in range(2):
        for (batch,), (images, _) in zip(left, right, strict=True):
            _assert_same_state(run)
            np.testing.assert_array_equal(batch, images.numpy())
    _assert_same_state(run)


def test_a_probability_is_compared_in_float32() -> None:
    """0.7 rounds down in float32, to a number that `torch.rand` can return."""
    least = np.float32(0.7)
    assert float(least) < 0.7
    draws = np.array([least, np.nextafter(least, np.float32(0))])
    theirs = [bool(torch.tensor([number]) < 0.7) for number in draws]
    image = np.array([[0.0, 1.0]], np.float32)
    flipped = transforms.RandomHorizontalFlip(0.7)(np.stack([image, image]), draws)
    assert [bool(row[0, 0]) for row in np.asarray(flipped)] == theirs == [False, True]


@pytest.mark.parametrize(
    ("mean", "std"), [(0.1307, 0.3081), (0.286, 0.353), (0.456, 0.224), (0.0, 255.0)]
)
def test_a_division_is_a_division_wherever_it_is_compiled(
    mean: float, std: float
) -> None:
    """XLA's reciprocal would be an ulp off for thousands of these values."""
    pixels = np.arange(256, dtype=np.float32) / np.float32(255)
    more = np.random.default_rng(2).random(10_000 - 256, dtype=np.float32)
    images = np.concatenate([pixels, more]).reshape(100, 10, 10)
    images[0, 0, 0], images[1, 0, 0] = np.nan, np.inf
    expected = normalize([mean], [std])(torch.from_numpy(images)).numpy()
    t = transforms.Normalize(mean, std)

    def scanned(x: jax.Array) -> jax.Array:
        return jax.lax.scan(lambda carry, rows: (carry, t(rows)), 0, x)[1]

    for values in (
        t(images),
        jax.jit(t)(images),
        jax.jit(scanned)(images.reshape(10, 10, 10, 10)),
        jax.jit(jax.vmap(t))(images.reshape(10, 10, 10, 10)),
        jax.jit(lambda x: t(x[np.arange(100)[::-1]])[::-1])(images),
    ):
        np.testing.assert_array_equal(np.reshape(values, images.shape), expected)
