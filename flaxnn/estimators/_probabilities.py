# SPDX-License-Identifier: Apache-2.0
"""From a network's outputs to probabilities, scores and labels."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import special

# What makes probabilities of outputs.
Link = Literal["softmax", "exp", "sigmoid", "identity"]
LINKS = ("softmax", "exp", "sigmoid", "identity")


def probabilities(outputs: np.ndarray, link: Link) -> np.ndarray:
    """Returns the probability of each class.

    Args:
        outputs: ``(N, K)``; ``(N,)`` or ``(N, 1)`` for the second of two classes.
        link: What makes probabilities of outputs.

    Returns:
        ``(N, K)`` in the dtype of the outputs, two columns for a single output.
    """
    outputs = _matrix(outputs)
    if link == "softmax":
        found = special.softmax(outputs, axis=1)
    elif link == "exp":
        found = np.exp(outputs)
    else:
        found = special.expit(outputs) if link == "sigmoid" else outputs
    return np.hstack([1 - found, found]) if found.shape[1] == 1 else found


def log_probabilities(outputs: np.ndarray, link: Link) -> np.ndarray:
    """Returns the logarithms of `probabilities`, without a detour where there is a way.

    Args:
        outputs: As there.
        link: As there.
    """
    outputs = _matrix(outputs)
    if link == "softmax":
        return special.log_softmax(outputs, axis=1)
    if link == "exp":
        return outputs
    if link == "sigmoid":
        log = special.log_expit(outputs)
        single = outputs.shape[1] == 1
        return np.hstack([special.log_expit(-outputs), log]) if single else log
    with np.errstate(divide="ignore"):
        return np.log(probabilities(outputs, link))


def codes_of(outputs: np.ndarray, link: Link) -> np.ndarray:
    """Returns the code of the most probable class, the first of equal ones.

    Args:
        outputs: As for `probabilities`.
        link: As there.

    Returns:
        ``(N,)`` int64.
    """
    outputs = _matrix(outputs)
    if outputs.shape[1] > 1:
        return outputs.argmax(axis=1)
    return (outputs[:, 0] > threshold(link)).astype(np.int64)


def decisions(outputs: np.ndarray, link: Link) -> np.ndarray:
    """Returns the confidence in each class, the outputs themselves.

    Args:
        outputs: As for `probabilities`.
        link: As there.

    Returns:
        ``(N, K)``; for two classes ``(N,)``, above 0 for the second.
    """
    outputs = _matrix(outputs)
    if outputs.shape[1] == 2:
        return outputs[:, 1] - outputs[:, 0]
    return outputs if outputs.shape[1] > 2 else outputs[:, 0] - threshold(link)


def threshold(link: Link) -> float:
    """Returns the output from where on the second of two classes is more probable.

    Args:
        link: As for `probabilities`.
    """
    return 0.5 if link == "identity" else 0.0


def _matrix(outputs: np.ndarray) -> np.ndarray:
    return outputs.reshape(len(outputs), -1)
