# SPDX-License-Identifier: Apache-2.0
"""Sides that need nothing but NumPy, for workers of the tests."""

import sys

import numpy as np

from flaxnn.bench import NotHereError


def descent(problem, lr_factor=1.0, last_step_off=0.0):
    """Gradient descent on a logistic regression, in float64."""
    x, y = problem.x.astype(np.float64), problem.y
    weight, bias = (w.astype(np.float64) for w in problem.weights)
    lr = problem.recipe.lr * lr_factor

    def run(steps):
        w, b, losses = weight.copy(), bias.copy(), []
        for _ in range(steps):
            p = 1 / (1 + np.exp(-(x @ w.T + b)))
            losses.append(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))
            g = (p - y) / len(x)
            w, b = w - lr * (g.T @ x), b - lr * g.sum(axis=0)
        losses[-1] += last_step_off
        print("words that a library prints")
        return np.array(losses, np.float32)

    return run


def averaged(problem, lr_factor=1.0):
    """The average loss of all steps, as sides have it that give no more."""
    run = descent(problem, lr_factor)
    return lambda steps: np.array([np.mean(run(steps), dtype=np.float64)], np.float32)


def one_loss_short(problem):
    run = descent(problem)
    return lambda steps: run(steps)[1:]


def nan(problem):
    return lambda steps: np.full(steps, np.nan, np.float32)


def absent(problem):
    raise NotHereError("a thing is not here")


def crashing(problem):
    def run(steps):
        print("last words", file=sys.stderr)
        raise ZeroDivisionError("planted")

    return run


def nothing(problem):
    return lambda steps: np.zeros(steps, np.float32)
