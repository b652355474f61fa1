# SPDX-License-Identifier: Apache-2.0
"""What a sweep varies, as the command line and files write it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flaxnn.cli._exit import CommandError

# log(1e-4, 1e-1), uniform(0, 0.9), int(1, 5).
_DRAWN = re.compile(r"(log|uniform|int)\(([^,()]+),([^,()]+)\)")
_KEYS = ("seeds", "samples", "sample_seed", "set")


@dataclass
class Variation:
    """What a sweep varies.

    Attributes:
        fixed: Keys of the configuration with one value for all runs.
        listed: Keys with several values, each combined with all others.
        drawn: Keys with a distribution.
        seeds: The runs' seeds; None for the configuration's.
        samples: How many times the distributions are drawn from.
        sample_seed: Of the generator that draws.
    """

    fixed: dict[str, Any] = field(default_factory=dict)
    listed: dict[str, list[Any]] = field(default_factory=dict)
    drawn: dict[str, Any] = field(default_factory=dict)
    seeds: list[int] | None = None
    samples: int | None = None
    sample_seed: int | None = None

    @classmethod
    def read(cls, path: Path) -> Variation:
        """What a TOML file says: seeds, samples, sample_seed and a table [set].

        Raises:
            OSError: It cannot be read.
            CommandError: It is not such a file.
        """
        from flaxnn.runs._nearest import did_you_mean
        from flaxnn.runs._toml import read_toml

        values = read_toml(path)
        for key in values:
            if key not in _KEYS:
                near = did_you_mean(key, _KEYS)
                raise CommandError(f"{path}: there is no key {key!r}; {near}")
        found = cls()
        seeds, settings = values.get("seeds"), values.get("set", {})
        if seeds is not None:
            text = ",".join(map(str, seeds)) if isinstance(seeds, list) else str(seeds)
            found.seeds = parse_seeds(text)
        for key in ("samples", "sample_seed"):
            value = values.get(key)
            if value is not None and type(value) is not int:
                raise CommandError(f"{path}: {key}: expected an integer, got {value!r}")
            setattr(found, key, value)
        if not isinstance(settings, Mapping):
            raise CommandError(f"{path}: set: expected a table, got {settings!r}")
        for key, value in _dotted(settings):
            if isinstance(value, str) and _DRAWN.fullmatch(value):
                found.set(key, value)
            else:
                found.put(key, value if isinstance(value, list) else [value])
        return found

    def set(self, key: str, text: str) -> None:
        """Takes what a command line gives to a key."""
        drawn = _DRAWN.fullmatch(text.strip())
        if drawn is None:
            self.put(key, parse_values(text))
            return
        self._forget(key)
        self.drawn[key] = _distribution(key, *drawn.groups())

    def put(self, key: str, values: list[Any]) -> None:
        """Takes one value for all runs, or several."""
        self._forget(key)
        if not values:
            raise CommandError(f"{key}: expected at least one value, got none")
        if len(values) == 1:
            self.fixed[key] = values[0]
        else:
            self.listed[key] = values

    def _forget(self, key: str) -> None:
        for kind in (self.fixed, self.listed, self.drawn):
            kind.pop(key, None)


def parse_seeds(text: str) -> list[int]:
    """The seeds of "0:64", "0,1,2" or both; a range leaves out its end, as Python's.

    Raises:
        CommandError: It is none of them, or a range is empty.
    """
    seeds: list[int] = []
    for part in text.split(","):
        numbers = part.split(":")
        try:
            bounds = [int(number) for number in numbers]
        except ValueError:
            bounds = []
        if len(bounds) not in (1, 2) or not (
            found := [bounds[0]] if len(bounds) == 1 else [*range(*bounds)]
        ):
            raise CommandError(
                "seeds: expected a range such as 0:64, or numbers such as 0,1,2; got "
                f"{text!r}"
            )
        seeds += found
    return seeds


def parse_values(text: str) -> list[Any]:
    """The values in "0.1, 0.01" or "relu, tanh"; a list of TOML's is one value."""
    from flaxnn.runs._toml import parse_value

    try:
        return tomllib.loads(f"values = [{text}]")["values"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return [parse_value(part.strip()) for part in text.split(",")]


def _distribution(key: str, kind: str, low: str, high: str) -> Any:
    from flaxnn import sweeps

    kinds = {
        "log": (sweeps.LogUniform, float),
        "uniform": (sweeps.Uniform, float),
        "int": (sweeps.IntUniform, int),
    }
    make, number = kinds[kind]
    try:
        return make(number(low), number(high))
    except ValueError as error:
        raise CommandError(f"{key}={kind}({low},{high}): {error}") from error


def _dotted(table: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, Any]]:
    """The values of nested tables under dotted keys."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
