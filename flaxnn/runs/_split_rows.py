# SPDX-License-Identifier: Apache-2.0
"""Which rows are trained on, and which the run is judged by."""

from __future__ import annotations

from typing import Any

import numpy as np

from flaxnn.data import Dataset, LazyDataset, Subset, random_split, train_test_split
from flaxnn.random import Generator
from flaxnn.runs import _read_data
from flaxnn.runs._config import Config
from flaxnn.runs._errors import ConfigError
from flaxnn.runs._rows import first_row, numbered, split_fields

Rows = Dataset | LazyDataset


def read_rows(config: Config, **options: Any) -> Rows:
    """The rows that a configuration names, one array of inputs and one of labels."""
    rows = _read_data.read(config, **options)
    if isinstance(rows, Dataset):
        given = config["data.class_names"]
        rows = numbered(rows, given or options.get("class_names"))
        if given:
            rows = Dataset(
                rows.arrays, class_names=given, name=rows.name, source=rows.source
            )
    split_fields(first_row(rows), config["data.name"])
    return rows


def divided(
    config: Config, rows: Rows, generator: Generator
) -> tuple[Rows, Rows | None, Config]:
    """Rows to train and to validate on, and the configuration that says which."""
    names = tuple(getattr(rows, "class_names", ()))
    if path := config["validation.data"]:
        columns = _read_data.feature_columns(config)
        judged = read_rows(config, path=path, class_names=names, columns=columns)
        return rows, judged, config
    if fraction := config["validation.fraction"]:
        state = config["validation.random_state"]
        if state is None:
            lengths = [1 - fraction, fraction]
            train, test = random_split(rows, lengths, generator)
        else:
            # The very rows, in the order that scikit-learn gives the two parts.
            places = train_test_split(
                np.arange(len(rows)), test_size=fraction, random_state=state
            )
            train, test = (Subset(rows, part) for part in places)
        if not len(train) or not len(test):
            raise ConfigError(
                f"validation.fraction: {fraction} of {len(rows)} rows leaves a "
                "part empty"
            )
        return train, test, config
    part = config["validation.split"]
    if part is None:
        part = "none"
        if config["data.split"] == "train" and _read_data.has_test_split(config):
            part = "test"
        config = config.changed({"validation.split": part})
    if part == "none":
        return rows, None, config
    return rows, read_rows(config, split=part, class_names=names), config
