# SPDX-License-Identifier: Apache-2.0
"""The runs as PyTorch's users write them.

PyTorch is imported inside the functions, which only workers of these sides call: the
package, its tests and its documentation are built without it.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from flaxnn.bench._problem import Problem
from flaxnn.bench._recipe import Recipe
from flaxnn.bench._side import NotHereError

if TYPE_CHECKING:
    import torch

    Batches = Iterable[tuple[torch.Tensor, torch.Tensor]]
    Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    Run = Callable[[int], np.ndarray]


def eager(problem: Problem) -> Run:
    """Returns ``run(steps)``: the loop of every tutorial, tensors made beforehand."""
    x, y = _tensors(problem)
    return _run(problem, lambda: _batches(problem, x, y))


def image_by_image(
    problem: Problem, *, through_pil: bool = True, num_workers: int = 0
) -> Run:
    """Returns ``run(steps)`` whose data set converts each image when it is asked for.

    Args:
        problem: What to compute.
        through_pil: Whether each becomes a PIL image first, as in torchvision.
        num_workers: The DataLoader's.

    Raises:
        NotHereError: Pillow is not installed.
    """
    if through_pil and importlib.util.find_spec("PIL") is None:
        raise NotHereError("Pillow is not installed")
    dataset = _Images(problem, through_pil=through_pil)
    return _run(problem, lambda: _loader(problem, dataset, num_workers))


def compiled(problem: Problem) -> Run:
    """Returns ``run(steps)`` with model and loss through torch.compile.

    The optimiser's step stays eager: with it compiled, or the whole step, runs were not
    faster (3.3 s an epoch at batch 64 against 3.7 and 3.5) and compilation took longer.

    Raises:
        NotHereError: There is no C++ compiler, which torch.compile needs on a CPU.
    """
    compilers = [os.environ.get("CXX", ""), "g++", "clang++", "c++"]
    if not any(shutil.which(name) for name in compilers if name):
        raise NotHereError("torch.compile needs a C++ compiler, such as g++")
    x, y = _tensors(problem)
    return _run(problem, lambda: _batches(problem, x, y), through_compile=True)


class _Images:
    """A map-style data set that does with a row what torchvision does.

    Its FashionMNIST makes a PIL image of the row; its ToTensor makes an array of that,
    a tensor of the array, puts the channels first and divides.
    """

    def __init__(self, problem: Problem, *, through_pil: bool):
        import torch

        self.images = torch.from_numpy(problem.x)
        self.labels = torch.from_numpy(problem.y)
        self.through_pil = through_pil

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        import torch

        image = self.images[index]
        if self.through_pil:
            from PIL import Image

            picture = Image.fromarray(image.numpy())
            image = torch.from_numpy(np.array(picture, np.uint8, copy=True))
        channels_first = image.unsqueeze(-1).permute(2, 0, 1).contiguous()
        return channels_first.to(torch.float32).div(255), int(self.labels[index])


def _tensors(problem: Problem) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    x, y = torch.from_numpy(problem.x), torch.from_numpy(problem.y)
    if x.dtype == torch.uint8:
        x = x.unsqueeze(1).to(torch.float32).div(255)
    return x, y


def _batches(problem: Problem, x: torch.Tensor, y: torch.Tensor) -> Batches:
    from torch.utils.data import TensorDataset

    recipe = problem.recipe
    if recipe.batch_size is None:
        return ((x, y) for _ in range(recipe.steps or 1))
    return _loader(problem, TensorDataset(x, y), 0)


def _loader(problem: Problem, dataset: Any, num_workers: int) -> Batches:
    from torch.utils.data import DataLoader

    size = problem.recipe.batch_size
    return DataLoader(dataset, size, shuffle=True, num_workers=num_workers)


def _perceptron(widths: tuple[int, ...], last: str) -> torch.nn.Sequential:
    from torch import nn

    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    endings = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU}
    return nn.Sequential(*layers[:-1], *([endings[last]()] if last else []))


def _draw(recipe: Recipe) -> torch.nn.Sequential:
    import torch

    torch.manual_seed(recipe.seed)
    if recipe.drawn_before:
        _perceptron(recipe.drawn_before, "")
    return _perceptron(recipe.widths, recipe.last)


def _run(
    problem: Problem, batches: Callable[[], Batches], *, through_compile: bool = False
) -> Run:
    """The loop over batches, from the same weights each time."""
    import torch
    from torch import nn

    recipe = problem.recipe
    model = _draw(recipe)
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    drawn = torch.get_rng_state()
    starts = [weights, *(_named(weights, start) for start in problem.starts[1:])]
    losses = {"cross_entropy": nn.CrossEntropyLoss, "binary_cross_entropy": nn.BCELoss}
    criterion = losses[recipe.loss]()
    optimizers = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
    optimizer = optimizers[recipe.optimizer](model.parameters(), lr=recipe.lr)
    fresh = optimizer.state_dict()

    def objective(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return criterion(model(x), y)

    if through_compile:
        objective = torch.compile(objective)

    def one(start: dict[str, torch.Tensor], steps: int) -> list[float]:
        model.load_state_dict(start)
        optimizer.load_state_dict(fresh)
        torch.set_rng_state(drawn)
        values = []
        while True:
            for x, y in batches():
                loss = objective(x, y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                values.append(loss.item())
                if len(values) == steps:
                    return values

    def run(steps: int) -> np.ndarray:
        return np.concatenate([one(start, steps) for start in starts], dtype=np.float32)

    return run


def _named(
    like: dict[str, torch.Tensor], arrays: tuple[np.ndarray, ...]
) -> dict[str, torch.Tensor]:
    import torch

    return {
        name: torch.from_numpy(array.copy())
        for name, array in zip(like, arrays, strict=True)
    }
