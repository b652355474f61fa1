"""Recorded PyTorch runs, and what it takes to be as near to them as PyTorch is."""

from __future__ import annotations

from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import ArrayLike
from safetensors.numpy import load

from flaxnn.reproduce._figure import Figure, series_within, within

Golden = dict[str, np.ndarray]


@cache
def golden(name: str) -> Golden:
    """A recorded PyTorch run, from the package's own data."""
    folder = resources.files("flaxnn.reproduce").joinpath("goldens")
    return load(folder.joinpath(f"{name}.safetensors").read_bytes())


def losses_within_floor(group: str, reference: Golden, losses: np.ndarray) -> Figure:
    """The losses of a run against the recorded ones, by T2.

    At every step the largest distance so far must be at most four times the noise
    floor, which is at least one unit in the last place of the loss: a float32 loss
    can be no nearer without being equal.
    """
    recorded = reference["losses"]
    last_digit = np.maximum.accumulate(np.spacing(np.abs(recorded)))
    return series_within(
        group,
        f"{len(recorded):,} steps",
        recorded,
        losses,
        tolerances=4 * np.maximum(reference["noise_floor"], last_digit),
        grade="T2",
        running=True,
    )


def result_within_floor(
    group: str, name: str, reference: Golden, value: ArrayLike
) -> Figure:
    """A result of a run against the recorded one of that name, by T2."""
    recorded = reference[name]
    last_digit = np.spacing(np.abs(recorded).max())
    floor = max(reference[f"{name}.noise_floor"].item(), last_digit.item())
    return within(group, name, recorded, value, tolerance=4 * floor, grade="T2")
