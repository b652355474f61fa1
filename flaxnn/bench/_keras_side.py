# SPDX-License-Identifier: Apache-2.0
"""The run as a user of Keras 3 writes it, on JAX: a Sequential, compile and fit.

`Model.fit` gives the average loss of each epoch. Where every step takes all rows, a run
is one epoch over a data set that gives them again and again: an epoch for each step, or
`train_on_batch`, takes six times as long.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from flaxnn.bench._problem import Problem, pairs
from flaxnn.bench._recipe import Recipe
from flaxnn.bench._side import NotHereError


def fit(problem: Problem) -> Callable[[int], np.ndarray]:
    """Returns ``run(steps)`` over `keras.Model.fit`.

    Raises:
        NotHereError: Keras does not run on JAX.
    """
    import keras

    if keras.config.backend() != "jax":
        raise NotHereError(
            f"Keras runs on {keras.config.backend()}; set KERAS_BACKEND=jax, which is "
            f"{os.environ.get('KERAS_BACKEND', 'not set')}"
        )
    recipe = problem.recipe
    x, y = problem.floats(), problem.y
    model = _model(recipe)
    optimizer: Any = model.optimizer
    optimizer.build(model.trainable_variables)
    fresh = [np.array(variable) for variable in optimizer.variables]

    class Again(keras.utils.PyDataset):
        """The same batch, so many times."""

        def __init__(self, steps: int):
            super().__init__()
            self.steps = steps

        def __len__(self) -> int:
            return self.steps

        def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
            return x, y

    def start(weights: tuple[np.ndarray, ...]) -> None:
        model.set_weights([a for w, b in pairs(weights) for a in (w.T, b)])
        for variable, value in zip(optimizer.variables, fresh, strict=True):
            variable.assign(value)

    def epochs(steps: int) -> list[float]:
        how: dict[str, Any] = {"shuffle": False, "verbose": 0}
        if recipe.batch_size is None:
            return model.fit(Again(steps), **how).history["loss"]
        how["batch_size"] = recipe.batch_size
        return [
            model.fit(x[rows], y[rows], **how).history["loss"][0]
            for rows in problem.passes(steps)
        ]

    def run(steps: int) -> np.ndarray:
        losses = []
        for weights in problem.starts:
            start(weights)
            losses += epochs(steps)
        return np.array(losses, np.float32)

    return run


def _model(recipe: Recipe) -> Any:
    import keras

    *hidden, last = recipe.widths[1:]
    model = keras.Sequential(
        [
            keras.Input((recipe.widths[0],)),
            *(keras.layers.Dense(width, activation="relu") for width in hidden),
            keras.layers.Dense(last, activation=recipe.last or None),
        ]
    )
    losses = {
        "cross_entropy": lambda: keras.losses.SparseCategoricalCrossentropy(
            from_logits=True
        ),
        "binary_cross_entropy": keras.losses.BinaryCrossentropy,
    }
    optimizers = {
        "sgd": keras.optimizers.SGD,
        # Keras's own default is 1e-7.
        "adam": lambda lr: keras.optimizers.Adam(lr, epsilon=1e-8),
    }
    # Its signature says "auto" and its documentation, a bool.
    how: dict[str, Any] = {"jit_compile": True}
    model.compile(
        optimizer=optimizers[recipe.optimizer](recipe.lr),
        loss=losses[recipe.loss](),
        **how,
    )
    return model
