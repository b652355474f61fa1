# SPDX-License-Identifier: Apache-2.0
"""What names stand for: losses, optimisers, schedules, models, metrics."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from inspect import isfunction
from typing import Any

from flaxnn.runs._nearest import did_you_mean, find, squeezed
from flaxnn.runs._options import (
    as_arguments,
    call_faults,
    option_faults,
    parameters,
)

# Losses of (output, target), by what a target is: a class, 0 or 1, or numbers.
CLASS_LOSSES = ("CrossEntropyLoss", "MultiMarginLoss", "NLLLoss")
BINARY_LOSSES = ("BCELoss", "BCEWithLogitsLoss")
VALUE_LOSSES = (
    "HingeEmbeddingLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "MSELoss",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "PoissonNLLLoss",
    "SmoothL1Loss",
    "SoftMarginLoss",
)
LOSSES = (*CLASS_LOSSES, *BINARY_LOSSES, *VALUE_LOSSES)
# Functions of torch.nn.functional whose names are not their classes'.
_FUNCTIONS = {
    "binary_cross_entropy": "BCELoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
}
# A weight for each class, and other arguments that are tensors.
_TENSORS = ("weight", "pos_weight")
# Schedules whose arguments are functions, which no file can hold.
_OF_FUNCTIONS = ("lambda_lr", "multiplicative_lr")
_OF_SCHEDULES = ("sequential_lr", "chained_scheduler")
# Those that PyTorch means to be stepped after each update.
_PER_STEP = ("one_cycle_lr", "cyclic_lr")
# Arguments of a model that can only be one thing, known from the data.
INFERRED = ("in_features", "in_channels", "num_classes")


# Metrics by name, beside top_1_accuracy, top_2_accuracy, …
METRICS = (
    "accuracy",
    "precision",
    "recall",
    "f1",
    "auroc",
    "binned_auroc",
    "calibration_error",
    "confusion_matrix",
)


def find_loss(name: str) -> str | None:
    """The class of a loss, also by its function's name."""
    plain = _FUNCTIONS.get(name, name)
    short = {squeezed(each).removesuffix("loss"): each for each in LOSSES}
    return short.get(squeezed(plain).removesuffix("loss"))


@cache
def optimizers() -> tuple[str, ...]:
    """The names of optimisers: what of `flaxnn.optim` begins with a learning rate."""
    from flaxnn import optim

    found = ((name, getattr(optim, name)) for name in optim.__all__)
    return tuple(n for n, f in found if isfunction(f) and "lr" in parameters(f))


@cache
def schedules() -> tuple[str, ...]:
    """The names of schedules that a configuration can hold."""
    from flaxnn.optim import lr_scheduler

    return tuple(
        name
        for name in lr_scheduler.__all__
        if isfunction(getattr(lr_scheduler, name)) and name not in _OF_FUNCTIONS
    )


def canonical(table: str, name: str) -> str | None:
    """The name that we have for what a table names, None where there is none."""
    if table == "loss":
        return find_loss(name)
    return find(name, names_of(table))


def names_of(table: str) -> tuple[str, ...]:
    """The names that a table may have."""
    if table == "model":
        from flaxnn import models

        return tuple(models.__all__)
    return {"loss": lambda: LOSSES, "optimizer": optimizers, "schedule": schedules}[
        table
    ]()


def factory(table: str, name: str) -> Callable[..., Any]:
    """What makes a loss, an optimiser or a schedule from its options."""
    if table == "loss":
        return partial(_loss, name)
    if table == "schedule" and name in _OF_SCHEDULES:
        return partial(_of_schedules, name)
    from flaxnn import optim

    return getattr(optim if table == "optimizer" else optim.lr_scheduler, name)


def signature_of(table: str, name: str) -> Callable[..., Any]:
    """What has the arguments of `factory`'s."""
    from flaxnn import models, nn, optim

    homes = {"loss": nn, "optimizer": optim, "schedule": optim.lr_scheduler}
    return getattr({**homes, "model": models}[table], name)


def table_faults(table: str, name: str, options: Mapping[str, Any]) -> list[str]:
    """What is wrong with a table that names something of ours."""
    if (known := canonical(table, name)) is None:
        return [f"{table}.name: there is no {name!r}; {_unknown(table, name)}"]
    if table == "schedule" and known in _OF_SCHEDULES:
        faults = _nested_faults(options)
        faults += option_faults(table, known, signature_of(table, known), options)
    else:
        later = {"model": INFERRED, "schedule": ("total_steps",)}.get(table, ())
        faults = option_faults(
            table, known, signature_of(table, known), options, inferred=later
        )
    if faults or table == "model":
        return faults
    if known == "one_cycle_lr" and not one_cycle_length(options):
        options = {**options, "total_steps": 2}
    return call_faults(table, factory(table, known), options)


