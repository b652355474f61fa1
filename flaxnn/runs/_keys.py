# SPDX-License-Identifier: Apache-2.0
"""Every key of a configuration: what it may be, and what it is when left out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# Seeds as the Generator takes them, PyTorch's range.
_LEAST_SEED, _MOST_SEED = -(1 << 63), (1 << 64) - 1
# What stands for "one full batch at each step".
ALL = "all"


@dataclass(frozen=True)
class Kind:
    """What a value may be.

    Attributes:
        expected: In words.
        accepts: Whether a value is one.
    """

    expected: str
    accepts: Callable[[Any], bool]

    def __or__(self, other: Kind) -> Kind:
        return Kind(
            f"{self.expected} or {other.expected}",
            lambda value: self.accepts(value) or other.accepts(value),
        )


def integer(least: int, most: int | None = None) -> Kind:
    """Whole numbers of a range."""
    said = f"an integer of at least {least}"
    if most is not None:
        said = f"an integer from {least} to {most}"
    return Kind(said, lambda value: _is_integer(value) and _within(value, least, most))


def number(above: float, below: float | None = None) -> Kind:
    """Finite numbers of an open range."""
    said = f"a finite number above {above}"
    if below is not None:
        said = f"a number between {above} and {below}"
    return Kind(
        said,
        lambda value: (
            is_number(value) and value > above and (below is None or value < below)
        ),
    )


def at_least(least: float) -> Kind:
    """Finite numbers from one on."""
    return Kind(
        f"a number of at least {least}",
        lambda value: is_number(value) and value >= least,
    )


def one_of(*choices: Any) -> Kind:
    """Some values and no others."""
    listed = ", ".join(repr(choice) for choice in choices)
    said = f"one of {listed}" if len(choices) > 1 else listed
    # 1 == True in Python, and means something else here.
    kinds = [(type(choice), choice) for choice in choices]
    return Kind(said, lambda value: (type(value), value) in kinds)


def list_of(kind: Kind) -> Kind:
    """Lists of values of a kind."""
    return Kind(
        f"a list, each {kind.expected}",
        lambda value: (
            isinstance(value, list | tuple)
            and all(kind.accepts(each) for each in value)
        ),
    )


def is_number(value: Any) -> bool:
    """Whether a value is a finite number, which a boolean is not."""
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
    )


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _within(value: int, least: int, most: int | None) -> bool:
    return value >= least and (most is None or value <= most)


TEXT = Kind("a text", lambda value: isinstance(value, str) and bool(value))
BOOLEAN = Kind("true or false", lambda value: isinstance(value, bool))
COLUMN = TEXT | Kind("the number of a column", _is_integer)


@dataclass(frozen=True)
class Key:
    """A key of the configuration.

    Attributes:
        name: With its table's before a dot.
        kind: What its value may be.
        default: The value when it is left out; None where there is none.
        about: What it is, in a line.
    """

    name: str
    kind: Kind
    default: Any
    about: str


# The tables whose further keys are arguments of what `name` names.
OPEN = ("model", "loss", "optimizer", "schedule")

# What a value in place of a table means: the key that it is short for.
SHORT: dict[str, tuple[tuple[Kind, str], ...]] = {
    **{table: ((TEXT, f"{table}.name"),) for table in (*OPEN, "data")},
    "validation": (
        (TEXT, "validation.split"),
        (number(0, 1), "validation.fraction"),
    ),
    "early_stopping": ((integer(1), "early_stopping.patience"),),
}

KEYS = {
    key.name: key
    for key in (
        Key("seed", integer(_LEAST_SEED, _MOST_SEED), 0, "of the run's generator"),
        Key("epochs", integer(1), None, "passes over the data"),
        Key("steps", integer(1), None, "updates, in place of epochs"),
        Key("batch_size", integer(1) | one_of(ALL), 64, "rows of a batch, or 'all'"),
        Key("shuffle", BOOLEAN, True, "a new order for each epoch"),
        Key("drop_last", BOOLEAN, False, "leave out a short last batch"),
        Key("dtype", one_of("float32", "float64"), "float32", "of the parameters"),
        Key(
            "compute_dtype",
            one_of("bfloat16", "float16", "float32"),
            None,
            "of the forward and backward pass",
        ),
        Key("accumulate", integer(1), 1, "micro-batches to a batch"),
        Key("clip_norm", number(0), None, "largest norm of the gradient"),
        Key("clip_value", number(0), None, "largest entry of the gradient"),
        Key("remat", BOOLEAN, False, "compute activations twice to save memory"),
        Key("freeze", list_of(TEXT), None, "patterns of parameters not to train"),
        Key("nonfinite", one_of("raise", "continue"), "raise", "what a nan loss does"),
        Key("stream", BOOLEAN, None, "leave the data on the host"),
        Key("metrics", list_of(TEXT), None, "what the validation measures"),
        Key("model.name", TEXT, None, "of flaxnn.models, or FILE.py:CLASS"),
        Key("data.name", TEXT, None, "a data set's name, or a path"),
        Key("data.split", TEXT, "train", "which part to train on"),
        Key("data.target", COLUMN, None, "a table's column of labels"),
        Key("data.features", list_of(COLUMN), None, "a table's columns of features"),
        Key("data.class_names", list_of(TEXT), None, "names in the labels' order"),
        Key("data.header", BOOLEAN, True, "whether a table's first row has names"),
        Key("data.delimiter", TEXT, None, "what separates a table's cells"),
        Key("data.keys", list_of(TEXT), None, "an archive's arrays, the target last"),
        Key("data.labels", TEXT, None, "the file of the labels"),
        Key("data.dir", TEXT, None, "where data sets are looked for"),
        Key("data.flatten", BOOLEAN, False, "make a vector of each row"),
        Key("data.standardize", BOOLEAN, False, "features to mean 0, deviation 1"),
        Key("schedule.every", one_of("epoch", "step"), None, "when it is stepped"),
        Key("validation.split", TEXT, None, "a split, or 'none'"),
        Key("validation.fraction", number(0, 1), None, "of the rows, drawn"),
        Key("validation.data", TEXT, None, "a file like the data's"),
        Key("validation.random_state", integer(0), None, "scikit-learn's split"),
        Key("validation.every", integer(1), 1, "after how many epochs"),
        Key("validation.batch_size", integer(1), None, "rows at a time"),
        Key("early_stopping.patience", integer(1), None, "epochs without a gain"),
        Key("early_stopping.monitor", TEXT, None, "the metric; the loss"),
        Key("early_stopping.min_delta", at_least(0), None, "what counts as gain"),
        Key("early_stopping.mode", one_of("min", "max"), None, "which is better"),
        Key("checkpoints.every", integer(1) | one_of("epoch"), "epoch", "in steps"),
        Key("checkpoints.keep", integer(1), 3, "how many of the newest"),
        Key("checkpoints.best", TEXT, None, "the metric that chooses the best"),
        Key("checkpoints.mode", one_of("min", "max"), None, "which is better"),
        Key("checkpoints.keep_best", integer(1), 1, "how many of the best"),
        Key("loss.name", TEXT, None, "a loss of torch.nn"),
        Key("optimizer.name", TEXT, "sgd", "an optimiser of torch.optim"),
        Key("schedule.name", TEXT, None, "a schedule of torch.optim.lr_scheduler"),
    )
}

TABLES = tuple(dict.fromkeys(n.split(".")[0] for n in KEYS if "." in n))
