"""Document 003: probabilities from logits, alone and in a batch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flaxnn import functional as F
from flaxnn.functional import from_scratch
from flaxnn.random import Generator
from flaxnn.reproduce._entry import Settings
from flaxnn.reproduce._figure import Figure, within

BATCH_SIZE, CLASSES = 4, 7


def figures(settings: Settings) -> Iterator[Figure]:
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
        probabilities = formula(logits)
        ones = np.ones(logits.shape[:-1])
        sums = probabilities.sum(axis=-1)
        yield within("sums to one", name, ones, sums, tolerance=1e-6, grade="T2")
        ours = F.softmax(logits, dim=dim)
        yield within(
            "F.softmax", name, probabilities, ours, tolerance=2.0**-23, grade="T2"
        )
