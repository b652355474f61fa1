"""The run as a user of flaxnn writes it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

import flaxnn
from flaxnn import nn, optim
from flaxnn.bench._problem import Problem
from flaxnn.bench._recipe import Recipe
from flaxnn.data import DataLoader
from flaxnn.random import Generator

_LOSSES = {
    "cross_entropy": nn.CrossEntropyLoss,
    "binary_cross_entropy": nn.BCELoss,
}
_OPTIMIZERS = {"sgd": optim.sgd, "adam": optim.adam}
_LAST = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU}


def draw(recipe: Recipe, generator: Generator) -> nn.Sequential:
    """The recipe's model, with the weights that come next from the generator."""
    if recipe.drawn_before:
        _perceptron(recipe.drawn_before, "", generator)
    return _perceptron(recipe.widths, recipe.last, generator)


def _perceptron(
    widths: tuple[int, ...], last: str, generator: Generator
) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs, rngs=generator), nn.ReLU()]
    return nn.Sequential(*layers[:-1], *([_LAST[last]()] if last else []))


def fit(problem: Problem) -> Callable[[int], np.ndarray]:
    """Returns ``run(steps)`` over `flaxnn.fit`."""
    recipe = problem.recipe
    generator = Generator(recipe.seed)
    model = draw(recipe, generator)
    drawn = generator.get_state()
    arrays = (problem.x, problem.y)

    def run(steps: int) -> np.ndarray:
        generator.set_state(drawn)
        data = (
            arrays
            if recipe.batch_size is None
            else DataLoader(arrays, recipe.batch_size, shuffle=True, rngs=generator)
        )
        return flaxnn.fit(
            model,
            data,
            loss=_LOSSES[recipe.loss](),
            optimizer=_OPTIMIZERS[recipe.optimizer](lr=recipe.lr),
            steps=steps,
        ).history["loss"]

    return run
