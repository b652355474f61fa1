# SPDX-License-Identifier: Apache-2.0
"""The run as `sklearn.neural_network.MLPClassifier`, where that has the model.

It has perceptrons with ReLU between their layers and nothing but the softmax or the
sigmoid of the loss behind the last, and without a hidden layer the regressions. Each
fit gives the average loss of its epochs.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from flaxnn.bench._problem import Problem, pairs
from flaxnn.bench._side import NotHereError


def mlp(problem: Problem) -> Callable[[int], np.ndarray]:
    """Returns ``run(steps)`` over `MLPClassifier.fit` and `partial_fit`.

    Raises:
        NotHereError: MLPClassifier has no such model.
    """
    recipe = problem.recipe
    if recipe.last == "relu":
        raise NotHereError(
            "MLPClassifier has no ReLU after the last layer, which this model has"
        )
    x, y = problem.floats(), problem.y.reshape(-1).astype(np.int64)
    classes = np.arange(max(2, recipe.widths[-1]))
    nets = [_net(problem, x, y, classes, weights) for weights in problem.starts]
    # `fit` goes on from weights that are there only where it meets every class.
    whole = recipe.batch_size is None and len(np.unique(y)) == len(classes)

    def epochs(net: Any, steps: int) -> list[float]:
        net.loss_curve_ = []
        if whole:
            net.set_params(max_iter=steps)
            net.fit(x, y)
        elif recipe.batch_size is None:
            for _ in range(steps):
                net.partial_fit(x, y)
        else:
            for rows in problem.passes(steps):
                net.partial_fit(x[rows], y[rows])
            return net.loss_curve_
        return [float(np.mean(net.loss_curve_))]

    def run(steps: int) -> np.ndarray:
        losses = []
        with warnings.catch_warnings():
            # That so many steps are not enough to converge is known.
            warnings.simplefilter("ignore")
            for net in nets:
                losses += epochs(copy.deepcopy(net), steps)
        return np.array(losses, np.float32)

    return run


def _net(
    problem: Problem,
    x: np.ndarray,
    y: np.ndarray,
    classes: np.ndarray,
    weights: tuple[np.ndarray, ...],
) -> Any:
    """A classifier with these weights, of which no step has been done."""
    from sklearn.neural_network import MLPClassifier

    recipe = problem.recipe
    size = recipe.batch_size or len(x)
    options: dict[str, Any] = {
        "solver": recipe.optimizer,
        "alpha": 0.0,
        "batch_size": size,
        "learning_rate_init": recipe.lr,
        "shuffle": False,
        "momentum": 0.0,
        "nesterovs_momentum": False,
        "tol": 0.0,
        "n_iter_no_change": np.inf,
        "warm_start": True,
    }
    net: Any = MLPClassifier(recipe.widths[1:-1], **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net.partial_fit(x[:size], y[:size], classes=classes)
    # It draws its own weights at its first fit, and cannot be given others before.
    net.coefs_ = [w.T.copy() for w, _ in pairs(weights)]
    net.intercepts_ = [b.copy() for _, b in pairs(weights)]
    del net._optimizer
    return net
