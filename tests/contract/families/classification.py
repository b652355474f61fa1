# SPDX-License-Identifier: Apache-2.0
"""Losses of class indices and class probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.contract.bad import LONG, SCALAR, Bad, P, X, Y, longs, zeros
from tests.contract.case import NN, Case, Op, labels, reductions, spread
from tests.contract.layer import Layer, LayerCase

WEIGHT3 = np.array([0.5, 2.0, 1.25])
ALL_IGNORED = np.full(7, -100)
SOME_IGNORED = np.where(np.arange(7) % 3 == 0, -100, labels(7, classes=3))


def indices() -> tuple[Case, ...]:
    """Class indices, as cross_entropy takes them."""
    logits, target = spread(7, 3), labels(7, classes=3)
    return (
        *likelihoods(),
        *reductions("ignored", logits, SOME_IGNORED, weight=WEIGHT3),
        Case("all-ignored-sum", (logits, ALL_IGNORED), {"reduction": "sum"}),
        Case("ignored-class", (logits, target), {"ignore_index": 1}),
        Case("all-of-ignored-class", (logits, np.ones(7, int)), {"ignore_index": 1}),
        Case("images", (spread(2, 3, 1, 2), labels(2, 1, 2, classes=3))),
        Case("volumes", (spread(1, 3, 2, 1, 2), labels(1, 2, 1, 2, classes=3))),
        Case("byte", (logits, target.astype(np.uint8)), {"ignore_index": 255}),
        Case("one-class", (spread(3, 1), np.zeros(3, np.int64))),
        Case("empty-sequence", (spread(2, 3, 0), labels(2, 0, classes=3))),
    )


def likelihoods() -> tuple[Case, ...]:
    """Class indices, as nll_loss takes them; the rest is cross_entropy's."""
    logits, target = spread(7, 3), labels(7, classes=3)
    return (
        *reductions("indices", logits, target),
        *reductions("weight", logits, target, weight=WEIGHT3),
        Case("some-ignored", (logits, SOME_IGNORED)),
        Case("all-ignored", (logits, ALL_IGNORED)),
        Case("vector", (spread(3), np.array(2)), {"weight": WEIGHT3}),
        # PyTorch's own backward fails on this shape of target.
        Case("vector-none", (spread(3), np.array([1])), {"reduction": "none"}, ()),
        Case("sequence", (spread(2, 3, 5), labels(2, 5, classes=3))),
        Case("empty", (spread(0, 3), labels(0, classes=3))),
    )


def smoothed() -> tuple[Case, ...]:
    """Label smoothing of class indices."""
    logits, target = spread(7, 3), labels(7, classes=3)
    eps: dict[str, Any] = {"label_smoothing": 0.1}
    return (
        *reductions("smoothed", logits, SOME_IGNORED, **eps),
        *reductions("smoothed-weight", logits, SOME_IGNORED, weight=WEIGHT3, **eps),
        Case("smoothed-all-ignored", (logits, ALL_IGNORED), eps),
        Case("smoothed-fully", (logits, target), {"label_smoothing": 1.0}),
        Case("smoothed-sequence", (spread(2, 3, 5), labels(2, 5, classes=3)), eps),
    )


def probabilities() -> tuple[Case, ...]:
    """Class probabilities, normalised or not, differentiated by too."""
    logits = spread(7, 3)
    target = spread(7, 3, low=0.0, high=1.0, start=50)
    both = (0, 1)
    weighted: dict[str, Any] = {"weight": WEIGHT3, "label_smoothing": 0.2}
    return (
        *reductions("probabilities", logits, target, by=both),
        *reductions("probabilities-weight", logits, target, by=both, **weighted),
        # Document 001 ends with criterion(outputs, outputs).
        Case("raw-outputs", (logits, logits), by=both),
        Case("vector-probabilities", (spread(3), spread(3, start=9)), by=both),
        Case(
            "images-probabilities",
            (spread(2, 3, 1, 2), spread(2, 3, 1, 2, low=0.0, start=9)),
            weighted,
            both,
        ),
        Case("no-probabilities", (spread(0, 3), spread(0, 3)), by=both),
        Case("no-classes", (spread(4, 0), spread(4, 0)), by=both),
    )


OPS = (
    Op(
        "cross_entropy",
        f"{NN}.cross_entropy",
        (*indices(), *smoothed(), *probabilities()),
        # Gradients of probabilities are differences of numbers near 1: 1.8e-7 was
        # measured.
        atol=2e-7,
    ),
    Op("nll_loss", f"{NN}.nll_loss", likelihoods()),
)

LAYERS = tuple(
    Layer(
        name,
        f"torch.nn.{name}",
        (
            LayerCase("mean", inputs=(spread(5, 3), labels(5, classes=3))),
            LayerCase(
                "sum",
                kwargs={"reduction": "sum", "ignore_index": 1},
                inputs=(spread(5, 3), labels(5, classes=3)),
            ),
        ),
        atol=2e-7,
    )
    for name in ("CrossEntropyLoss", "NLLLoss")
)


BAD = (
    *(
        bad
        for op in ("cross_entropy", "nll_loss")
        for bad in (
            Bad(
                op,
                (X, longs(0, 1, 2, 3)),
                IndexError,
                "Target 3 is out of bounds.",
            ),
            Bad(op, (X, longs(0, -1, 7, 3)), IndexError, "Target -1 is out of"),
            Bad(op, (X[0], np.array(7)), IndexError, "Target 7 is out of bounds."),
            Bad(
                op,
                (zeros(1, 3, 2), longs(0, 9)[None]),
                IndexError,
                "Target 9 is",
            ),
            Bad(op, (zeros(4, 0), Y), IndexError, "Target 1 is out of bounds."),
            Bad(op, (X, Y[:3]), ValueError, "input batch_size (4) to match target"),
            Bad(op, (X, np.array(1)), ValueError, "to match target batch_size (0)."),
            Bad(op, (X, Y[:, None]), RuntimeError, "multi-target not supported"),
            Bad(op, (X[0], Y[:2]), ValueError, "1D target must have size 1"),
            Bad(op, (zeros(4, 3, 2), Y), RuntimeError, "target size [4, 2], got [4]"),
            Bad(op, (X, Y.astype("int16")), RuntimeError, "or Byte, but got Short"),
            Bad(op, (X, zeros(4)), RuntimeError, "Long or Byte, but got Float"),
            Bad(op, (LONG, Y[:2]), NotImplementedError, "not implemented for 'Long'"),
            Bad(op, (X, Y), ValueError, "foo is not a valid", {"reduction": "foo"}),
            Bad(op, (X, Y, P[:2]), RuntimeError, "all 3 classes or no classes but got"),
            Bad(op, (X, Y, P.astype("float16")), RuntimeError, "Float but found Half"),
        )
    ),
    Bad("nll_loss", (SCALAR, np.array(1)), ValueError, "Expected 1 or more dimensions"),
    # Class probabilities.
    Bad("cross_entropy", (X, X.astype(int)), RuntimeError, "Expected floating point"),
    Bad("cross_entropy", (SCALAR, SCALAR), IndexError, "Dimension"),
    Bad("cross_entropy", (X, X, P[:2]), RuntimeError, "cross_entropy: weight tensor"),
    Bad("cross_entropy", (X, X), RuntimeError, "is not supported", {"ignore_index": 1}),
    Bad("cross_entropy", (X, Y), RuntimeError, "Got: 1.1", {"label_smoothing": 1.1}),
)