def one_cycle_length(options: Mapping[str, Any]) -> bool:
    """Whether the options of `one_cycle_lr` say how long the cycle is."""
    return bool({"total_steps", "epochs", "steps_per_epoch"} & options.keys())


def default_every(schedule: str) -> str:
    """After what a schedule is stepped, unless something else is said."""
    return "step" if schedule in _PER_STEP else "epoch"


def find_metric(name: str, classes: int | None, *, logits: bool) -> Any:
    """A metric by name.

    Args:
        name: Such as "accuracy", "f1" or "top_5_accuracy".
        classes: How many classes there are, None for one score for each sample.
        logits: Whether the model's outputs are logits, not probabilities.

    Raises:
        ValueError: There is none of this name, or it needs classes.
    """
    from flaxnn import metrics

    average: Any = "binary" if classes is None else "macro"
    # One score predicts class 1 from here on.
    edge: Any = {"threshold": 0.0 if logits else 0.5}
    many: Any = {"num_classes": classes}
    made: dict[str, Callable[[], Any]] = {
        "accuracy": lambda: metrics.Accuracy(**edge),
        "precision": lambda: metrics.Precision(average=average, **many, **edge),
        "recall": lambda: metrics.Recall(average=average, **many, **edge),
        "f1": lambda: metrics.F1(average=average, **many, **edge),
        "auroc": lambda: metrics.AUROC(from_logits=logits, **many),
        "binned_auroc": lambda: metrics.BinnedAUROC(from_logits=logits, **many),
        "calibration_error": lambda: metrics.CalibrationError(
            from_logits=logits, **many
        ),
        "confusion_matrix": lambda: metrics.ConfusionMatrix(**many, **edge),
    }
    if match := re.fullmatch(r"top_?(\d+)(_accuracy)?", name):
        k = int(match[1])
        if classes is None or not 1 <= k <= classes:
            raise ValueError(f"{name} needs {k} classes at least, got {classes or 1}")
        return metrics.TopKAccuracy(k)
    if (known := find(name, METRICS)) is None:
        listed = did_you_mean(name, [*METRICS, "top_5_accuracy"])
        raise ValueError(f"there is no {name!r}; {listed}")
    return made[known]()


def metric_faults(names: list[str]) -> list[str]:
    """What is wrong with names of metrics."""
    faults = []
    for name in names:
        try:
            find_metric(name, 1 << 30, logits=True)
        except ValueError as error:
            faults.append(f"metrics: {error}")
    return faults


def _unknown(table: str, name: str) -> str:
    if table == "schedule" and find(name, _OF_FUNCTIONS):
        return "its argument is a function, which only Python can give"
    return did_you_mean(name, names_of(table))


def _nested_faults(options: Mapping[str, Any]) -> list[str]:
    """What is wrong with the schedules that a schedule is made of."""
    parts = options.get("schedulers", [])
    whole = isinstance(parts, list | tuple) and all(
        isinstance(part, Mapping) and isinstance(part.get("name"), str)
        for part in parts
    )
    if not whole:
        example = '{ name = "linear_lr", total_iters = 5 }'
        return [
            f"schedule.schedulers: expected a list of tables like {example}, got "
            + repr(parts)
        ]
    faults = []
    for index, part in enumerate(parts):
        inner = {key: value for key, value in part.items() if key != "name"}
        faults += [
            fault.replace("schedule", f"schedule.schedulers[{index}]", 1)
            for fault in table_faults("schedule", part["name"], inner)
        ]
    return faults


def _of_schedules(
    name: str, *, schedulers: tuple[Mapping[str, Any], ...], **options: Any
) -> Any:
    """A schedule of schedules, which are tables of their own."""
    from flaxnn.optim import lr_scheduler

    parts = []
    for table in schedulers:
        inner = {key: value for key, value in table.items() if key != "name"}
        known = canonical("schedule", table["name"])
        assert known is not None
        parts.append(factory("schedule", known)(**as_arguments(inner)))
    return getattr(lr_scheduler, name)(parts, **options)


def _loss(name: str, **options: Any) -> Any:
    """A loss, whose tensors a configuration has as lists."""
    import numpy as np

    from flaxnn import nn

    tensors = {
        key: np.asarray(value, np.float32) if key in _TENSORS else value
        for key, value in options.items()
    }
    return getattr(nn, name)(**tensors)
