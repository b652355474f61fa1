# SPDX-License-Identifier: Apache-2.0
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
from flaxnn.training import fit_many

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


def seeds(recipe: Recipe) -> range:
    """The seed of each run."""
    return range(recipe.seed, recipe.seed + recipe.runs)


def fit(problem: Problem) -> Callable[[int], np.ndarray]:
    """Returns ``run(steps)`` over `flaxnn.fit`, or `flaxnn.fit_many` for many runs."""
    recipe = problem.recipe
    if recipe.runs > 1:
        return _fit_many(problem)
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


def _fit_many(problem: Problem) -> Callable[[int], np.ndarray]:
    recipe = problem.recipe
    models = [draw(recipe, Generator(seed)) for seed in seeds(recipe)]

    def run(steps: int) -> np.ndarray:
        runs = fit_many(
            models,
            (problem.x, problem.y),
            loss=_LOSSES[recipe.loss](),
            optimizer=_OPTIMIZERS[recipe.optimizer](lr=recipe.lr),
            steps=steps,
        )
        return np.concatenate([one.history["loss"] for one in runs])

    return run
