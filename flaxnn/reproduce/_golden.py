# SPDX-License-Identifier: Apache-2.0
"""Recorded PyTorch runs, and what it takes to be as near to them as PyTorch is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import ArrayLike
from safetensors.numpy import load

from flaxnn import nn
from flaxnn._criteria import FLOORS, at_least_a_digit
from flaxnn.reproduce._figure import Figure, exact, series_within, within

Golden = dict[str, np.ndarray]


@cache
def golden(name: str) -> Golden:
    """A recorded PyTorch run, from the package's own data."""
    folder = resources.files("flaxnn.reproduce").joinpath("goldens")
    return load(folder.joinpath(f"{name}.safetensors").read_bytes())


def noise_floor(reference: Golden) -> np.ndarray:
    """How far PyTorch's variants of a run are apart, up to each step.

    It is at least one unit in the last place of the loss: a float32 loss can be no
    nearer without being equal.
    """
    return at_least_a_digit(reference["noise_floor"], reference["losses"])


def losses_within_floor(group: str, reference: Golden, losses: np.ndarray) -> Figure:
    """The losses of a run against the recorded ones, by T2.

    At every step the largest distance so far must be at most four times the noise
    floor.
    """
    recorded = reference["losses"]
    return series_within(
        group,
        f"{len(recorded):,} steps",
        recorded,
        losses,
        tolerances=FLOORS * noise_floor(reference),
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
    return within(group, name, recorded, value, tolerance=FLOORS * floor, grade="T2")


def same_initial_values(group: str, reference: Golden, model: nn.Module) -> Figure:
    """All parameters of an untrained model against PyTorch's, by T0."""
    theirs = reference["initial_sha256"].tobytes().hex()
    values = (np.asarray(value) for value in model.state_dict().values())
    return exact(group, "SHA-256", theirs, _sha256(values))


def same_generator(group: str, reference: Golden, state: np.ndarray) -> Figure:
    """The generator's state after a run against PyTorch's, by T0.

    Every epoch has drawn the seed of its order from it.
    """
    theirs = _sha256([reference["generator_state"]])
    return exact(group, "generator", theirs, _sha256([state]))


def _sha256(arrays: Iterable[np.ndarray]) -> str:
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()
