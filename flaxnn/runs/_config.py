# SPDX-License-Identifier: Apache-2.0
"""A run as plain data."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flaxnn.runs._catalogue import canonical, metric_faults, table_faults
from flaxnn.runs._data_names import find_set
from flaxnn.runs._errors import ConfigError
from flaxnn.runs._keys import KEYS, OPEN, SHORT, TABLES
from flaxnn.runs._nearest import did_you_mean
from flaxnn.runs._toml import read_toml, write_toml

# How long a run is that does not say it.
_EPOCHS = 5
# Paths, which in a file are meant from the file's folder.
_PATHS = ("data.name", "data.labels", "data.dir", "validation.data")
# Of each of these a configuration has one at most.
_EXCLUSIVE = (
    ("epochs", "steps"),
    ("clip_norm", "clip_value"),
    ("validation.split", "validation.fraction", "validation.data"),
)


@dataclass(frozen=True)
class Config:
    """A run as plain data: what is trained on what, how and for how long.

    It is checked as a whole when it is made. Keys are those of the TOML file, a
    table's before a dot: ``"optimizer.lr"``.

    Args:
        values: By dotted key. `of` and `read` take nested mappings too.

    Raises:
        ConfigError: A ValueError. Names every fault: unknown keys and names, with the
            nearest; wrong types; values out of range; keys that exclude each other.

    Example:
        >>> config = Config.of({"model": "SoftmaxRegression", "data": "wine"})
        >>> config = config.changed({"optimizer.lr": 0.1, "epochs": 3})
        >>> print(config.to_toml(), end="")
        epochs = 3
        <BLANKLINE>
        [model]
        name = "SoftmaxRegression"
        <BLANKLINE>
        [data]
        name = "wine"
        <BLANKLINE>
        [optimizer]
        lr = 0.1
        >>> config["batch_size"], config.options("optimizer")
        (64, {'lr': 0.1})
        >>> Config.of({"model": "SoftmaxRegresion", "data": "wine", "optimizer.lr": -1})
        Traceback (most recent call last):
        flaxnn.runs._errors.ConfigError: the configuration has 2 faults:
          model.name: there is no 'SoftmaxRegresion'; did you mean...
          optimizer: Invalid learning rate: -1
    """

    values: Mapping[str, Any]

    def __post_init__(self) -> None:
        if faults := _faults(self.values):
            raise ConfigError(faults)
        object.__setattr__(
            self, "values", dict(sorted(self.values.items(), key=_place))
        )

    @classmethod
    def of(cls, values: Mapping[str, Any], source: str = "") -> Config:
        """Returns the configuration of nested or dotted keys.

        Args:
            values: Such as ``{"model": "NeuralNetwork", "optimizer": {"lr": 0.1}}``;
                a text in place of a table is its name. None stands for a key that is
                left out.
            source: Where they come from, for errors.

        Raises:
            ConfigError: As the class.
        """
        flat, faults = _flat(values)
        flat = {key: value for key, value in flat.items() if value is not None}
        faults += _faults(flat)
        if faults:
            raise ConfigError(faults, source)
        return cls(_canonical(flat))

    @classmethod
    def read(
        cls, path: str | os.PathLike[str], changes: Mapping[str, Any] | None = None
    ) -> Config:
        """Returns the configuration of a TOML file.

        Paths in it that are not absolute are meant from its folder.

        Args:
            path: The file.
            changes: Keys that have another value than in the file, as for `changed`.

        Raises:
            OSError: The file cannot be read.
            ConfigError: It is not TOML, or as the class.
        """
        path = Path(path)
        flat, faults = _flat(read_toml(path))
        changed, more = _flat(changes or {})
        flat = {k: _from_folder(k, v, path.parent) for k, v in flat.items()}
        flat = _merged(flat, changed)
        faults += more + _faults(flat)
        if faults:
            raise ConfigError(faults, str(path))
        return cls(_canonical(flat))

    def changed(self, changes: Mapping[str, Any]) -> Config:
        """Returns a configuration with other values for some keys.

        A key takes the place of those that it excludes, such as ``"steps"`` that of
        ``"epochs"``; a new name that of its table's arguments, which were for another.

        Args:
            changes: As `of` takes them; None leaves a key out.

        Raises:
            ConfigError: As the class.
        """
        flat, faults = _flat(changes)
        if faults:
            raise ConfigError(faults)
        return Config.of(_merged(self.values, flat))

    def __getitem__(self, key: str) -> Any:
        """The value of a key, its default where it is left out."""
        if key in self.values:
            return self.values[key]
        if key == "epochs":
            return None if "steps" in self.values else _EPOCHS
        return KEYS[key].default

    def __contains__(self, key: str) -> bool:
        """Whether a key is given."""
        return key in self.values

    def __iter__(self) -> Iterator[str]:
        """The keys that are given."""
        return iter(self.values)

    def options(self, table: str) -> dict[str, Any]:
        """Returns what a table has beside its own keys: arguments of what it names.

        Args:
            table: "model", "loss", "optimizer" or "schedule".
        """
        return {
            key.split(".", 1)[1]: value
            for key, value in self.values.items()
            if key.startswith(f"{table}.") and key not in KEYS
        }

    def differences(self, other: Config) -> list[str]:
        """Returns a line for each key whose value differs in another configuration.

        Args:
            other: What it is now, in the lines' words; this is what it was.
        """
        names = sorted(
            self.values.keys() | other.values.keys(), key=lambda k: _place((k,))
        )
        return [
            f"{key} was {_told(self, key)} and is {_told(other, key)}"
            for key in names
            if _value(self, key) != _value(other, key)
        ]

    def to_toml(self) -> str:
        """Returns the TOML file that gives this configuration."""
        return write_toml(self.values)


def _flat(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Values under dotted keys, and what is wrong with tables."""
    flat: dict[str, Any] = {}
    faults = []
    for key, value in values.items():
        if isinstance(value, Mapping) and key in TABLES:
            flat |= {f"{key}.{inner}": each for inner, each in value.items()}
        elif key in SHORT and value is not None:
            kinds = SHORT[key]
            meant = next((full for kind, full in kinds if kind.accepts(value)), None)
            if meant is None:
                expected = " or ".join(kind.expected for kind, _ in kinds)
                faults.append(f"{key}: expected a table, or {expected}; got {value!r}")
            else:
                flat[meant] = value
        else:
            flat[key] = value
    return flat, faults


