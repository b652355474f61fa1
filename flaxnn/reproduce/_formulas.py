# SPDX-License-Identifier: Apache-2.0
"""Documents 000 and 001: the formulas, from scratch and as the library has them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import jax
import numpy as np

from flaxnn import functional as F
from flaxnn.data import documents
from flaxnn.functional import from_scratch
from flaxnn.reproduce._entry import Settings, document
from flaxnn.reproduce._figure import Figure, exact, printed, proof


def softmax(settings: Settings) -> Iterator[Figure]:
    """Document 000: stable softmax, ``F.softmax`` without ``dim``, sigmoid."""
    del settings
    figures = document("000")
    _, large = documents.softmax_inputs()
    stable = figures["stable_softmax"]["output"]
    yield from printed("stable_softmax", stable, from_scratch.stable_softmax(large))
    logits = large.astype(np.float32)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        implicit = F.softmax(logits)
    yield from printed("F.softmax", figures["torch_softmax"], implicit)
    wording = "Implicit dimension choice for softmax has been deprecated"
    said = [w.category.__name__ for w in caught if wording in str(w.message)]
    yield exact("F.softmax", "warning", "UserWarning", ", ".join(said))
    yield from printed("sigmoid", figures["torch_sigmoid"], F.sigmoid(logits))


def activations(settings: Settings) -> Iterator[Figure]:
    """Document 001: naive softmax and its overflow, and every formula it defines."""
    del settings
    figures = document("001")
    small, large = documents.softmax_inputs()
    naive = from_scratch.softmax(small)
    stable = from_scratch.stable_softmax(large)
    yield from printed("softmax", figures["naive_softmax"]["output"], naive)
    yield from printed("stable_softmax", figures["stable_softmax"]["output"], stable)
    # Python's sum, as the document adds them up.
    sums = figures["sums"]
    yield exact(
        "sums", "softmax", sums["softmax([10,11,12])"], float(sum(np.asarray(naive)))
    )
    expected = sums["stable_softmax([1000,1001,1002])"]
    yield exact("sums", "stable_softmax", expected, float(sum(np.asarray(stable))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        overflow = from_scratch.softmax(large)
        yield exact("overflow", "np.exp(1000)", "inf", float(np.exp(1000)))
    nan = [figures["naive_softmax"]["overflow_output"]] * 3
    yield from printed("overflow", nan, overflow, names=["0", "1", "2"])
    logits = large.astype(np.float32)
    yield from printed("F.softmax", figures["torch_softmax"], F.softmax(logits, dim=0))
    yield from printed("F.sigmoid", figures["torch_sigmoid"], F.sigmoid(logits))
    yield from _against_scratch()


def _against_scratch() -> Iterator[Figure]:
    """The library's functions against the document's formulas, both in float64."""
    grid = np.linspace(-8, 8, 1601)
    logits, target = np.array([0.5, -1.0, 2.0]), 2
    one_hot = np.eye(len(logits))[target]
    with jax.enable_x64(True):
        for name in ("sigmoid", "relu", "leaky_relu", "tanh", "elu", "binary_step"):
            formula, ours = getattr(from_scratch, name), getattr(F, name)
            yield proof("from scratch", name, formula(grid), ours(grid))
        probabilities = from_scratch.stable_softmax(logits)
        expected = from_scratch.cross_entropy(probabilities, one_hot)
        ours = F.cross_entropy(logits, np.array(target))
        yield proof("from scratch", "cross_entropy", expected, ours)
