# SPDX-License-Identifier: Apache-2.0
"""A configuration and what varies, made into a call of `flaxnn.sweep`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from flaxnn import sweeps
from flaxnn.cli._exit import CommandError
from flaxnn.cli._sweep_space import Variation
from flaxnn.runs import Config, Prepared, prepare
from flaxnn.runs._options import as_arguments
from flaxnn.sweeps._manifest import told
from flaxnn.training._pure import named_metrics

# What makes a part of a run, and takes its hyper-parameters.
_TABLES = ("model", "optimizer", "schedule")
_NO_OPTIONS = ("model.name", "optimizer.name", "schedule.name", "schedule.every")
# Keys of a configuration that say how one run is watched or kept.
_ALONE = ("early_stopping", "checkpoints")


class _Part:
    """Makes a part of a run from the hyper-parameters that the sweep varies in it."""

    def __init__(
        self, make: Callable[..., Any], names: Mapping[str, str], *, rngs: bool = False
    ):
        self._make, self._names, self._rngs = make, names, rngs
        only = inspect.Parameter.KEYWORD_ONLY
        takes = [*names, "rngs"] if rngs else [*names]
        self.__signature__ = inspect.Signature(
            [inspect.Parameter(name, only) for name in takes]
        )

    def __call__(self, **given: Any) -> Any:
        rngs = {"rngs": given.pop("rngs")} if self._rngs else {}
        options = {self._names[name]: value for name, value in given.items()}
        return self._make(**as_arguments(options), **rngs)

    def __repr__(self) -> str:
        return told(self._make)


def prepared(config: Config, variation: Variation) -> Prepared:
    """The run that all of them are, with one of the varied values.

    Raises:
        CommandError: A sweep cannot do what the configuration says.
        ConfigError, ValueError: As `flaxnn.runs.prepare`.
    """
    _check(config, variation)
    return prepare(config)


def numbers(ready: Prepared) -> list[str]:
    """The columns of the table that a run may be ranked by."""
    judged = ready.validation
    found = ["loss", *named_metrics(ready.metrics)]
    if judged is not None:
        found += ["val_loss", *(f"val_{n}" for n in named_metrics(judged.metrics))]
    return found


def run_sweep(ready: Prepared, variation: Variation, **options: Any) -> sweeps.Sweep:
    """Runs the sweep.

    Args:
        ready: The run that all of them are.
        variation: What differs.
        **options: Further arguments of `flaxnn.sweep`.

    Raises:
        ValueError, TypeError, CheckpointError: As `flaxnn.sweep`.
    """
    config, names = ready.config, column_names(variation)
    mini = config["batch_size"] != "all"
    return sweeps.sweep(
        _Part(ready.make_model, _taken("model", names), rngs=True),
        ready.rows,
        loss=ready.loss,
        optimizer=_Part(ready.make_optimizer, _taken("optimizer", names)),
        schedule=ready.make_schedule
        and _Part(ready.make_schedule, _taken("schedule", names)),
        schedule_every=ready.schedule_every,
        seeds=variation.seeds or [config["seed"]],
        epochs=config["epochs"],
        steps=config["steps"],
        space=_space(variation, names),
        batch_size=config["batch_size"] if mini else None,
        shuffle=mini and config["shuffle"],
        drop_last=mini and config["drop_last"],
        metrics=ready.metrics,
        validation=ready.validation,
        accumulate=config["accumulate"],
        compute_dtype=config["compute_dtype"],
        remat=config["remat"],
        freeze=tuple(config["freeze"] or ()),
        **{names[key]: _hashable(v) for key, v in variation.listed.items()},
        **options,
    )


def base(make: Callable[[Mapping[str, Any]], Config], variation: Variation) -> Config:
    """The configuration with the first value of all that varies, each value checked.

    Args:
        make: Makes a configuration with some keys changed.
        variation: What varies.

    Raises:
        ConfigError: A value is refused.
        CommandError: A key cannot be varied.
    """
    several = [*variation.listed, *variation.drawn]
    for key in several:
        if key.partition(".")[0] not in _TABLES or key in _NO_OPTIONS:
            tables = ", ".join(f"{table}." for table in _TABLES)
            raise CommandError(
                f"{key} cannot be swept: only arguments of what a run is made of can, "
                f"{tables}…; give it one value, and call sweep for each"
            )
    ends = {key: _ends(d) for key, d in variation.drawn.items()}
    values = {**variation.listed, **ends}
    first = make({**variation.fixed, **{key: v[0] for key, v in values.items()}})
    for key, several in values.items():
        for value in several[1:]:
            first.changed({key: value})
    return first


def _ends(distribution: Any) -> list[Any]:
    return [distribution.low, distribution.high]


def _check(config: Config, variation: Variation) -> None:
    """Refuses what `flaxnn.sweep` has not, all at once."""
    faults = [
        f"{key}: it is for one run; a sweep's directory and table keep all of them"
        for key in config
        if key.partition(".")[0] in _ALONE
    ]
    if config["stream"]:
        faults.append("stream: the runs of a sweep share data on the device")
    fraction = config["validation.fraction"]
    if fraction is not None and config["validation.random_state"] is None:
        faults.append(
            "validation.fraction: each seed would draw other rows, and the runs could "
            "not be compared; give validation.random_state too"
        )
    if variation.drawn and variation.samples is None:
        faults.append(
            f"{', '.join(variation.drawn)}: say how often to draw, with --samples N"
        )
    if variation.samples is not None and not variation.drawn:
        faults.append("--samples: nothing is drawn; such as optimizer.lr=log(1e-4,1)")
    if faults:
        raise CommandError("; ".join(faults))


def _space(variation: Variation, names: Mapping[str, str]) -> sweeps.Space | None:
    if not variation.drawn:
        return None
    assert variation.samples is not None
    return sweeps.Random(
        variation.samples,
        seed=variation.sample_seed or 0,
        **{names[key]: drawn for key, drawn in variation.drawn.items()},
    )


def column_names(variation: Variation) -> dict[str, str]:
    """The column of each key: its last part, or all of it where that is taken."""
    keys = [*variation.drawn, *variation.listed]
    last = [key.partition(".")[2] for key in keys]
    taken = {*inspect.signature(sweeps.sweep).parameters, "status"}
    return {
        key: key.replace(".", "_") if last.count(name) > 1 or name in taken else name
        for key, name in zip(keys, last, strict=True)
    }


def _taken(table: str, names: Mapping[str, str]) -> dict[str, str]:
    """The options of one table, by column."""
    return {
        name: key.partition(".")[2]
        for key, name in names.items()
        if key.startswith(f"{table}.")
    }


def _hashable(values: list[Any]) -> list[Any]:
    """Lists within lists as tuples, which are one value to a sweep."""
    return [tuple(one) if isinstance(one, list) else one for one in values]