def _merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Values after changes, without what the changes stand in place of."""
    kept = dict(values)
    for group in _EXCLUSIVE:
        if any(changes.get(key) is not None for key in group):
            kept = {key: value for key, value in kept.items() if key not in group}
    for table in OPEN:
        then, now = values.get(f"{table}.name"), changes.get(f"{table}.name")
        if now is not None and _known(table, now) != _known(table, then):
            kept = {k: v for k, v in kept.items() if not k.startswith(f"{table}.")}
    merged = {**kept, **changes}
    return {key: value for key, value in merged.items() if value is not None}


def _known(table: str, name: Any) -> Any:
    if name is None:
        name = KEYS[f"{table}.name"].default
    return canonical(table, name) or name if isinstance(name, str) else name


def _faults(values: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with flat values."""
    faults = []
    for key, value in values.items():
        table = key.split(".")[0]
        if key in KEYS:
            if not KEYS[key].kind.accepts(value):
                faults.append(
                    f"{key}: expected {KEYS[key].kind.expected}, got {value!r}"
                )
        elif table not in OPEN or "." not in key:
            faults.append(
                f"{key}: there is no such key; {did_you_mean(key, _near(key))}"
            )
    faults += _named_faults(values)
    metrics = values.get("metrics", [])
    if KEYS["metrics"].kind.accepts(metrics):
        faults += metric_faults(list(metrics))
    return faults + _exclusions(values)


def _near(key: str) -> list[str]:
    """The keys among which one that is unknown may have been meant."""
    table = key.split(".")[0] + "."
    return [name for name in KEYS if name.startswith(table)] or [*KEYS]


def _named_faults(values: Mapping[str, Any]) -> list[str]:
    faults = []
    faults += [
        f"{needed}: it is not given; expected {KEYS[needed].about}"
        for needed in ("model.name", "data.name")
        if needed not in values
    ]
    for table in OPEN:
        name = values.get(f"{table}.name", KEYS[f"{table}.name"].default)
        options = {
            key.split(".", 1)[1]: value
            for key, value in values.items()
            if key.startswith(f"{table}.") and key not in KEYS
        }
        if not isinstance(name, str) or not name:
            if options and name is None and table not in ("loss", "model"):
                faults.append(
                    f"{table}.name: it is not given, but {', '.join(options)}"
                )
            continue
        if table != "model" or ".py" not in name:
            faults += table_faults(table, name, options)
    return faults


def _exclusions(values: Mapping[str, Any]) -> list[str]:
    """Keys that exclude each other, or need each other."""
    faults = []
    for group in _EXCLUSIVE:
        given = [key for key in group if key in values]
        if len(given) > 1:
            faults.append(f"{given[0]}: {' and '.join(given)} exclude each other")
    if "validation.random_state" in values and "validation.fraction" not in values:
        faults.append("validation.random_state: it needs validation.fraction")
    stopping = [key for key in values if key.startswith("early_stopping.")]
    if stopping and "early_stopping.patience" not in values:
        faults.append("early_stopping.patience: it is not given, in epochs")
    if "checkpoints.mode" in values and "checkpoints.best" not in values:
        faults.append("checkpoints.mode: it needs checkpoints.best")
    if values.get("batch_size") == "all":
        if values.get("drop_last"):
            faults.append("drop_last: with batch_size 'all' there is no short batch")
        if values.get("stream"):
            faults.append(
                "stream: with batch_size 'all' every step needs all rows on the device"
            )
    return faults


def _canonical(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with our own names for what tables name."""
    found = dict(values)
    for table in OPEN:
        name = found.get(f"{table}.name")
        if name is not None and not (table == "model" and ".py" in name):
            found[f"{table}.name"] = canonical(table, name)
    return found


def _from_folder(key: str, value: Any, folder: Path) -> Any:
    """A path in a file, which is meant from the file's folder."""
    if not isinstance(value, str):
        return value
    if key == "model.name" and ".py" in value:
        return str(folder / value)
    if key == "data.name" and find_set(value):
        return value
    if key in _PATHS and (key == "data.dir" or (folder / value).exists()):
        return str(folder / value)
    return value


def _place(item: tuple[str, ...] | tuple[str, Any]) -> tuple[int, int]:
    """Where a key stands in the file: tables behind the top, in the order of `KEYS`."""
    key = item[0]
    names = list(KEYS)
    table = key.split(".")[0]
    if "." not in key:
        return -1, names.index(key)
    order = ["model", "data", "loss", "optimizer", "schedule"]
    order += [name for name in TABLES if name not in order]
    return order.index(table), names.index(key) if key in KEYS else len(names)


def _value(config: Config, key: str) -> Any:
    value = config[key] if key in KEYS else config.values.get(key)
    return list(value) if isinstance(value, tuple) else value


def _told(config: Config, key: str) -> str:
    value = _value(config, key)
    return "not given" if value is None else repr(value)
