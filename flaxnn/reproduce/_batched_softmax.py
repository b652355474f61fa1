# SPDX-License-Identifier: Apache-2.0
"""Document 003: probabilities from logits, alone and in a batch."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import jax
import numpy as np

from flaxnn import functional as F
from flaxnn import report
from flaxnn.functional import from_scratch
from flaxnn.random import Generator
from flaxnn.reproduce._entry import Settings
from flaxnn.reproduce._figure import Figure, proof
from flaxnn.reproduce._plot import Plot

BATCH_SIZE, CLASSES = 4, 7
# The logits lie between 0 and 1: at 1 their softmax is nearly even.
TEMPERATURES = (0.05, 0.2, 1.0)


def figures(settings: Settings) -> Iterator[Figure | Plot]:
    """The document's checks: rows sum to one, formula and library agree."""
    del settings
    # The document draws without a seed; any will do for what it shows.
    generator = Generator(0)
    vector = generator.rand(10)
    batch = generator.rand(BATCH_SIZE, CLASSES)
    for name, logits, formula, dim in (
        ("rand(10)", vector, from_scratch.softmax, 0),
        ("rand(4, 7)", batch, from_scratch.softmax_rows, 1),
    ):
        logits = logits.astype(np.float64)
        probabilities = np.asarray(formula(logits))
        with jax.enable_x64(True):
            ours = np.asarray(F.softmax(logits, dim=dim))
        sums = ours.sum(axis=-1)
        yield proof("sums to one", name, np.ones(logits.shape[:-1]), sums)
        yield proof("F.softmax", name, probabilities, ours)
    draw = partial(
        report.plot_softmax,
        vector,
        TEMPERATURES,
        title="Document 003: softmax of rand(10) at three temperatures",
    )
    yield Plot("batched-softmax-temperatures", draw)
