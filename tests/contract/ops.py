"""The table of ops: a function of `flaxnn.functional` is tested by being in it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.contract.case import Case, Op, labels, spread

KINK = np.array([-2.0, -0.5, -0.0, 0.0, 0.5, 2.0])
PROBABILITIES = np.array([0.0, 1e-30, 1e-6, 0.3, 0.5, 0.999, 1.0])
WEIGHT3 = np.array([0.5, 2.0, 1.25])
ALL_IGNORED = np.full(7, -100)
SOME_IGNORED = np.where(np.arange(7) % 3 == 0, -100, labels(7, classes=3))


def elementwise() -> tuple[Case, ...]:
    """The shapes every activation is tried with."""
    return (
        Case("kink", (KINK,)),
        Case("matrix", (spread(7, 3),)),
        Case("wide", (spread(31, low=-30.0, high=30.0),)),
        Case("scalar", (spread(),)),
        Case("single", (spread(1, 1),)),
        Case("empty", (spread(0, 3),)),
    )


def along_dim() -> tuple[Case, ...]:
    """The shapes and dimensions softmax and its logarithm are tried with."""
    return (
        Case("rows", (spread(4, 3), 1)),
        Case("columns", (spread(4, 3), 0)),
        Case("last", (spread(2, 5, 3), -1)),
        Case("middle", (spread(2, 5, 3), 1)),
        Case("large", (spread(3, 7, low=990.0, high=1010.0), 1)),
        Case("scalar", (spread(), 0)),
        Case("single", (spread(3, 1), 1)),
        Case("empty", (spread(0, 3), 1)),
        Case("no-classes", (spread(3, 0), 1)),
    )


def reductions(
    name: str, *args: np.ndarray, by: tuple[int, ...] = (0,), **kwargs: object
) -> tuple[Case, ...]:
    """A case for each reduction; the mean, being the default, is left unsaid."""
    return (
        Case(name, args, kwargs, by),
        Case(f"{name}-sum", args, {**kwargs, "reduction": "sum"}, by),
        Case(f"{name}-none", args, {**kwargs, "reduction": "none"}, by),
    )


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


def errors() -> tuple[Case, ...]:
    """What mse_loss and l1_loss are tried with; the two arguments meet somewhere."""
    x, t = np.append(spread(8), 1.0), np.append(spread(8, start=40), 1.0)
    x, t, both = x.reshape(3, 3), t.reshape(3, 3), (0, 1)
    return (
        *reductions("errors", x, t, by=both),
        *reductions("weight", x, t, by=both, weight=spread(3, 3, low=0.0)),
        Case("integers", (spread(4), labels(4, classes=3))),
        Case("scalar", (spread(), spread(start=3)), by=both),
        Case("empty", (spread(0, 3), spread(0, 3)), by=both),
    )


def binary() -> tuple[Case, ...]:
    """Binary cross entropy of probabilities, the clamps included."""
    p, t = spread(5, 3, low=0.0, high=1.0), spread(5, 3, low=0.0, high=1.0, start=30)
    hard = (np.arange(7) % 2).astype(float)
    weight = spread(3, low=0.5, high=2.0)
    return (
        *reductions("probabilities", p, t, by=(0, 1)),
        *reductions("weight", p, t, weight=weight),
        Case("clamped", (PROBABILITIES, hard), {"reduction": "none"}),
        Case("clamped-other", (PROBABILITIES, 1 - hard), {"reduction": "none"}),
        Case("scalar", (np.array(0.25), np.array(1.0)), {"weight": np.array(2.0)}),
        Case("empty", (spread(0, 3), spread(0, 3))),
    )


def binary_logits() -> tuple[Case, ...]:
    """Binary cross entropy of logits, far out on both sides included."""
    x, t = spread(5, 3), spread(5, 3, low=0.0, high=1.0, start=30)
    far = np.array([-200.0, -90.0, -20.0, -0.0, 0.0, 20.0, 90.0, 200.0])
    hard = (np.arange(8) % 2).astype(float)
    weights: dict[str, Any] = {
        "weight": spread(3, low=0.5, high=2.0),
        "pos_weight": WEIGHT3,
    }
    return (
        *reductions("logits", x, t, by=(0, 1)),
        *reductions("weights", x, t, by=(0, 1), **weights),
        Case("column-weight", (x, t), {"pos_weight": spread(5, 1, low=0.5)}),
        Case("far", (far, hard), {"reduction": "none"}),
        Case("far-other", (far, 1 - hard), {"pos_weight": np.array(2.0)}),
        Case("scalar", (np.array(0.25), np.array(1.0))),
        Case("empty", (spread(0, 3), spread(0, 3))),
    )


def products() -> tuple[Case, ...]:
    """What linear is tried with."""
    x, w, b, three = spread(5, 3), spread(2, 3, start=20), spread(2), (0, 1, 2)
    return (
        Case("bias", (x, w, b), by=three),
        Case("no-bias", (x, w), by=(0, 1)),
        Case("vector", (spread(3), w, b), by=three),
        Case("batches", (spread(2, 5, 3), w, b), by=three),
        Case("odd", (spread(7, 13), spread(11, 13, start=9), spread(11)), by=three),
        Case("vector-weight", (x, spread(3, start=20)), by=(0, 1)),
        Case("scalar-bias", (x, w, np.array(0.5)), by=three),
        Case("single", (spread(1, 1), spread(1, 1, start=9), spread(1)), by=three),
        Case("empty-batch", (spread(0, 3), w, b), by=three),
        Case("no-features", (spread(5, 0), spread(2, 0), b), by=three),
        Case("no-outputs", (x, spread(0, 3), spread(0)), by=three),
    )


def reshapes() -> tuple[Case, ...]:
    """What flatten is tried with."""
    return (
        Case("all", (spread(2, 3, 5),)),
        Case("batch", (spread(2, 3, 5), 1)),
        Case("inner", (spread(2, 3, 5, 1), 1, -2)),
        Case("none", (spread(2, 3), 1, 1)),
        Case("scalar", (spread(),)),
        Case("empty", (spread(2, 0, 5), 1)),
    )


NN = "torch.nn.functional"
OPS = (
    Op("sigmoid", f"{NN}.sigmoid", elementwise()),
    # The derivative 1 - y² cancels where y is near 1: 3.5e-7 was measured.
    Op("tanh", f"{NN}.tanh", elementwise(), atol=4e-7),
    Op("logsigmoid", f"{NN}.logsigmoid", elementwise()),
    Op("relu", f"{NN}.relu", elementwise()),
    Op(
        "leaky_relu",
        f"{NN}.leaky_relu",
        (*elementwise(), Case("slope", (KINK,), {"negative_slope": 0.2})),
    ),
    Op("elu", f"{NN}.elu", (*elementwise(), Case("alpha", (KINK,), {"alpha": 2.0}))),
    # The gradients are differences of numbers up to 1.5, and for the logarithm up to
    # the cotangents' sum, about 5: 1.0e-7 and 4.8e-7 were measured.
    Op("softmax", f"{NN}.softmax", along_dim(), atol=2e-7),
    Op("log_softmax", f"{NN}.log_softmax", along_dim(), atol=6e-7),
    # Sums of up to 13 products as large as 9, in another order: 3.8e-6 was measured.
    Op("linear", f"{NN}.linear", products(), atol=4e-6),
    Op("flatten", "torch.flatten", reshapes()),
    Op(
        "cross_entropy",
        f"{NN}.cross_entropy",
        (*indices(), *smoothed(), *probabilities()),
        # Gradients of probabilities are differences of numbers near 1: 1.8e-7 was
        # measured.
        atol=2e-7,
    ),
    Op("nll_loss", f"{NN}.nll_loss", likelihoods()),
    Op("binary_cross_entropy", f"{NN}.binary_cross_entropy", binary()),
    Op(
        "binary_cross_entropy_with_logits",
        f"{NN}.binary_cross_entropy_with_logits",
        binary_logits(),
    ),
    Op("mse_loss", f"{NN}.mse_loss", errors()),
    Op("l1_loss", f"{NN}.l1_loss", errors()),
)
CALLS = tuple((op, case) for op in OPS for case in op.cases)
CALL_IDS = tuple(f"{op.name}-{case.name}" for op, case in CALLS)
